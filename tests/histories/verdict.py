"""What came of checking a history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Sort = Literal["lost", "doubled", "reordered", "stale", "torn", "phantom", "fenced", "unexpected"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
"""`lost`: acknowledged, and not stored as it has to be. `doubled`: stored more often than saved.
`reordered`: against its writer's order, or against time. `stale`: a read that misses what was
known before it began. `torn`: half of a commit. `phantom`: what nobody wrote. `fenced`: a replaced
writer's commit after its successor's. `unexpected`: an error that no fault explains."""


@dataclass
class Verdict:
    """What came of it.

    Attributes:
        violations: Sort and what it is, in words.
        acknowledged: Writes that were acknowledged.
        reads: Reads that were held against the oracle.
    """

    violations: list[tuple[Sort, str]] = field(default_factory=list)
    acknowledged: int = 0
    reads: int = 0

    def add(self, sort: Sort, what: str) -> None:
        self.violations.append((sort, what))

    def counts(self) -> dict[Sort, int]:
        """Return how many there are of each sort."""
        found = Counter(sort for sort, _ in self.violations)
        return {sort: found[sort] for sort in SORTS}
