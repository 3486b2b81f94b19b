"""Makes trees, writes them to the graph, and says what a read should find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sapwood.errors import SapwoodError
from sapwood.graph import rows_of
from sapwood.journal import NO_CHAIN, Fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sapwood.graph import GraphWriter, Guard, Watermark

Row = dict[str, Any]


def row(node_id: str, parent: Row | None = None, **values: Any) -> Row:
    """A row of a fold's creates, under the row of its parent."""
    return {
        "id": node_id,
        "parent_id": None if parent is None else parent["id"],
        "content": f"content of {node_id}",
        "attributes": "{}",
        "status": "alive",
        "status_reason": None,
        "score": None,
        "iteration": 0,
        "created_at": 1_763_000_000_000_000,
        "depth": 0 if parent is None else parent["depth"] + 1,
        "seq": 1,
        **values,
    }


def a_chain(length: int) -> list[Row]:
    """`length` nodes, each the only child of the one before."""
    rows = [row("n00000")]
    for at in range(1, length):
        rows.append(row(f"n{at:05}", rows[-1]))
    return rows


def fold_of(creates: Iterable[Row] = (), sets: Iterable[Row] = ()) -> Fold:
    return Fold({made["id"]: made for made in creates}, {change["id"]: change for change in sets})


def at_least(position: int) -> Guard:
    """A guard that lets a read see what is applied, once `position` is."""

    async def guard(mark: Watermark | None) -> int:
        if mark is None or mark.applied < position:
            raise BehindError(mark)
        return mark.applied

    return guard


class BehindError(SapwoodError):
    """What these tests' guard raises."""


class Grove:
    """A project in the graph."""

    def __init__(self, writer: GraphWriter, project_id: str) -> None:
        self._writer = writer
        self.project_id = project_id
        self.applied = 0

    async def plant(self, creates: Iterable[Row] = (), sets: Iterable[Row] = ()) -> None:
        """Apply one entry."""
        async with self._writer.apply(self.project_id) as transaction:
            await transaction.write(rows_of(fold_of(creates, sets)))
            await transaction.commit(self.applied + 1, f"chain {self.applied + 1}", NO_CHAIN)
        self.applied += 1
