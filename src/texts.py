"""Texts as one buffer of UTF-8: as objects they take 50 bytes each besides their characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_NONE = -1
"""Length of a text that is `None`."""
_STEP = 4096
"""How many are looked at as objects at a time."""


class Texts:
    """Texts, or `None`, in an order.

    Cost: their bytes and 8 more a text, 12 where the buffer has more than 4 GiB. What is picked
    shares the buffer, and no text is decoded before it is asked for.
    """

    def __init__(self, buffer: bytearray, starts: NDArray[Any], lengths: NDArray[np.int32]) -> None:
        self._buffer = buffer
        self._starts = starts
        self._lengths = lengths

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, places: NDArray[Any]) -> Texts:
        """Return the texts at these places."""
        return Texts(self._buffer, self._starts[places], self._lengths[places])

    def __setitem__(self, places: slice, texts: Texts) -> None:
        """Put some of the same buffer in the place of others."""
        self._starts[places], self._lengths[places] = texts._starts, texts._lengths

    def once(self) -> Texts:
        """Return the same texts; where they begin or how long they are is kept once, if it can."""
        return Texts(self._buffer, once(self._starts), once(self._lengths))

    def item(self, place: int) -> str | None:
        """Return the text at this place."""
        start, length = self._starts.item(place), self._lengths.item(place)
        return None if length < 0 else self._buffer[start : start + length].decode()

    def tolist(self) -> list[str | None]:
        """Return all of them as objects."""
        return [
            None if part is None else str(part, "utf-8")
            for parts in self._parts()
            for part in parts
        ]

    def nulls(self) -> NDArray[np.bool_]:
        """Return which of them are `None`."""
        return self._lengths < 0

    def in_a_row(self) -> tuple[bytearray, NDArray[np.int64]]:
        """Return the bytes of all, one after the other, and the n + 1 places where they part."""
        offsets = np.zeros(len(self) + 1, np.int64)
        np.cumsum(np.maximum(self._lengths, 0), out=offsets[1:])
        joined = bytearray()
        for parts in self._parts():
            joined += b"".join([part for part in parts if part is not None])
        return joined, offsets

    def _parts(self) -> Iterator[list[memoryview | None]]:
        """Yield the bytes of each, some at a time."""
        view = memoryview(self._buffer)
        for first in range(0, len(self), _STEP):
            starts = self._starts[first : first + _STEP].tolist()
            lengths = self._lengths[first : first + _STEP].tolist()
            yield [
                None if length < 0 else view[start : start + length]
                for start, length in zip(starts, lengths, strict=True)
            ]


def once(column: Any) -> Any:
    """Return an array, or texts, of which a value that all have in common is kept once."""
    if isinstance(column, Texts):
        return column.once()
    raw = column.view(np.int64) if column.dtype == np.float64 else column  # NaN equals NaN
    if len(raw) and (raw == raw[0]).all():
        return np.broadcast_to(column[:1].copy(), column.shape)
    return column


class TextsBuilder:
    """Texts that are still to grow."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lengths = bytearray()

    def add(self, texts: Sequence[str | None]) -> None:
        """Add some at the end."""
        there = [text or "" for text in texts]
        encoded = "".join(there).encode()
        lengths = np.fromiter(map(len, there), np.int32, len(there))
        if len(encoded) != int(lengths.sum()):  # not all of it is ASCII
            lengths = np.fromiter((len(text.encode()) for text in there), np.int32, len(there))
        if None in texts:
            lengths[[text is None for text in texts]] = _NONE
        self._buffer += encoded
        self._lengths += lengths.tobytes()

    def build(self) -> Texts:
        """Return them; there is nothing to be added after that."""
        lengths = np.frombuffer(self._lengths, np.int32)
        ends = np.cumsum(np.maximum(lengths, 0), dtype=np.int64)
        starts = ends - np.maximum(lengths, 0)
        narrow = np.uint32 if len(self._buffer) < 1 << 32 else np.int64
        return Texts(self._buffer, starts.astype(narrow), lengths)
