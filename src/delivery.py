"""Brings the journal into the graph: guarded, coalesced, by whoever gets there first.

The guard is the project's watermark node. A transaction first locks it by writing to it, then reads
it, and only then decides: entries at or below `applied` are dropped, the rest must follow without a
gap and continue its chain. So any number of processes may apply at once, a delayed transaction
of an earlier try writes nothing, and a restored store is noticed instead of being written over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from .errors import SapwoodError, StalledError, StoreError, UnavailableError
from .history import BehindError
from .journal import fold
from .lag import Lag
from .retry import end_if_cancelled, retrying
from .settings import APPLY_BYTES, APPLY_ROWS, LINGER_S

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

    from .graph import GraphWriter, Watermark
    from .history import History
    from .journal import Entry
    from .relational import Head, Journal, ProjectRepository
    from .settings import Settings

logger = logging.getLogger("sapwood.delivery")


class _Place(NamedTuple):
    """Where the graph stands, as far as this process has seen."""

    applied: int
    chain: str
    checked: bool


class Delivery:
    """Applies one project's journal entries, and lets others wait until they are applied.

    Attributes:
        cause: The last passing failure, while there is one; the errors of who waited name it.
    """

    def __init__(
        self,
        project_id: str,
        history: History,
        journal: Journal,
        projects: ProjectRepository,
        writer: GraphWriter,
        prepare: Callable[[], Awaitable[None]],
        settings: Settings,
        counts: Counter[str],
        *,
        stalled: bool,
    ) -> None:
        self._project_id = project_id
        self._history = history
        self._stalled = stalled
        self._journal = journal
        self._projects = projects
        self._writer = writer
        self._prepare = prepare
        self._counts = counts
        self._prepared = False
        self._place: _Place | None = None
        self._most_rows = APPLY_ROWS
        self._lag = Lag(settings)
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._moved = asyncio.Condition()
        self._stopping = False
        self._tries = 0
        self._trying = False
        self._failure: tuple[int, SapwoodError] | None = None
        self.cause: UnavailableError | None = None

    @property
    def applied(self) -> int | None:
        """The watermark as last seen; `None` before the first contact."""
        return None if self._place is None else self._place.applied

    # What the flusher calls.

    def committed(self, seq: int, rows: int, size: int) -> None:
        """Note a batch that PostgreSQL committed; apply it soon."""
        self._lag.add(seq, rows, size)
        self._wake.set()

    async def room(self) -> None:
        """Wait until less than the allowed lag is flushed and not yet in the graph.

        Raises:
            StalledError, DivergedError: There will be no room: Neo4j refuses what is there.
        """
        before = self._tries - 1
        async with self._moved:
            await self._moved.wait_for(lambda: self.has_room() or self._failed(before))
        failure = self._failed(before)
        if failure is not None and not self.has_room():
            raise failure.with_traceback(None)

    def has_room(self) -> bool:
        """Whether another batch may be flushed now."""
        self._lag.drop(self.applied or 0)
        return self._lag.has_room()

    # What readers call.

    async def reach(self, seq: int, timeout_s: float) -> bool:
        """Wait until the graph is at `seq` or later; `False` if the time is over before.

        Raises:
            DivergedError, StalledError, JournalError, SchemaError: The graph cannot get there.
        """
        if self._reached(seq):
            return True
        before = self._tries - 1 if self._trying else self._tries
        self._urgent.set()
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._reached(seq) or self._failed(before))
        except TimeoutError:
            return self._reached(seq)
        failure = self._failed(before)
        if failure is not None and not self._reached(seq):
            raise failure.with_traceback(None)
        return True

    def _reached(self, seq: int) -> bool:
        return self._place is not None and self._place.applied >= seq

    def _failed(self, before: int) -> SapwoodError | None:
        """Return what ended a try later than number `before`."""
        if self._failure is not None and self._failure[0] > before:
            return self._failure[1]
        return None

    async def check(self, mark: Watermark | None, head: Head) -> int:
        """Guard a read: see `History.check_read`. Who finds the graph behind, looks again."""
        try:
            return await self._history.check_read(mark, head)
        except BehindError:
            self._place = None
            self._wake.set()
            raise

    # The task.

    async def run(self) -> None:
        """Apply whatever is new until `stop`, and then what this process flushed before it."""
        while not self._done():
            end_if_cancelled()
            await self._wake.wait()
            self._wake.clear()
            if not self._done():
                await self._linger()
                await self._try()

    def stop(self) -> None:
        """End the task as soon as what this process flushed is in the graph."""
        self._stopping = True
        self._urgent.set()
        self._wake.set()

    def _done(self) -> bool:
        self._lag.drop(self.applied or 0)
        return self._stopping and self._lag.is_empty()

    async def _try(self) -> None:
        self._tries += 1
        self._trying = True
        try:
            await self._catch_up()
        except SapwoodError as exc:
            await self._fail(exc)
        except Exception as exc:
            failure = SapwoodError(f"applying ended by an unexpected {type(exc).__name__}")
            failure.__cause__ = exc
            await self._fail(failure)
        finally:
            self._trying = False

    async def _fail(self, exc: SapwoodError) -> None:
        logger.error("the graph of %s cannot follow the journal: %s", self._project_id, exc)
        self._place = None
        self._failure = (self._tries, exc)
        await self._announce()

    async def _announce(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def _linger(self) -> None:
        """Let more entries come while nobody waits, so that one transaction takes them all."""
        if self._urgent.is_set() or self._lag.rows >= self._most_rows:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._urgent.wait()

    async def _catch_up(self) -> None:
        """Apply until nothing is left, through every passing failure of either store."""
        await retrying("apply", self._counts, self._apply_all)
        self.cause = None
        self._urgent.clear()
        await self._announce()

    async def _apply_all(self, _: int) -> None:
        end_if_cancelled()
        try:
            while await self._apply_next():
                await self._announce()
        except UnavailableError as exc:
            self.cause, self._place = exc, None
            raise

    async def _contact(self) -> _Place:
        """Find where the graph stands; at the first contact verify its schema too."""
        if not self._prepared:
            await self._prepare()
            self._prepared = True
        mark = await self._writer.watermark(self._project_id)
        while mark is None:
            await self._writer.create_watermark(self._project_id, self._history.incarnation)
            mark = await self._writer.watermark(self._project_id)
        self._history.check_incarnation(mark)
        return _Place(mark.applied, mark.chain, checked=False)

    async def _apply_next(self) -> bool:
        """Apply one transaction of entries; return whether there may be more."""
        place = self._place = self._place or await self._contact()
        entries = await self._journal.entries(
            self._project_id, place.applied + 1, most_rows=self._most_rows, most_bytes=APPLY_BYTES
        )
        if not entries:
            if not place.checked:
                await self._history.check_chain(place.applied, place.chain)
                self._place = place._replace(checked=True)
            await self._accepted()
            return False
        try:
            self._place = await self._apply(place, entries)
        except UnavailableError:
            raise
        except StoreError as exc:
            await self._refused(entries, exc)
        else:
            await self._accepted()
        return True

    async def _apply(self, place: _Place, entries: list[Entry]) -> _Place | None:
        """Run one guarded transaction; return where the graph stands now, `None` if unsure."""
        async with self._writer.apply(self._project_id) as transaction:
            mark = transaction.watermark
            if mark is None or mark.applied < place.applied:
                return None  # wiped or restored since the last look: begin where it now stands
            self._history.check_incarnation(mark)
            todo = [entry for entry in entries if entry.seq > mark.applied]
            if not todo or not self._history.fits(mark, todo):
                return await self._look_again(place, mark, entries)
            await transaction.write(fold(todo))
            await transaction.commit(todo[-1].seq, todo[-1].chain)
        self._counts["applies"] += 1
        self._counts["applied_entries"] += len(todo)
        return _Place(todo[-1].seq, todo[-1].chain, checked=True)

    async def _look_again(self, place: _Place, mark: Watermark, entries: list[Entry]) -> _Place:
        """Others came first, or the entries were read before a restore: read them again, once."""
        await self._history.check_chain(mark.applied, mark.chain)
        if place == (mark.applied, mark.chain, True):
            raise self._history.diverged(
                mark.applied, f"the journal's entry {entries[0].seq} does not follow it"
            )
        return _Place(mark.applied, mark.chain, checked=True)

    async def _accepted(self) -> None:
        self._most_rows = min(APPLY_ROWS, self._most_rows * 2)
        if self._stalled:
            await self._projects.clear_stalled(self._project_id)
            self._stalled = False

    async def _refused(self, entries: list[Entry], exc: StoreError) -> None:
        """Neo4j refuses a transaction: halve it; a single entry stalls the project."""
        if len(entries) > 1:
            rows = sum(entry.operations.rows for entry in entries)
            self._most_rows = max(1, min(self._most_rows, rows) // 2)
            self._counts["apply_halvings"] += 1
            return
        seq = entries[0].seq
        self._stalled = True
        await self._projects.set_stalled(self._project_id, seq, str(exc))
        raise StalledError(self._project_id, seq, str(exc)) from exc
