"""Nodes as columns: numbers and texts by name, `Node` objects only when asked for.

Making an object a node costs more than loading it, so what a read brings stays as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

import orjson

from .model import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .tree import Tree

FIELDS = (
    "id",
    "parent_id",
    "content",
    "attributes",
    "status",
    "status_reason",
    "score",
    "rubric_score",
    "iteration",
    "depth",
    "created_at",
    "seq",
)
"""The columns of nodes: the fields of `Node`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Columns:
    """Nodes as one list a column, all of one length.

    `attributes` are JSON text and `created_at` microseconds since 1970 UTC; `to_nodes` converts.
    """

    def __init__(self, values: Mapping[str, list[Any]]) -> None:
        self._values = dict(values)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are there; a read with `fields` has only some."""
        return tuple(self._values)

    def __len__(self) -> int:
        return len(self._values["id"])

    def __getitem__(self, name: str) -> list[Any]:
        return self._values[name]

    def __repr__(self) -> str:
        return f"Columns({len(self)} nodes: {', '.join(self.names)})"

    def column(self, name: str) -> list[Any]:
        """Return a column, in order."""
        return self._values[name]

    def at(self, place: int) -> Node:
        """Make the node at this place; all columns are needed."""
        return make_node({name: self._values[name][place] for name in FIELDS})

    def to_nodes(self) -> list[Node]:
        """Make all nodes, in order; all columns are needed."""
        rows = zip(*(self._values[name] for name in FIELDS), strict=True)
        return [make_node(dict(zip(FIELDS, row, strict=True))) for row in rows]


def make_node(values: Mapping[str, Any]) -> Node:
    """Make a node from its stored values."""
    fields: dict[str, Any] = {
        **values,
        "attributes": orjson.loads(values["attributes"] or b"{}"),
        "created_at": _EPOCH + timedelta(microseconds=values["created_at"]),
    }
    return Node(**fields)


class Nodes(Sequence[Node]):
    """Some nodes, in an order; each `Node` is made when it is taken out."""

    def __init__(self, source: Tree | Columns, places: Sequence[int]) -> None:
        self._source = source
        self._places = places

    @property
    def ids(self) -> list[str]:
        """Their ids, in order; makes no nodes."""
        ids = self._source.column("id")
        return [ids[place] for place in self._places]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Node: ...

    @overload
    def __getitem__(self, at: slice) -> Nodes: ...

    def __getitem__(self, at: int | slice) -> Node | Nodes:
        if isinstance(at, slice):
            return Nodes(self._source, self._places[at])
        return self._source.at(self._places[at])

    def __repr__(self) -> str:
        return f"Nodes({len(self)})"
