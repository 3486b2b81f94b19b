"""The one task that makes accepted items durable, batch by batch, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from .batch import first_ids
from .errors import ClosedError, FencedError, RejectedItemsError, SapwoodError
from .model import Receipt
from .relational import Stored
from .retry import end_if_cancelled, retrying

if TYPE_CHECKING:
    from collections import Counter

    from .batch import Batch
    from .buffer import Buffer, KnownIds
    from .delivery import Delivery
    from .model import RejectedItem
    from .relational import Epoch, Journal, ProjectRepository

logger = logging.getLogger("sapwood.flushing")


class _Totals(NamedTuple):
    """What was stored since the adapter was opened."""

    nodes: int = 0
    statuses: int = 0
    scores: int = 0
    labels: int = 0

    def plus(self, receipt: Receipt) -> _Totals:
        return _Totals(*(mine + getattr(receipt, name) for name, mine in self._asdict().items()))

    def minus(self, other: _Totals) -> _Totals:
        return _Totals(*(mine - its for mine, its in zip(self, other, strict=True)))


class Flusher:
    """Owns the buffer's other end. Callers only wait; their cancellation stops only that.

    A batch is frozen with its id, stored by one PostgreSQL transaction, driven again unchanged
    after every passing failure, and dropped from the buffer only then. After a failure its id is
    looked up in the journal first, so a commit whose reply was lost is not made twice.

    Attributes:
        failure: A fatal error; every later call raises it.
        head: Journal position of the newest stored batch.
    """

    def __init__(
        self,
        project_id: str,
        buffer: Buffer,
        known: KnownIds,
        journal: Journal,
        projects: ProjectRepository,
        delivery: Delivery,
        counts: Counter[str],
    ) -> None:
        self._project_id = project_id
        self._buffer = buffer
        self._known = known
        self._journal = journal
        self._projects = projects
        self._delivery = delivery
        self._counts = counts
        self._epoch: Epoch | None = None
        self._last: Stored | None = None
        self._wanted = 0
        self._stored = asyncio.Condition()
        self._totals = _Totals()
        self._told = self._totals
        self._rejected: list[RejectedItem] = []
        self.failure: SapwoodError | None = None
        self.head = 0

    async def run(self) -> None:
        """Store what is due, for ever. Ends only by a fatal error or by being cancelled.

        Whoever waits then hears of it, also when others than `Session.close` cancel it.
        """
        try:
            while True:
                end_if_cancelled()
                while not self._due():
                    await self._buffer.changed(self._buffer.due_in_s())
                await self._store_next()
        except SapwoodError as exc:
            await self._fail(exc)
        except Exception as exc:
            logger.exception("the flushing task ended by an unexpected error")
            await self._fail(_unexpected(exc))
        except asyncio.CancelledError:
            await self.end()
            raise

    def _due(self) -> bool:
        due_in_s = self._buffer.due_in_s()
        wanted = self._wanted > self._buffer.stored
        return due_in_s is not None and (wanted or due_in_s <= 0)

    async def _store_next(self) -> None:
        await self._delivery.room()
        batch = self._buffer.freeze()
        receipt = await self._store(batch)
        self._last = Stored(receipt.seq, batch.id)
        self._counts["flushes"] += 1
        self._buffer.done()
        self._known.discard(item.node_id for item in receipt.rejected if item.kind == "node")
        self._totals = self._totals.plus(receipt)
        self._rejected.extend(receipt.rejected)
        self.head = receipt.seq
        self._delivery.committed(receipt.seq, len(batch.items), _size(batch))
        async with self._stored:
            self._stored.notify_all()

    async def _store(self, batch: Batch) -> Receipt:
        async def attempt(number: int) -> Receipt:
            end_if_cancelled()
            if number > 1:
                receipt = await self._journal.outcome(self._project_id, batch.id)
                if receipt is not None:
                    return receipt
            if self._epoch is None:
                self._epoch = await self._projects.claim_epoch(self._project_id)
            return await self._journal.commit(self._project_id, self._epoch, batch, self._last)

        try:
            return await retrying("flush", self._counts, attempt)
        except FencedError as exc:  # it names this batch alone
            raise FencedError(self._project_id, self.pending()) from exc

    async def end(self) -> None:
        """Let whoever still waits, and every later call, raise `ClosedError`."""
        if self.failure is None:
            await self._fail(
                ClosedError(
                    f"the adapter of project {self._project_id!r} was closed; "
                    f"{self._buffer.pending} item(s) were not stored"
                )
            )

    async def _fail(self, exc: SapwoodError) -> None:
        self.failure = exc
        async with self._stored:
            self._stored.notify_all()
        self._buffer.abandon(exc)

    async def flush(self) -> Receipt:
        """Wait until everything accepted before this call is stored, and say what that was.

        Returns:
            A receipt over all that was stored since the previous one; calls that wait at the same
            time share it.

        Raises:
            SapwoodError: The fatal error of the flushing task.
        """
        told = self._told
        await self.reach(self._buffer.accepted)
        self._told = self._totals
        rejected, self._rejected = tuple(self._rejected), []
        new = self._totals.minus(told)
        return Receipt(
            seq=self.head,
            nodes=new.nodes,
            statuses=new.statuses,
            scores=new.scores,
            labels=new.labels,
            rejected=rejected,
        )

    async def reach(self, ticket: int) -> None:
        """Wait until the first `ticket` accepted items are stored."""
        self._wanted = max(self._wanted, ticket)
        self._buffer.wake()
        async with self._stored:
            await self._stored.wait_for(lambda: self.failure or self._buffer.stored >= ticket)
        self.check()

    def check(self) -> None:
        """Raise the fatal error, if there was one."""
        if self.failure is not None:
            # Each raise would else make its traceback longer, and keep what the callers held.
            raise self.failure.with_traceback(None)

    def raise_rejected(self) -> None:
        """Raise, once, for items of automatic flushes that racing writers made invalid."""
        if self._rejected:
            rejected, self._rejected = tuple(self._rejected), []
            raise RejectedItemsError(rejected)

    def pending(self) -> list[str]:
        """Return what is accepted and not stored, by node id."""
        return first_ids(self._buffer.items())


def _size(batch: Batch) -> int:
    return sum(item.size for item in batch.items)


def _unexpected(exc: Exception) -> SapwoodError:
    failure = SapwoodError(f"flushing ended by an unexpected {type(exc).__name__}; see its cause")
    failure.__cause__ = exc
    return failure
