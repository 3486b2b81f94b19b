"""A loaded tree: columns inside, `Node` objects only when asked for.

A tree of half a million nodes is held as numbers in arrays and texts in tuples, in the order
(depth, id): parents before their children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import STATUSES, Arguments
from .errors import DivergedError, NotFoundError
from .model import NodeStatus
from .nodes import FIELDS, SCORES, Nodes, check_column, check_whole, make_node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .model import Node
    from .nodes import Columns, Score

_NUMBERS: dict[str, type[np.generic]] = {
    "score": np.float64,
    "rubric_score": np.float64,
    "iteration": np.int64,
    "depth": np.int64,
    "created_at": np.int64,
    "seq": np.int64,
}
_STATUSES = tuple(NodeStatus)
TREE_FIELDS = ("id", "parent_id", "status", "depth")
"""The columns without which there is no tree."""


class Tree:
    """All nodes of a project at one moment; several roots are fine.

    The order is (depth, id), so parents come before their children. A place is a position in it.
    What takes an id raises `NotFoundError` if there is no such node.

    Cost: built in O(n) without recursion; each method takes the time of what it returns.
    """

    def __init__(self, columns: Columns) -> None:
        """Build a tree from columns of its nodes, parents first, as `load_tree` reads them.

        Args:
            columns: `TREE_FIELDS` at least.

        Raises:
            DivergedError: A node's parent is not among them, or comes after it.
        """
        self._columns: dict[str, Any] = {}
        for name in columns.names:
            if name in _NUMBERS:
                numbers = np.array(columns[name], dtype=_NUMBERS[name])
                numbers.setflags(write=False)
                self._columns[name] = numbers
            else:
                self._columns[name] = tuple(columns[name])
        self._places = {node_id: place for place, node_id in enumerate(columns["id"])}
        codes = {status.value: code for code, status in enumerate(_STATUSES)}
        self._status = np.array([codes[status] for status in columns["status"]], dtype=np.int8)
        self._parents = self._find_parents()
        self._starts, self._below = _children_of(self._parents)

    def _find_parents(self) -> NDArray[np.int64]:
        parents = np.full(len(self), -1, dtype=np.int64)
        for place, parent_id in enumerate(self._columns["parent_id"]):
            if parent_id is not None:
                parents[place] = found = self._places.get(parent_id, place)
                if found >= place:
                    raise DivergedError(
                        f"node {self._columns['id'][place]} stands before its parent {parent_id}, "
                        "or without it; the graph was edited. Rebuild it from the journal."
                    )
        return parents

    def __len__(self) -> int:
        return len(self._columns["id"])

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._places

    def __getitem__(self, node_id: str) -> Node:
        return self.at(self.place(node_id))

    def __iter__(self) -> Iterator[Node]:
        return map(self.at, range(len(self)))

    def __repr__(self) -> str:
        return f"Tree({len(self)} nodes, {len(self.roots)} roots)"

    def at(self, place: int) -> Node:
        """Make the node at a place; all columns are needed."""
        check_whole(self._columns)
        return make_node({name: self._value(name, place) for name in FIELDS})

    def _value(self, name: str, place: int) -> Any:
        value = self._columns[name][place]
        if name not in _NUMBERS:
            return value
        plain = value.item()
        return None if plain != plain else plain

    def place(self, node_id: str) -> int:
        """Return where the node stands in the tree's order."""
        place = self._places.get(node_id)
        if place is None:
            raise NotFoundError(f"node {node_id}: the tree of {len(self)} nodes has no such node")
        return place

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are there; a load with `fields` has only some."""
        return tuple(self._columns)

    def take(self, name: str, places: Sequence[int]) -> list[Any]:
        """Return a column's values at these places, as plain values, `None` for none."""
        column = self.column(name)
        if not isinstance(column, np.ndarray):
            return [column[place] for place in places]
        found: list[Any] = column[np.asarray(places, dtype=np.intp)].tolist()
        return [None if value != value else value for value in found]

    def column(self, name: str) -> Sequence[Any] | NDArray[Any]:
        """Return a column in the tree's order, read-only.

        Args:
            name: One of `FIELDS`.

        Returns:
            Numbers as an array, `score` and `rubric_score` with NaN for none, `created_at` in
            microseconds since 1970 UTC; everything else as a tuple, `attributes` as JSON text.

        Raises:
            ValidationError: It was not loaded, or is no column.
        """
        check_column(name, self._columns)
        column: Sequence[Any] | NDArray[Any] = self._columns[name]
        return column

    @property
    def roots(self) -> Nodes:
        """The nodes without a parent."""
        return self._where(self._parents < 0)

    @property
    def leaves(self) -> Nodes:
        """The nodes without children."""
        return self._where(self.child_counts == 0)

    @property
    def alive(self) -> Nodes:
        """The frontier: the alive nodes."""
        return self._where(self._status == _STATUSES.index(NodeStatus.ALIVE))

    @property
    def counts(self) -> dict[NodeStatus, int]:
        """How many nodes have each status."""
        found = np.bincount(self._status, minlength=len(_STATUSES)).tolist()
        return dict(zip(_STATUSES, found, strict=True))

    def _where(self, mask: NDArray[np.bool_]) -> Nodes:
        return Nodes(self, np.flatnonzero(mask).tolist())

    @property
    def parents(self) -> NDArray[np.int64]:
        """Places of the nodes' parents, in the tree's order; -1 for a root."""
        return self._parents

    @property
    def child_counts(self) -> NDArray[np.int64]:
        """How many children the nodes have, in the tree's order."""
        return np.diff(self._starts)

    def depth(self, node_id: str) -> int:
        """Return how many edges lie between the node and its root."""
        return int(self._columns["depth"][self.place(node_id)])

    def parent(self, node_id: str) -> Node | None:
        """Return the node's parent, `None` for a root."""
        place = int(self._parents[self.place(node_id)])
        return None if place < 0 else self.at(place)

    def children(self, node_id: str) -> Nodes:
        """Return the node's children, by id; empty for a leaf."""
        return Nodes(self, self._children(self.place(node_id)))

    def _children(self, place: int) -> list[int]:
        children: list[int] = self._below[self._starts[place] : self._starts[place + 1]].tolist()
        return children

    def path(self, node_id: str) -> Nodes:
        """Return root first … node last, included."""
        return Nodes(self, self._upwards(node_id)[::-1])

    def ancestors(self, node_id: str) -> Nodes:
        """Return parent first … root last, the node excluded; empty for a root."""
        return Nodes(self, self._upwards(node_id)[1:])

    def _upwards(self, node_id: str) -> list[int]:
        place = self.place(node_id)
        places: list[int] = []
        while place >= 0:
            places.append(place)
            place = int(self._parents[place])
        return places

    def subtree(self, node_id: str) -> Nodes:
        """Return the node and all below it, in the tree's order."""
        places = [self.place(node_id)]
        for place in places:  # grows while it is walked
            places.extend(self._children(place))
        return Nodes(self, sorted(places))

    def best(
        self,
        by: Score = "rubric_score",
        status: NodeStatus | str | None = None,
    ) -> Node | None:
        """Return the node of the highest score; of equals the first; `None` if none has one.

        Args:
            status: Look at nodes of this status only.

        Raises:
            ValidationError: `by` or `status` is none of its kind, or the scores were not loaded.
        """
        check = Arguments("best")
        scores = self.column(check.choice("by", by, SCORES))
        wanted = check.status(status)
        if wanted is not None:
            scores = np.where(self._status == STATUSES.index(wanted), scores, np.nan)
        if np.isnan(scores).all():
            return None
        return self.at(int(np.nanargmax(scores)))


def _children_of(parents: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return children as compressed rows: those of `p` are `below[starts[p]:starts[p + 1]]`."""
    roots = int(np.count_nonzero(parents < 0))
    below = np.argsort(parents, kind="stable")[roots:]
    starts = np.zeros(len(parents) + 1, dtype=np.int64)
    np.cumsum(np.bincount(parents[parents >= 0], minlength=len(parents)), out=starts[1:])
    return starts, below
