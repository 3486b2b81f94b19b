"""Columns of nodes as arrays and buffers: some 110 bytes a node and its texts, no objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .arguments import STATUSES
from .nodes import FIELDS, Columns, check_column, check_whole, make_node
from .texts import Texts, TextsBuilder, once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .model import Node

NUMBERS: Final[dict[str, type[np.generic]]] = {
    "score": np.float64,
    "rubric_score": np.float64,
    "iteration": np.int64,
    "depth": np.int64,
    "created_at": np.int64,
    "seq": np.int64,
}
IDS: Final = ("id", "parent_id")
_CODES: Final = {status: code for code, status in enumerate(STATUSES)}
"""How a status is kept."""
_STEP = 4096


class Packed(Columns):
    """Columns of nodes, packed; each value becomes an object when it is asked for.

    Numbers are arrays, NaN for none; ids an array of bytes as wide as the longest one, empty for
    none; statuses codes; all other texts a buffer. What is the same for all nodes is kept once.
    """

    def __init__(self, values: Mapping[str, NDArray[Any] | Texts]) -> None:
        self._packed = dict(values)
        for column in values.values():
            if isinstance(column, np.ndarray):
                column.setflags(write=False)

    @classmethod
    def of(cls, columns: Columns) -> Packed:
        """Return the same columns, packed."""
        if isinstance(columns, Packed):
            return columns
        builder = PackedBuilder(columns.names)
        for first in range(0, len(columns), _STEP):
            builder.add({name: columns[name][first : first + _STEP] for name in columns.names})
        return builder.build()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are there."""
        return tuple(self._packed)

    def __len__(self) -> int:
        return len(self._packed["id"])

    def __getitem__(self, name: str) -> list[Any]:
        return _plain(name, self._packed[name])

    def packed(self, name: str) -> Any:
        """Return a column as it is kept."""
        return self._packed[name]

    def without(self, name: str) -> Packed:
        """Return the other columns."""
        return Packed({each: column for each, column in self._packed.items() if each != name})

    def take(self, name: str, places: Sequence[int] | NDArray[Any]) -> list[Any]:
        """Return a column's values at these places."""
        check_column(name, self._packed)
        return _plain(name, self._packed[name][np.asarray(places, dtype=np.intp)])

    def pick(self, places: Sequence[int] | NDArray[Any]) -> Packed:
        """Return the nodes at these places, in this order."""
        chosen = np.asarray(places, dtype=np.intp)
        return Packed({name: column[chosen] for name, column in self._packed.items()})

    def at(self, place: int) -> Node:
        """Make the node at this place; all columns are needed."""
        check_whole(self._packed)
        return make_node({name: self.value(name, place) for name in FIELDS})

    def value(self, name: str, place: int) -> Any:
        """Return the value of one node."""
        return _plain_value(name, self._packed[name].item(place))

    def to_nodes(self) -> list[Node]:
        """Make all nodes, in order; all columns are needed."""
        return Columns({name: self[name] for name in self.names}).to_nodes()


def _plain(name: str, column: NDArray[Any] | Texts) -> list[Any]:
    """Return values as objects."""
    values: list[Any] = column.tolist()
    if isinstance(column, Texts) or column.dtype == np.int64:
        return values
    if name in IDS:
        return [value.decode() or None for value in values]
    if name == "status":
        return [STATUSES[value] for value in values]
    return [None if value != value else value for value in values]


def _plain_value(name: str, value: Any) -> Any:
    if name in IDS:
        return value.decode() or None
    if name == "status":
        return STATUSES[value]
    return None if value != value else value


class PackedBuilder:
    """Columns of nodes that are still to grow; what is added is packed at once."""

    def __init__(self, names: Sequence[str]) -> None:
        self._columns = {name: _builder(name) for name in names}

    def add(self, page: Mapping[str, Sequence[Any]]) -> None:
        """Add nodes at the end.

        Args:
            page: One list a column, as `Columns` has them.
        """
        for name, column in self._columns.items():
            column.add(page[name])

    def build(self) -> Packed:
        """Return them; there is nothing to be added after that."""
        return Packed({name: once(column) for name, column in self._built().items()})

    def build_sorted(self) -> Packed:
        """Return them by (depth, id), which have to be among the columns.

        Sorted here, not by the server: ids come nearly in order, and half its time is saved. And in
        place, so there are never two copies of more than one column.
        """
        built = self._built()
        by_id = np.argsort(built["id"], kind="stable")
        order = by_id[np.argsort(built["depth"][by_id], kind="stable")]
        for column in built.values():
            column[:] = column[order]
        return Packed({name: once(column) for name, column in built.items()})

    def _built(self) -> dict[str, Any]:
        return {name: column.build() for name, column in self._columns.items()}


def _builder(name: str) -> TextsBuilder | _ArrayBuilder | _IdsBuilder:
    if name in NUMBERS:
        return _ArrayBuilder(NUMBERS[name])
    if name == "status":
        return _StatusBuilder(np.uint8)
    return _IdsBuilder() if name in IDS else TextsBuilder()


class _ArrayBuilder:
    """Numbers in one growing buffer: arrays of pages would leave holes in the memory behind."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._kind = kind
        self._buffer = bytearray()

    def add(self, values: Sequence[Any]) -> None:
        self._buffer += np.array(values, self._kind).tobytes()

    def build(self) -> NDArray[Any]:
        return np.frombuffer(self._buffer, self._kind)


class _StatusBuilder(_ArrayBuilder):
    def add(self, values: Sequence[Any]) -> None:
        super().add([_CODES[value] for value in values])


class _IdsBuilder:
    """Ids in one growing buffer, each as wide as the longest so far."""

    def __init__(self) -> None:
        self._kind = np.dtype("S1")
        self._buffer = bytearray()

    def add(self, values: Sequence[Any]) -> None:
        page = np.array([b"" if value is None else value.encode() for value in values], "S")
        if page.itemsize > self._kind.itemsize:
            wider = self.build().astype(page.dtype)
            self._kind, self._buffer = page.dtype, bytearray(wider.tobytes())
        self._buffer += page.astype(self._kind, copy=False).tobytes()

    def build(self) -> NDArray[Any]:
        return np.frombuffer(self._buffer, self._kind)
