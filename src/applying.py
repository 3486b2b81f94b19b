"""Brings the journal into the graph, a guarded transaction at a time, by whoever gets there first.

The guard is the project's watermark node. A transaction first locks it by writing to it, then reads
it, and only then decides: entries at or below `applied` are dropped, the rest must follow without a
gap and continue its chain. So any number of processes may apply at once, a delayed transaction
of an earlier try writes nothing, and a restored store is noticed instead of being written over.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from .errors import StalledError, StoreError, UnavailableError
from .events import log
from .journal import fold
from .settings import APPLY_BYTES, APPLY_ROWS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

    from .graph import GraphWriter, Watermark
    from .history import History
    from .journal import Entry
    from .relational import Journal, ProjectRepository

logger = logging.getLogger("sapwood.applying")


class _RefusedError(Exception):
    """Neo4j refused what these entries write; its cause says why."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(f"{len(entries)} entries")
        self.entries = entries


class Place(NamedTuple):
    """Where the graph stands, as far as this process has seen.

    Attributes:
        checked: The journal was found to tell the same history up to there.
    """

    applied: int
    chain: str
    checked: bool


class Applier:
    """Applies one project's journal entries.

    Attributes:
        place: Where the graph stands; `None` before the first contact, and when that is in doubt.
        most_rows: Most rows of the next transaction: halved when Neo4j finds one too big.
    """

    def __init__(
        self,
        project_id: str,
        history: History,
        journal: Journal,
        projects: ProjectRepository,
        writer: GraphWriter,
        prepare: Callable[[], Awaitable[None]],
        counts: Counter[str],
        *,
        stalled: bool,
    ) -> None:
        self._project_id = project_id
        self._history = history
        self._journal = journal
        self._projects = projects
        self._writer = writer
        self._prepare = prepare
        self._prepared = False
        self._counts = counts
        self._stalled = stalled
        self.place: Place | None = None
        self.most_rows = APPLY_ROWS

    async def _contact(self) -> Place:
        """Find where the graph stands; verify its schema the first time, or if it is new."""
        if not self._prepared:
            await self._prepare()
            self._prepared = True
        mark = await self._writer.watermark(self._project_id)
        while mark is None:
            await self._prepare()
            await self._writer.create_watermark(self._project_id, self._history.incarnation)
            mark = await self._writer.watermark(self._project_id)
        self._history.check_incarnation(mark)
        return Place(mark.applied, mark.chain, checked=False)

    async def apply_next(self) -> bool:
        """Apply one transaction of entries; return whether there may be more.

        Raises:
            UnavailableError: A store did not answer, or asks to come again.
            StalledError: Neo4j refuses an entry, which is noted in PostgreSQL.
            DivergedError: The graph and the journal tell different histories.
            JournalError, SchemaError, StoreError: Neither can be worked with.
        """
        place = self.place = self.place or await self._contact()
        entries = await self._journal.entries(
            self._project_id, place.applied + 1, most_rows=self.most_rows, most_bytes=APPLY_BYTES
        )
        if not entries:
            if not place.checked:
                await self._history.check_chain(place.applied, place.chain)
                self.place = place._replace(checked=True)
            await self._accepted()
            return False
        try:
            self.place = await self._apply(place, entries)
        except _RefusedError as exc:
            await self._refused(exc.entries, exc.__cause__)
        else:
            await self._accepted()
        return True

    async def _apply(self, place: Place, entries: list[Entry]) -> Place | None:
        """Run one guarded transaction; return where the graph stands now, `None` if unsure."""
        async with self._writer.apply(self._project_id) as transaction:
            mark = transaction.watermark
            if mark is None or mark.applied < place.applied:
                return None  # wiped or restored since the last look: begin where it now stands
            self._history.check_incarnation(mark)
            todo = [entry for entry in entries if entry.seq > mark.applied]
            if not todo or not self._history.fits(mark, todo):
                return await self._look_again(place, mark, entries)
            try:
                await transaction.write(fold(todo))
                await transaction.commit(todo[-1].seq, todo[-1].chain)
            except StoreError as exc:
                if exc.retryable and not exc.too_big:
                    raise
                raise _RefusedError(todo) from exc
        where = {"project": self._project_id, "seq": todo[-1].seq, "entries": len(todo)}
        log(logger, logging.DEBUG, "entries applied", **where)
        self._counts["applies"] += 1
        self._counts["applied_entries"] += len(todo)
        return Place(todo[-1].seq, todo[-1].chain, checked=True)

    async def _look_again(self, place: Place, mark: Watermark, entries: list[Entry]) -> Place:
        """Others came first, or the entries were read before a restore: read them again, once."""
        await self._history.check_chain(mark.applied, mark.chain)
        if place == (mark.applied, mark.chain, True):
            raise self._history.diverged(
                mark.applied, f"the journal's entry {entries[0].seq} does not follow it"
            )
        return Place(mark.applied, mark.chain, checked=True)

    async def _accepted(self) -> None:
        self.most_rows = min(APPLY_ROWS, self.most_rows * 2)
        if self._stalled:
            await self._projects.clear_stalled(self._project_id)
            self._stalled = False

    async def _refused(self, entries: list[Entry], exc: BaseException | None) -> None:
        """Neo4j refuses a transaction: halve it; a single entry stalls the project."""
        if len(entries) > 1:
            rows = sum(entry.operations.rows for entry in entries)
            self.most_rows = max(1, min(self.most_rows, rows) // 2)
            self._counts["apply_halvings"] += 1
            where = {"project": self._project_id, "seq": entries[0].seq, "rows": self.most_rows}
            log(logger, logging.WARNING, "transaction halved", **where, problem=exc)
            return
        if isinstance(exc, UnavailableError):
            raise exc
        seq = entries[0].seq
        self._stalled = True
        await self._projects.set_stalled(self._project_id, seq, str(exc))
        raise StalledError(self._project_id, seq, str(exc)) from exc
