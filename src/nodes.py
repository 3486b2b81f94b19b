"""Nodes as columns: numbers and texts by name, `Node` objects only when asked for.

Making an object a node costs more than loading it, so what a read brings stays as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

import orjson

from .errors import ValidationError
from .model import Node

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Self

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
Score = Literal["score", "rubric_score"]
SCORES: tuple[Score, ...] = get_args(Score)
"""What a node can be the best by, and what branches are summed up by: the caller's, a rubric's."""

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

    def take(self, name: str, places: Sequence[int]) -> list[Any]:
        """Return a column's values at these places."""
        check_column(name, self._values)
        values = self._values[name]
        if len(places) > 1:
            return list(itemgetter(*places)(values))  # twice as fast as a loop
        return [values[place] for place in places]

    def pick(self, places: Sequence[int]) -> Columns:
        """Return the nodes at these places, in this order."""
        if len(places) == len(self) and all(at == place for at, place in enumerate(places)):
            return self
        return Columns({name: self.take(name, places) for name in self.names})

    def at(self, place: int) -> Node:
        """Make the node at this place; all columns are needed."""
        check_whole(self._values)
        return make_node({name: self._values[name][place] for name in FIELDS})

    def to_nodes(self) -> list[Node]:
        """Make all nodes, in order; all columns are needed."""
        check_whole(self._values)
        rows = zip(*(self._values[name] for name in FIELDS), strict=True)
        return [make_node(dict(zip(FIELDS, row, strict=True))) for row in rows]


def check_column(name: object, there: Collection[str]) -> None:
    """Raise `ValidationError` if no such column was read."""
    if isinstance(name, str) and name in there:
        return
    if isinstance(name, str) and name in FIELDS:
        raise ValidationError("nodes", name, f"was not read; there are {', '.join(there)}")
    raise ValidationError("nodes", "column", f"must be one of {', '.join(there)}")


def check_whole(there: Collection[str]) -> None:
    """Raise `ValidationError` if a `Node` cannot be made of these columns."""
    if len(there) < len(FIELDS):
        missing = ", ".join(name for name in FIELDS if name not in there)
        problem = (
            "was not read, so no Node can be made; take what was read by .column(name), or read "
            "without fields="
        )
        raise ValidationError("nodes", missing, problem)


def make_node(values: Mapping[str, Any]) -> Node:
    """Make a node from its stored values."""
    return Node(**as_fields(values))


def as_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored values, all or some, as a node has them."""
    fields = dict(values)
    if "attributes" in fields:
        fields["attributes"] = orjson.loads(fields["attributes"] or b"{}")
    if "created_at" in fields:
        fields["created_at"] = _EPOCH + timedelta(microseconds=fields["created_at"])
    return fields


class Nodes(Sequence[Node]):
    """Some nodes, in an order; each `Node` is made when it is taken out.

    A read with `fields=` brings some columns only. Then its values are taken by `column`, and
    whatever would make a `Node` raises `ValidationError`, which names the columns that are missing.
    """

    def __init__(self, source: Tree | Columns, places: Sequence[int]) -> None:
        self._source = source
        self._places = places

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Return all nodes of these columns, in their order."""
        return cls(columns, range(len(columns)))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that were read."""
        return self._source.names

    @property
    def ids(self) -> list[str]:
        """Their ids, in order; makes no nodes."""
        return self.column("id")

    def column(self, name: str) -> list[Any]:
        """Return one value a node, in their order; makes no nodes.

        Args:
            name: A field of `Node`.

        Returns:
            Plain values, `None` where a node has none: `status` as text, `attributes` as JSON
            text, `created_at` in microseconds since 1970 UTC.

        Raises:
            ValidationError: It was not read, or is no field.
        """
        return self._source.take(name, self._places)

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
