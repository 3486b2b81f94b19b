"""Which value each register has from which commit to which: where a read may stand."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Span(NamedTuple):
    """Commits after which something holds: from `start` on, before `end`; 0 is before the first."""

    start: int
    end: int


class Versions:
    """The history of each register, as the commits made it.

    Attributes:
        count: How many commits were added.
    """

    def __init__(self) -> None:
        self._spans: dict[tuple[str, bytes], list[list[int]]] = defaultdict(list)
        self._now: dict[str, bytes] = {}
        self.count = -1

    def add(self, registers: Iterable[tuple[str, Any]]) -> None:
        """Note what can be read after the next commit; of the first call, before any."""
        self.count += 1
        for name, value in registers:
            packed = orjson.dumps(value)
            if self._now.get(name) != packed:
                before = self._now.get(name)
                if before is not None:
                    self._spans[name, before][-1][1] = self.count
                self._now[name] = packed
                self._spans[name, packed].append([self.count, -1])

    def spans(self, seen: Mapping[str, Any]) -> list[Span]:
        """Return after which commits all of this can be read at once, in order; empty if never."""
        found = [Span(0, self.count + 1)]
        for name, value in seen.items():
            found = _both(found, self._of(name, value))
        return found

    def _of(self, name: str, value: Any) -> list[Span]:
        spans = self._spans.get((name, orjson.dumps(value)), [])
        return [Span(start, self.count + 1 if end < 0 else end) for start, end in spans]

    def never(self, seen: Mapping[str, Any]) -> list[str]:
        """Return the registers whose value nobody ever wrote."""
        return [name for name, value in seen.items() if not self._of(name, value)]


def _both(some: list[Span], others: list[Span]) -> list[Span]:
    found: list[Span] = []
    at = other_at = 0
    while at < len(some) and other_at < len(others):
        one, other = some[at], others[other_at]
        start, end = max(one.start, other.start), min(one.end, other.end)
        if start < end:
            found.append(Span(start, end))
        if one.end < other.end:
            at += 1
        else:
            other_at += 1
    return found
