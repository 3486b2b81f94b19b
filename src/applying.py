"""Brings the journal into the graph, a guarded transaction at a time, by whoever gets there first.

The guard is the project's watermark node. A transaction first locks it by writing to it, then reads
it, and only then decides: entries at or below `applied` are dropped, the rest must follow without a
gap and continue its chain. So any number of processes may apply at once, a delayed transaction
of an earlier try writes nothing, and a restored store is noticed instead of being written over.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Self

from . import failpoints
from .coming import ReadAhead
from .errors import NotFoundError, StalledError, StoreError, UnavailableError
from .events import log
from .journal import run
from .quarantine import advance
from .settings import APPLY_ROWS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

    from .coming import Coming
    from .graph import ApplyTransaction, GraphClearing, GraphWriter, Watermark
    from .history import History
    from .journal import Entry, Prune
    from .relational import Journal, ProjectRepository

logger = logging.getLogger("sapwood.applying")


_NOTHING: tuple[str, list[str]] = ("", [])


class _RefusedError(Exception):
    """Neo4j refused what these entries write."""

    def __init__(self, entries: list[Entry], refusal: StoreError) -> None:
        super().__init__(f"{len(entries)} entries")
        self.entries = entries
        self.refusal = refusal


class Place(NamedTuple):
    """Where the graph stands, as far as this process has seen.

    Attributes:
        checked: The journal was found to tell the same history up to there.
    """

    applied: int
    chain: str
    quarantine: str
    under_way: str | None
    checked: bool

    @classmethod
    def of(cls, mark: Watermark, *, checked: bool) -> Self:
        """Return where a watermark says that it stands."""
        return cls(mark.applied, mark.chain, mark.quarantine, mark.under_way, checked)


class Applier:
    """Applies one project's journal entries.

    Attributes:
        busy: A contact is made, which may include a clearing, or a transaction is under way.
        place: Where the graph stands; `None` before the first contact, and when that is in doubt.
        to_rebuild: The graph is to be cleared first, and made again from the journal's beginning.
        most_rows: Most rows of the next transaction: halved when Neo4j finds one too big.
    """

    def __init__(
        self,
        project_id: str,
        history: History,
        journal: Journal,
        projects: ProjectRepository,
        writer: GraphWriter,
        clearing: GraphClearing,
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
        self._clearing = clearing
        self._prepare = prepare
        self._prepared = False
        self._counts = counts
        self._stalled = stalled
        self._to_close = _NOTHING
        self._ahead = ReadAhead(project_id, journal)
        self.busy = False
        self.place: Place | None = None
        self.to_rebuild = False
        self.most_rows = APPLY_ROWS

    async def _contact(self) -> Place:
        """Find where the graph stands; verify its schema the first time, or if it is new."""
        if not self._prepared:
            await self._prepare()
            self._prepared = True
        mark = await self._writer.watermark(self._project_id)
        while mark is None or not await self._may_follow(mark):
            await (self._begin() if mark is None else self._clear(mark))
            mark = await self._writer.watermark(self._project_id)
        if mark.applied == 0:
            await self._require_project()
        return Place.of(mark, checked=False)

    async def _may_follow(self, mark: Watermark) -> bool:
        """Whether the graph is open and this project's; `False` if it is to be cleared first.

        At position 0 it holds nothing, whoever's it was.
        """
        mine = mark.incarnation == self._history.incarnation
        if mark.state == "open" and not mine and mark.applied:
            await self._history.check_incarnation(mark)
        return mark.state == "open" and mine

    async def _begin(self) -> None:
        """Begin in a graph without a watermark: a new one, or one that lost it."""
        await self._prepare()
        await self._writer.create_watermark(self._project_id, self._history.incarnation)

    async def _require_project(self) -> None:
        """Raise if the project was deleted, and take the watermark at 0 back.

        Whoever made it has to ask once it is there, and asks again if there was no answer.
        """
        try:
            await self._history.require_project()
        except NotFoundError:  # it was deleted, and nobody else would look for this watermark
            await self._clearing.remove(self._project_id, self._history.incarnation)
            raise

    async def _clear(self, mark: Watermark) -> None:
        """Go on with a clearing, whoever began it, to its end: open at position 0."""
        await self._history.require_project()
        incarnation = self._history.incarnation
        if (mark.state, mark.incarnation) != ("clearing", incarnation):
            await self._begin_to_clear()
        log(logger, logging.INFO, "graph is cleared", project=self._project_id)
        while await self._clearing.step(self._project_id, incarnation, "clearing"):
            pass
        await self._clearing.open(self._project_id, incarnation)

    async def _begin_to_clear(self) -> None:
        """Mark the graph, unless the project was deleted: that would never be cleared again."""
        await self._clearing.begin(
            self._project_id,
            self._history.incarnation,
            "clearing",
            allowed=self._history.require_project,
        )

    async def apply_next(self) -> bool:
        """Apply one transaction of entries; return whether there may be more.

        Raises:
            UnavailableError: A store did not answer, or asks to come again.
            StalledError: Neo4j refuses an entry, which is noted in PostgreSQL.
            DivergedError: The graph and the journal tell different histories.
            JournalError, SchemaError, StoreError: Neither can be worked with.
        """
        if self.to_rebuild:
            await self._begin_to_clear()
            self.place, self.to_rebuild = None, False
        if self.place is None:
            self._ahead.forget()  # it may be of another time
            self.busy = True
            try:
                self.place = await self._contact()
            finally:
                self.busy = False
        place = self.place
        coming = await self._ahead.next(place.applied + 1, self.most_rows)
        if not coming.entries:
            if not place.checked:
                self.place = await self._check(place)
            await self._accepted()
            return False
        await failpoints.reach(failpoints.APPLY_AFTER_READ)
        refused = None
        self.busy = True
        try:
            self.place = await self._apply(place, coming)
            await self._ahead.keep()
        except _RefusedError as exc:
            refused = exc
        finally:
            self.busy = False
            await self._ahead.end()
        if refused is None:
            await self._accepted()
        else:  # out here, so that an error raised of it does not carry the entries as its context
            await self._refused(refused.entries, refused.refusal)
        return True

    async def _apply(self, place: Place, coming: Coming) -> Place | None:
        """Run one guarded transaction; return where the graph stands now, `None` if unsure."""
        entries = coming.entries
        async with self._writer.apply(self._project_id) as transaction:
            mark = transaction.watermark
            if mark is None or mark.state != "open" or mark.applied < place.applied:
                return None  # wiped, cleared or restored meanwhile: begin where it now stands
            await self._history.check_incarnation(mark)
            todo = run([entry for entry in entries if entry.seq > mark.applied])
            if not todo or not self._history.fits(mark, todo):
                return await self._look_again(place, mark, entries)
            if todo[0].before != mark.quarantine:  # read while something else was left out
                return await self._check(Place.of(mark, checked=False))
            prune = todo[0].operations.prune
            if mark.under_way is not None and prune is None:
                self.to_rebuild = True  # a prune that is applied in part, and now in quarantine
                return None
            left_out = _digest(mark, todo)
            try:
                if prune is None:
                    rows = coming.rows_of(todo)
                    if todo[-1] is entries[-1]:
                        self._ahead.begin(coming, self.most_rows)
                    await transaction.write(rows)
                elif not await self._close(transaction, todo[0].chain, prune):
                    return Place.of(mark, checked=True)._replace(under_way=todo[0].chain)
                await transaction.commit(todo[-1].seq, todo[-1].chain, left_out)
            except StoreError as exc:
                if exc.retryable and not exc.too_big:
                    raise
                raise _RefusedError(todo, exc) from exc
        where = {"project": self._project_id, "seq": todo[-1].seq, "entries": len(todo)}
        log(logger, logging.DEBUG, "entries applied", **where)
        self._counts["applies"] += 1
        self._counts["applied_entries"] += len(todo)
        return Place(todo[-1].seq, todo[-1].chain, left_out, None, checked=True)

    async def _close(self, transaction: ApplyTransaction, chain: str, prune: Prune) -> bool:
        """Close a part of what is alive in a subtree; return whether that was the last of it.

        The ids are found once, since nothing but parts of this prune can come in between; what is
        found under the lock of another transaction is held against the graph at the end, which
        may have been restored meanwhile. Parts may be repeated, by anyone.
        """
        known, left = self._to_close
        found_before = known == chain
        ids = left if found_before else await transaction.alive_below(prune.node_id)
        part, rest = ids[: self.most_rows], ids[self.most_rows :]
        await transaction.close(part, prune.reason)
        if found_before and not rest:
            rest = await transaction.alive_below(prune.node_id)
        if rest:
            await transaction.commit_part(chain)
            self._to_close = (chain, rest)
            return False
        self._to_close = _NOTHING
        return True

    async def _look_again(self, place: Place, mark: Watermark, entries: list[Entry]) -> Place:
        """Others came first, or the entries were read before a restore: read them again, once."""
        here = await self._check(Place.of(mark, checked=False))
        if place == here:
            raise self._history.diverged(
                mark.applied, f"the journal's entry {entries[0].seq} does not follow it"
            )
        return here

    async def _check(self, place: Place) -> Place:
        """Hold a place against the journal."""
        await self._history.check_chain(
            place.applied, place.chain, place.quarantine, place.under_way
        )
        return place._replace(checked=True)

    async def _accepted(self) -> None:
        if self.place is None or self.place.under_way is None:  # the parts of an entry are alike
            self.most_rows = min(APPLY_ROWS, self.most_rows * 2)
        if self._stalled:
            await self._projects.clear_stalled(self._project_id)
            self._stalled = False

    async def _refused(self, entries: list[Entry], exc: StoreError) -> None:
        """Neo4j refuses a transaction: halve it; what cannot be halved stalls the project."""
        in_parts = entries[0].operations.prune is not None
        if len(entries) > 1 or (in_parts and exc.too_big and self.most_rows > 1):
            rows = sum(entry.operations.rows for entry in entries)
            self.most_rows = max(
                1, (self.most_rows if in_parts else min(self.most_rows, rows)) // 2
            )
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


def _digest(mark: Watermark, entries: list[Entry]) -> str:
    """Return the digest of what is left out up to the last entry, as these entries were read.

    It goes on from what the graph says of itself, so that an entry which was read before something
    of it was left out shows at the next contact, for ever.
    """
    digest = mark.quarantine
    for entry in entries:
        digest = advance(digest, entry.seq, entry.left_out)
    return digest
