"""What is left out of a project's graph by somebody's word, although the journal holds it.

The journal itself never changes. Whoever reads entries for the graph, for its replica or for the
stats of branches reads them through the same filter, so all of them see the same history. A digest
of what was left out up to a position travels with the graph's watermark, so that a graph which was
made with another quarantine is noticed.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Literal

from .journal import NO_CHAIN, Operations, link
from .model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .journal import Entry

What = Literal["node", "change", "prune"]
"""What an entry says of a node: that it is, that something of it changes, that it is pruned."""


class LeftOut(Record):
    """One thing that is in quarantine.

    Attributes:
        seq: Journal position: of the node's creation, or of the change alone.
        whole: The node as such, with whatever any entry says of it; else what this one entry says.
        reason: Why, in the words of who decided it.
        cause: What Neo4j had answered, if the project was stalled there.
    """

    seq: int
    node_id: str
    whole: bool
    reason: str
    cause: str | None = None
    created_at: datetime | None = None


class Quarantine:
    """All that is left out of one project's graph.

    Attributes:
        rows: By position, then node id.
    """

    def __init__(self, rows: Iterable[LeftOut] = ()) -> None:
        self.rows = sorted(rows, key=lambda row: (row.seq, row.node_id))
        self._whole = {row.node_id for row in self.rows if row.whole}
        self._at: dict[int, list[str]] = {}
        for row in self.rows:
            self._at.setdefault(row.seq, []).append(row.node_id)
        self._seqs = [row.seq for row in self.rows]
        self.digests = digests(self.rows)

    def digest(self, seq: int) -> str:
        """Return the digest of what is left out up to `seq`; `NO_CHAIN` if nothing is."""
        count = bisect_right(self._seqs, seq)
        return self.digests[count - 1] if count else NO_CHAIN

    def at(self, seq: int) -> tuple[str, ...]:
        """Return the node ids that rows of this position name, sorted."""
        return tuple(self._at.get(seq, ()))

    def filter(self, seq: int, operations: Operations) -> Operations:
        """Return what is left of an entry's operations."""
        out = self._whole.union(self._at.get(seq, ()))
        prune = operations.prune
        return Operations(
            [row for row in operations.creates if row["id"] not in self._whole],
            [row for row in operations.sets if row["id"] not in out],
            None if prune is None or prune.node_id in out else prune,
        )


def digests(rows: Sequence[LeftOut]) -> list[str]:
    """Return for each row the digest of the rows up to it, which are sorted."""
    found: list[str] = []
    for row in rows:
        found.append(advance(found[-1] if found else NO_CHAIN, row.seq, (row.node_id,)))
    return found


def advance(digest: str, seq: int, node_ids: Iterable[str]) -> str:
    """Return the digest after what is left out at one position."""
    for node_id in node_ids:
        digest = link(digest, f"{seq}:{node_id}")
    return digest


def what_is(operations: Operations, node_id: str) -> What | None:
    """Return what an entry says of a node; `None` if nothing."""
    if any(row["id"] == node_id for row in operations.creates):
        return "node"
    if any(row["id"] == node_id for row in operations.sets):
        return "change"
    prune = operations.prune
    return "prune" if prune is not None and prune.node_id == node_id else None


def add_below(entry: Entry, found: dict[str, int]) -> None:
    """Add the nodes that an entry creates below those in `found`: their ids, with its position."""
    for row in entry.operations.creates:
        if row["parent_id"] in found:
            found[row["id"]] = entry.seq
