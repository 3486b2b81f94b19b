"""The one task that makes accepted items durable, batch by batch, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .batch import first_ids
from .errors import (
    ClosedError,
    FencedError,
    RejectedItemsError,
    SapwoodError,
    UnavailableError,
)
from .events import log
from .receipts import Receipts
from .relational import Stored
from .retry import end_if_cancelled
from .waiting import wait

if TYPE_CHECKING:
    from collections import Counter

    from .batch import Batch
    from .buffer import Buffer, KnownIds
    from .delivery import Delivery
    from .model import Receipt, RejectedItem
    from .relational import Epoch, Journal, ProjectRepository
    from .retry import Retries
    from .settings import Mode

logger = logging.getLogger("sapwood.flushing")
BLOCKED_S = 2.0
"""How long flushing rests when the graph cannot follow, unless somebody asks."""


class Flusher:
    """Owns the buffer's other end. Callers only wait; their cancellation stops only that.

    A batch is frozen with its id, stored by one PostgreSQL transaction, driven again unchanged
    after every passing failure, and dropped from the buffer only then. After a failure its id is
    looked up in the journal first, so a commit whose reply was lost is not made twice.

    Attributes:
        failure: A fatal error; every later call raises it.
        cause: Why PostgreSQL has not stored the oldest batch yet, while it is tried again.
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
        retries: Retries,
        counts: Counter[str],
        mode: Mode,
        incarnation: str,
    ) -> None:
        self._project_id = project_id
        self._buffer = buffer
        self._known = known
        self._journal = journal
        self._projects = projects
        self._delivery = delivery
        self._retries = retries
        self._counts = counts
        self._mode = mode
        self._incarnation = incarnation
        self._epoch: Epoch | None = None
        self._last: Stored | None = None
        self._wanted = 0
        self._stored = asyncio.Condition()
        self._receipts = Receipts()
        self._blocked: SapwoodError | None = None
        self._blocks = 0
        self._asked = asyncio.Event()
        self.failure: SapwoodError | None = None
        self.cause: UnavailableError | None = None
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
            await self._fail(_unexpected(exc))
        except asyncio.CancelledError:
            await self.end()
            raise

    def _due(self) -> bool:
        due_in_s = self._buffer.due_in_s()
        wanted = self._wanted > self._buffer.stored
        return due_in_s is not None and (wanted or due_in_s <= 0)

    async def _store_next(self) -> None:
        await self._wait_for_room()
        batch = self._buffer.freeze()
        receipt = await self._store(batch)
        self._last = Stored(receipt.seq, batch.id, self._incarnation)
        self._counts["flushes"] += 1
        self._buffer.done()
        self._receipts.add(receipt)
        if receipt.rejected:
            self._reject(receipt.rejected)
        self.head = receipt.seq
        counts = {"items": len(batch.items), "bytes": _size(batch)}
        log(logger, logging.DEBUG, "batch stored", **self._where(receipt.seq), **counts)
        self._delivery.committed(receipt.seq, counts["items"], counts["bytes"])
        async with self._stored:
            self._stored.notify_all()

    def _reject(self, rejected: tuple[RejectedItem, ...]) -> None:
        """Remember what was left out, and let what waits behind it be left out with it."""
        refused = self._buffer.refuse(item.node_id for item in rejected if item.kind == "node")
        self._known.discard(refused)
        log(logger, logging.WARNING, "items rejected", **self._where(), items=len(rejected))

    async def _wait_for_room(self) -> None:
        """Wait while too much is flushed and not in the graph: for ever, if that cannot follow.

        Whoever waits for a flush meanwhile hears why; nothing is dropped.
        """
        while not self._delivery.has_room():
            try:
                await self._delivery.room()
            except SapwoodError as exc:
                exc.add_note(
                    f"{self._buffer.pending} item(s) are accepted and not stored: as much as "
                    "max_lag allows is flushed and not in the graph. They are stored once it is."
                )
                await self._block(exc)

    async def _block(self, exc: SapwoodError) -> None:
        self._asked.clear()
        self._blocked = exc
        self._blocks += 1
        async with self._stored:
            self._stored.notify_all()
        await wait(self._asked, BLOCKED_S)

    def _where(self, seq: int | None = None) -> dict[str, object]:
        where: dict[str, object] = {"project": self._project_id}
        return where if seq is None else {**where, "seq": seq}

    async def _store(self, batch: Batch) -> Receipt:
        async def attempt(number: int) -> Receipt:
            end_if_cancelled()
            if number > 1:
                receipt = await self._journal.outcome(self._project_id, batch.id)
                if receipt is not None:
                    return receipt
            epoch = self._epoch = self._epoch or await self._take_epoch()
            return await self._journal.commit(self._project_id, epoch, batch, self._last)

        async def noted(number: int) -> Receipt:
            try:
                return await attempt(number)
            except UnavailableError as exc:
                self.cause = exc
                raise

        try:
            return await self._retries.run("flush", noted)
        except FencedError as exc:  # it names this batch alone
            raise FencedError(self._project_id, self.pending()) from exc
        finally:
            self.cause = None

    async def _take_epoch(self) -> Epoch:
        """Become the owner, or share the present one's epoch."""
        take = self._projects.epoch if self._mode == "join" else self._projects.claim_epoch
        epoch = await take(self._project_id, self._incarnation)
        event = "epoch joined" if self._mode == "join" else "epoch claimed"
        log(logger, logging.INFO, event, **self._where(), epoch=epoch.number)
        return epoch

    def resume(self) -> None:
        """Forget that a newer writer came, and the epoch; `run` may then be started again."""
        self.failure = None
        self._epoch = None
        self._buffer.resume()

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
        if not isinstance(exc, ClosedError):
            pending = self._buffer.pending
            fields = {**self._where(), "pending": pending, "problem": exc}
            log(logger, logging.ERROR, "flushing ended", **fields)
        async with self._stored:
            self._stored.notify_all()
        self._buffer.abandon(exc)

    async def flush(self) -> Receipt:
        """Wait until everything accepted before this call is stored, and say what that was.

        Returns:
            A receipt over all that was stored since the previous one; calls that wait at the same
            time share it.

        Raises:
            SapwoodError: The fatal error of the flushing task, or why the graph cannot follow
                while that is too far behind.
        """
        told = self._receipts.told
        await self.drain()
        return self._receipts.since(told, self.head)

    def count_labels(self, count: int) -> None:
        """Let the next receipt say that labels were stored, which pass by the buffer."""
        self._receipts.count_labels(self.head, count)

    async def drain(self) -> None:
        """Wait until what was accepted before this call is in PostgreSQL."""
        await self.reach(self._buffer.accepted)

    async def reach(self, ticket: int) -> None:
        """Wait until the first `ticket` accepted items are stored."""
        blocks = self._blocks
        self._wanted = max(self._wanted, ticket)
        self._buffer.wake()
        self._asked.set()
        async with self._stored:
            await self._stored.wait_for(
                lambda: self.failure or self._blocks > blocks or self._buffer.stored >= ticket
            )
        self.check()
        if self._blocked is not None and self._buffer.stored < ticket:
            raise self._blocked.with_traceback(None)

    def check(self) -> None:
        """Raise the fatal error, if there was one."""
        if self.failure is not None:
            # Each raise would else make its traceback longer, and keep what the callers held.
            raise self.failure.with_traceback(None)

    def raise_rejected(self) -> None:
        """Raise, once, for items of automatic flushes that racing writers made invalid."""
        rejected = self._receipts.unheard()
        if rejected:
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
