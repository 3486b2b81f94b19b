"""A loaded tree: columns inside, `Node` objects only when asked for.

A tree is held as arrays and buffers, in the order (depth, id): parents before their children. As a
list of `Node` objects it would take several times the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import interchange
from .arguments import STATUSES, Arguments
from .errors import NotFoundError
from .lineage import Lineage
from .model import NodeStatus
from .nodes import FIELDS, SCORES, Nodes, check_column, check_whole, make_node
from .packed import NUMBERS, Packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import networkx as nx
    import polars as pl
    import pyarrow as pa
    from numpy.typing import NDArray

    from .model import Node
    from .nodes import Columns, Score

TREE_FIELDS = ("id", "parent_id", "status", "depth")
"""The columns without which there is no tree."""


class Tree:
    """All nodes of a project at one moment; several roots are fine.

    The order is (depth, id), so parents come before their children. A place is a position in it.
    What takes an id raises `NotFoundError` if there is no such node.

    Cost: some 110 bytes a node and its texts; built by sorting the ids, which are nearly in order,
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
        self._status: NDArray[np.uint8] = packed.packed("status")
        self._lineage = Lineage(packed.packed("id"), packed.packed("parent_id"))
        self._packed = packed.without("parent_id")

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, node_id: object) -> bool:
        return isinstance(node_id, str) and self._lineage.place(node_id) is not None

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
            above = self.parents.item(place)
            return None if above < 0 else self._packed.value("id", above)
        return self._packed.value(name, place)

    def place(self, node_id: str) -> int:
        """Return where the node stands in the tree's order. Cost: a search by halves."""
        place = self._lineage.place(node_id)
        if place is None:
            raise NotFoundError(f"node {node_id}: the tree of {len(self)} nodes has no such node")
        return place

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are there; a load with `fields` has only some."""
        return self._names

    def take(self, name: str, places: Sequence[int] | NDArray[Any]) -> list[Any]:
        """Return a column's values at these places, as plain values, `None` for none."""
        check_column(name, self._names)
        if name != "parent_id":
            return self._packed.take(name, places)
        above = self.parents[np.asarray(places, dtype=np.intp)]
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
    def packed(self) -> Packed:
        """The columns as they are kept; of parents there are the places alone."""
        return self._packed

    def to_arrow(self) -> pa.Table:  # pyright: ignore[reportUnknownParameterType]
        """Return the columns that are there as a table of `pyarrow`, in the tree's order.

        Texts are `large_string`, `attributes` as JSON; `status` is a dictionary, `created_at` a
        timestamp of microseconds in UTC; scores are float64, other numbers int64; null for none.

        Raises:
            MissingExtraError: It is not installed: `pip install 'sapwood[arrow]'`.

        Cost: numbers are shared, texts copied.
        """
        return interchange.to_arrow(self)

    def to_polars(self) -> pl.DataFrame:
        """Return what `to_arrow` does as a data frame of `polars`.

        Raises:
            MissingExtraError: It is not installed: `pip install 'sapwood[polars]'`.
        """
        return interchange.to_polars(self)

    def to_networkx(self) -> nx.DiGraph[str]:
        """Return a graph of `networkx` with an edge from each parent to each child.

        A node is its id, in the tree's order; the other columns that are there are its
        attributes, as `Node` has them.

        Raises:
            MissingExtraError: It is not installed: `pip install 'sapwood[networkx]'`.

        Cost: a dict a node and two an edge: with contents of 200 bytes four times the memory of
        the tree, without contents nearly ten times.
        """
        return interchange.to_networkx(self)

    @property
    def roots(self) -> Nodes:
        """The nodes without a parent."""
        return self._where(self.parents < 0)

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
        return self._lineage.parents

    @property
    def child_counts(self) -> NDArray[np.integer[Any]]:
        """How many children the nodes have, in the tree's order."""
        return self._lineage.child_counts

    def depth(self, node_id: str) -> int:
        """Return how many edges lie between the node and its root."""
        return int(self._packed.value("depth", self.place(node_id)))

    def parent(self, node_id: str) -> Node | None:
        """Return the node's parent, `None` for a root."""
        place = self.parents.item(self.place(node_id))
        return None if place < 0 else self.at(place)

    def children(self, node_id: str) -> Nodes:
        """Return the node's children, by id; empty for a leaf."""
        return Nodes(self, self._lineage.children(self.place(node_id)))

    def path(self, node_id: str) -> Nodes:
        """Return root first … node last, included."""
        return Nodes(self, self._lineage.upwards(self.place(node_id))[::-1])

    def ancestors(self, node_id: str) -> Nodes:
        """Return parent first … root last, the node excluded; empty for a root."""
        return Nodes(self, self._lineage.upwards(self.place(node_id))[1:])

    def subtree(self, node_id: str) -> Nodes:
        """Return the node and all below it, in the tree's order."""
        return Nodes(self, self._lineage.downwards(self.place(node_id)))

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
