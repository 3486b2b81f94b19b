"""A loaded tree: columns inside, `Node` objects only when asked for.

A tree is held as arrays and buffers, in the order (depth, id): parents before their children. As a
list of `Node` objects it would take several times the memory.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import STATUSES, Arguments
from .errors import NotFoundError
from .lineage import find_children, find_parents, order_by_id
from .model import NodeStatus
from .nodes import FIELDS, SCORES, Nodes, check_column, check_whole, make_node
from .packed import NUMBERS, Packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .model import Node
    from .nodes import Columns, Score

TREE_FIELDS = ("id", "parent_id", "status", "depth")
"""The columns without which there is no tree."""


class Tree:
    """All nodes of a project at one moment; several roots are fine.

    The order is (depth, id), so parents come before their children. A place is a position in it.
    What takes an id raises `NotFoundError` if there is no such node.

    Cost: some 120 bytes a node and its texts; built by sorting the ids, which are nearly in order,
        without recursion. Each method takes the time of what it returns.
    """

    def __init__(self, columns: Columns) -> None:
        """Build a tree from columns of its nodes, parents first, as `load_tree` reads them.

        Args:
            columns: `TREE_FIELDS` at least.

        Raises:
            DivergedError: A node's parent is not among them, or comes after it.
        """
        self._names = columns.names
        packed = Packed.of(columns)
        self._ids: NDArray[np.bytes_] = packed.packed("id")
        self._status: NDArray[np.uint8] = packed.packed("status")
        self._by_id = order_by_id(self._ids)
        self._parents = find_parents(self._ids, self._by_id, packed.packed("parent_id"))
        self._starts, self._below = find_children(self._parents)
        self._packed = packed.without("parent_id")

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, node_id: object) -> bool:
        return isinstance(node_id, str) and self._find(node_id) is not None

    def __getitem__(self, node_id: str) -> Node:
        return self.at(self.place(node_id))

    def __iter__(self) -> Iterator[Node]:
        return map(self.at, range(len(self)))

    def __repr__(self) -> str:
        return f"Tree({len(self)} nodes, {len(self.roots)} roots)"

    def at(self, place: int) -> Node:
        """Make the node at a place; all columns are needed."""
        check_whole(self._names)
        return make_node({name: self._value(name, place) for name in FIELDS})

    def _value(self, name: str, place: int) -> Any:
        if name == "parent_id":
            above = self._parents.item(place)
            return None if above < 0 else self._packed.value("id", above)
        return self._packed.value(name, place)

    def place(self, node_id: str) -> int:
        """Return where the node stands in the tree's order. Cost: a search by halves."""
        place = self._find(node_id)
        if place is None:
            raise NotFoundError(f"node {node_id}: the tree of {len(self)} nodes has no such node")
        return place

    def _find(self, node_id: str) -> int | None:
        wanted = node_id.encode("utf-8", "surrogatepass")
        at = bisect_left(self._by_id, wanted, key=self._ids.item)
        if at == len(self):
            return None
        place = self._by_id.item(at)
        return place if self._ids.item(place) == wanted else None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are there; a load with `fields` has only some."""
        return self._names

    def take(self, name: str, places: Sequence[int] | NDArray[Any]) -> list[Any]:
        """Return a column's values at these places, as plain values, `None` for none."""
        check_column(name, self._names)
        if name != "parent_id":
            return self._packed.take(name, places)
        above = self._parents[np.asarray(places, dtype=np.intp)]
        ids = self._packed.take("id", above)
        return [None if at < 0 else each for at, each in zip(above.tolist(), ids, strict=True)]

    def column(self, name: str) -> Sequence[Any] | NDArray[Any]:
        """Return a column in the tree's order, read-only.

        Args:
            name: One of `FIELDS`.

        Returns:
            Numbers as an array, `score` and `rubric_score` with NaN for none, `created_at` in
            microseconds since 1970 UTC; everything else as a tuple, `attributes` as JSON text.

        Raises:
            ValidationError: It was not loaded, or is no column.

        Cost: nothing for numbers; all others are made of what is packed at each call. For some of
            them take `.column(name)` of the nodes.
        """
        check_column(name, self._names)
        if name not in NUMBERS:
            return tuple(self.take(name, range(len(self))))
        numbers: NDArray[Any] = self._packed.packed(name)
        return numbers

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
        return self._where(self._status == STATUSES.index(NodeStatus.ALIVE))

    @property
    def counts(self) -> dict[NodeStatus, int]:
        """How many nodes have each status."""
        found = np.bincount(self._status, minlength=len(NodeStatus)).tolist()
        return dict(zip(NodeStatus, found, strict=True))

    def _where(self, mask: NDArray[np.bool_]) -> Nodes:
        return Nodes(self, np.flatnonzero(mask).tolist())

    @property
    def parents(self) -> NDArray[np.integer[Any]]:
        """Places of the nodes' parents, in the tree's order; -1 for a root."""
        return self._parents

    @property
    def child_counts(self) -> NDArray[np.integer[Any]]:
        """How many children the nodes have, in the tree's order."""
        return np.diff(self._starts)

    def depth(self, node_id: str) -> int:
        """Return how many edges lie between the node and its root."""
        return int(self._packed.value("depth", self.place(node_id)))

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
