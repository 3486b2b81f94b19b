"""Whether the graph and the journal tell the same history: compared at every contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .errors import DivergedError, NotFoundError
from .journal import NO_CHAIN, link

if TYPE_CHECKING:
    from .graph import Watermark
    from .journal import Entry
    from .relational import Head, Journal


_ANOTHER: Final = "the journal tells another history up to there"


class BehindError(Exception):
    """A read found the graph behind the position it needs.

    Attributes:
        seq: The position to wait for.
    """

    def __init__(self, seq: int) -> None:
        super().__init__(f"before position {seq}")
        self.seq = seq


class History:
    """One project's history, as the journal tells it.

    A watermark belongs to it if the journal's row at `applied` has the watermark's chain and
    incarnation. The chain covers all batches up to there, so equal chains are equal histories. And
    the same has to be left out of both, which a digest of what is in quarantine up to there says.
    """

    def __init__(self, project_id: str, incarnation: str, journal: Journal) -> None:
        self._project_id = project_id
        self._journal = journal
        self.incarnation = incarnation

    async def check_read(self, mark: Watermark | None, head: Head) -> int:
        """Hold the watermark that a read found against the journal; return `applied`.

        Args:
            mark: What stands in the transaction that will read the data; `None` if nothing does.
            head: The journal's end as the read began.

        Raises:
            BehindError: The graph is not there yet, or between the entries of one commit.
            NotFoundError: The project was deleted since it was opened.
            DivergedError: The graph is of another history.

        Cost: nothing if the graph is at `head`, one statement if it is further.
        """
        if mark is None or mark.state != "open" or mark.applied < head.seq:
            raise BehindError(head.seq)
        if mark.under_way is not None:  # half of the next entry is there, so it is at no position
            raise BehindError(mark.applied + 1)
        await self.check_incarnation(mark)
        if mark.applied == head.seq and mark.chain != head.chain:
            raise self.diverged(mark.applied, _ANOTHER)
        if mark.applied > head.seq or mark.quarantine != head.quarantine:
            goes_on = await self.check_chain(mark.applied, mark.chain, mark.quarantine)
            if goes_on:
                raise BehindError(mark.applied + 1)
        return mark.applied

    async def check_chain(
        self, applied: int, chain: str, quarantine: str, under_way: str | None = None
    ) -> bool:
        """Raise `DivergedError` unless the journal has these chains. One statement, or two.

        Args:
            applied: A position of the graph, with its `chain` and `quarantine`.
            under_way: Chain of the entry that is applied in part.

        Returns:
            Whether the position is within a commit of several entries, not at its end.
        """
        await self._check_next(applied, under_way)
        if applied == 0 and chain == NO_CHAIN:
            return False
        known = await self._journal.link(self._project_id, applied)
        if known is None:
            raise self.diverged(applied, "the journal ends before it")
        if known[:2] != (chain, self.incarnation):
            raise self.diverged(applied, _ANOTHER)
        if known.quarantine != quarantine:
            raise DivergedError(
                f"project {self._project_id!r}: the graph is at position {applied}, and other "
                "things are in quarantine than when it was made. rebuild_graph() makes it again."
            )
        return known.goes_on

    async def _check_next(self, applied: int, under_way: str | None) -> None:
        if under_way is None:
            return
        known = await self._journal.link(self._project_id, applied + 1)
        if known is None or known[:2] != (under_way, self.incarnation):
            raise self.diverged(applied, "holds a part of an entry that the journal has not")

    async def check_incarnation(self, mark: Watermark) -> None:
        """Raise if the graph belongs to another project of this name. Costs nothing if not.

        Raises:
            NotFoundError: This one was deleted, and the graph is its successor's.
            DivergedError: This one is there, and the graph is not its own.
        """
        if mark.incarnation != self.incarnation:
            await self.require_project()
            raise self.diverged(mark.applied, "the graph belongs to another project of this name")

    async def require_project(self) -> None:
        """Raise `NotFoundError` unless the project is there and the one that was opened."""
        head = await self._journal.head(self._project_id)
        if head.state == "deleting" or head.incarnation != self.incarnation:
            raise NotFoundError(f"project {self._project_id!r} was deleted since it was opened")

    def fits(self, mark: Watermark, entries: list[Entry]) -> bool:
        """Whether entries follow the watermark without a gap, each linked to the one before.

        An entry that is applied in part has to be the first.
        """
        if mark.under_way not in (None, entries[0].chain):
            return False
        seq, chain = mark.applied, mark.chain
        for entry in entries:
            seq, chain = seq + 1, link(chain, entry.batch_id)
            if (entry.seq, entry.chain, entry.incarnation) != (seq, chain, self.incarnation):
                return False
        return True

    def diverged(self, applied: int, how: str) -> DivergedError:
        """Return the error for a graph that is not of this history."""
        return DivergedError(
            f"project {self._project_id!r}: the graph is at position {applied}, but {how}. One of "
            "the stores was restored or edited. PostgreSQL is the authority: if it holds what you "
            "want to keep, rebuild_graph() makes the graph again from the journal; otherwise "
            "restore PostgreSQL."
        )
