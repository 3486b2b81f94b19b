"""Real time: no read and no commit comes before what had ended when it began."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .oracle import Oracle
from .versions import Versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .records import History, Operation, Place
    from .verdict import Verdict

Placed = dict["Place", int]
"""The commit of each write that is stored: its number, from 1."""


def fold(history: History, placed: Placed) -> tuple[Versions, Oracle]:
    """Return what can be read after each commit, and the oracle after the last."""
    writes: dict[int, list[Operation]] = defaultdict(list)
    for each in history.operations:
        if each.place in placed:
            writes[placed[each.place]].append(each)
    oracle, versions = Oracle(), Versions()
    versions.add(oracle.registers())
    for number in range(1, len(history.commits) + 1):
        for write in writes[number]:  # by number, and all of one life
            oracle.apply(write.asked["calls"])
        versions.add(oracle.registers())
    return versions, oracle


class Timeline:
    """Goes through all beginnings and ends in the order of time.

    Whatever ends raises the floor: the commit that is known to whoever begins from now on.
    """

    def __init__(
        self, history: History, placed: Placed, versions: Versions, verdict: Verdict
    ) -> None:
        self._operations = history.operations
        self._ends = [commit.last for commit in history.commits]
        self._placed = placed
        self._versions = versions
        self._verdict = verdict
        self._tags = {each.tag for each in history.operations if each.kind == "write"}
        self._own = _own_newest(history.operations, placed)
        self._floor = 0
        self._floors: dict[Place, int] = {}

    def check(self) -> None:
        moments: list[tuple[int, bool, Operation]] = []
        for each in self._operations:
            moments.append((each.began, False, each))
            if each.ended is not None and each.ok:
                moments.append((each.ended, True, each))
        # What ends in the same nanosecond in which another begins, is beside it.
        for _, has_ended, each in sorted(moments, key=lambda moment: moment[:2]):
            if not has_ended:
                self._begin(each)
            elif each.kind == "flush":
                self._floor = max(self._floor, self._told(each))
            elif each.kind == "read":
                self._floor = max(self._floor, self._stand(each))

    def _begin(self, each: Operation) -> None:
        self._floors[each.place] = self._floor
        at = self._placed.get(each.place)
        if at is not None and at <= self._floor:
            what = f"{each} is in commit {at}, and {self._floor} was known before it began"
            self._verdict.add("reordered", what)

    def _told(self, flush: Operation) -> int:
        """Return the commit that a receipt is of."""
        number = bisect_left(self._ends, flush.result) + 1
        if flush.result and number > len(self._ends):
            self._verdict.add("lost", f"{flush} was told of position {flush.result}")
            return 0
        return number if flush.result else 0

    def _stand(self, read: Operation) -> int:
        """Return the commit after which a read stands: the earliest that agrees with what it saw.

        What its own life had accepted before, it has to see: a read stores that first.
        """
        self._verdict.reads += 1
        at = max(self._floors[read.place], self._own[read.place])
        for seen in read.result:
            allowed = [max(span.start, at) for span in self._versions.spans(seen) if span.end > at]
            if not allowed:
                self._explain(read, seen, at)
                return 0
            at = allowed[0]
        return at

    def _explain(self, read: Operation, seen: Mapping[str, Any], floor: int) -> None:
        spans, who = self._versions.spans(seen), f"{read} {read.asked}"
        if spans:
            what = f"{who} saw what was so up to commit {spans[-1].end - 1}; {floor} was known"
            self._verdict.add("stale", what)
        elif strange := _tags_of(seen) - self._tags:
            self._verdict.add("phantom", f"{who} saw {sorted(strange)}, which nobody wrote")
        else:
            self._verdict.add("torn", f"{who} saw what was so after no commit: {seen}")


def _own_newest(operations: tuple[Operation, ...], placed: Placed) -> Placed:
    """Return the newest commit of the same life before each operation, of what was accepted."""
    found: Placed = {}
    newest = 0
    for each in operations:  # by life and number
        if each.number == 0:
            newest = 0
        if each.kind == "write" and each.ok:
            newest = max(newest, placed.get(each.place, 0))
        found[each.place] = newest
    return found


def _tags_of(seen: Mapping[str, Any]) -> set[str]:
    """Return who has written what was read, as far as it says so."""
    found = [seen.get("state")]
    for name, value in seen.items():
        if name.startswith("node:"):
            found += [value[4], value[7]]
    return {tag for tag in found if tag is not None}
