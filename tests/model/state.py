"""What the two stores, the writers and the network hold: hashable values without behaviour.

Fields marked *ghost* are the checker's own book-keeping; no step of the protocol reads them.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

Mark = tuple[int, ...]
"""Identity of a journal entry: its batch id alone, or (a digest) all ids up to it."""


class Entry(NamedTuple):
    """A journal entry: the row that one flush commits."""

    seq: int
    batch: int
    epoch: int
    prev: Mark
    mark: Mark
    after: int = 0  # ghost: the batch that its writer was told is stored before this one


Data = tuple[int, ...]
"""The graph's content: the batches that wrote to it, in the order of their last write.

Batch 1 creates the node. Every two batches write a property in common, last writer wins, so the
order of last writes is all there is to know: it says who won each of these properties.
"""

CREATING = 1
"""The batch that creates the node."""

PRUNING = 2
"""The batch that is a prune, in runs that have one; half done, it stands negated in the data."""


SEVERAL = 2
"""The batch that commits as two entries, in runs that have one."""

FIRST_PART = 20
"""Id of the first of those; the second one has the batch's own, by which it is looked up."""


class Postgres(NamedTuple):
    """The project row, the journal and the transactions that hold (or wait to give up) it."""

    epoch: int = 0
    rows: tuple[Entry, ...] = ()
    open: tuple[Entry, ...] = ()
    floor: int = 0
    """Entries up to here were trimmed; `rows` keeps them for the checker only."""
    drawn: int = 0
    """Last value of the SEQUENCE, in the variant that has one."""

    @property
    def head(self) -> int:
        return max((row.seq for row in self.rows), default=0)

    @property
    def mark(self) -> Mark:
        return self.rows[-1].mark if self.rows else ()

    def at(self, seq: int) -> Entry | None:
        """Return the journal entry at a position, `None` if there is none (any more)."""
        return next((row for row in self.rows if row.seq == seq > self.floor), None)

    def after(self, seq: int) -> tuple[Entry, ...]:
        """Return the journal entries after a position, oldest first."""
        found = [row for row in self.rows if row.seq > max(seq, self.floor)]
        return tuple(sorted(found, key=lambda row: row.seq))

    def halfway(self, seq: int) -> bool:
        """Tell whether a position is between two entries of one commit."""
        return any(row.seq == seq and row.batch == FIRST_PART for row in self.rows)

    def holds(self, batch: int) -> bool:
        return any(row.batch == batch for row in self.rows)


class Graph(NamedTuple):
    """Neo4j: the watermark node and the data."""

    applied: int = 0
    mark: Mark = ()
    data: Data = ()
    clearing: bool = False
    generation: int = 0
    """Counts rebuilds."""
    under_way: Mark = ()
    """The prune that is half done, where the watermark says so."""
    fence: int = 0
    """Highest epoch seen, in the variant that has a fence."""


Phase = Literal["idle", "checked", "sent", "unknown", "again", "fenced", "refused", "diverged"]


class Writer(NamedTuple):
    """A writing process; a crash turns it into a new one."""

    epoch: int = 0
    phase: Phase = "idle"
    batch: int = 0
    last: int = 0
    """Its last acknowledged batch; kept only where PostgreSQL may be restored."""


class Flight(NamedTuple):
    """A Neo4j transaction under way; it may land at any later time, or never."""

    kind: Literal["apply", "rest", "compared", "written", "clear", "open"]
    entries: tuple[Entry, ...] = ()
    epoch: int = 0


class State(NamedTuple):
    """One state of everything."""

    pg: Postgres = Postgres()
    graph: Graph = Graph()
    writers: tuple[Writer, ...] = (Writer(), Writer())
    flights: tuple[Flight, ...] = ()
    batches: int = 0
    claims: int = 0
    opened: bool = True
    """The processes are open; matters where the only check is made at open."""
    remembered: int = 0
    """Position that a reader saw applied; matters where a barrier trusts it."""
    reader: tuple[int, int] | None = None
    """A read between watermark and data: (head it waited for, generation)."""
    looked: Postgres | Graph | None = None
    """What a contact without a lock has read so far."""
    restored: bool = False
    peak: int = 0  # ghost: highest position that the graph was at; kept where Neo4j is restored
    acked: frozenset[int] = frozenset()  # ghost: batches whose writer was told "stored"
    refused: frozenset[int] = frozenset()  # ghost: batches whose writer was told "not stored"
    lost: frozenset[int] = frozenset()  # ghost: acknowledged, then gone by a PostgreSQL restore


Step = tuple[str, State]
"""A label for the trace, and the state that the step leads to."""


@cache
def fold(rows: tuple[Entry, ...]) -> Data:
    """Return what the graph has to be after these entries, applied once each in order."""
    return tuple(row.batch for row in sorted(rows, key=lambda row: row.seq))
