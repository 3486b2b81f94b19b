"""What a run came to, in numbers, and as text."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .verdict import SORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .records import Fault, History, Operation
    from .verdict import Sort, Verdict


@dataclass(frozen=True)
class FaultSummary:
    """All faults of a kind.

    Attributes:
        longest_s: The longest time from the beginning of one until each of the clients that it
            concerns had got an answer to something that it began after that.
    """

    times: int
    longest_s: float


@dataclass(frozen=True)
class Summary:
    """What one run came to.

    Attributes:
        acknowledged: Writes that were acknowledged.
        errors: Calls that raised, by class.
        violations: How many of each sort.
        wrong: The violations in words.
    """

    seconds: float
    seed: int
    clients: int
    lives: int
    operations: int
    writes: int
    acknowledged: int
    commits: int
    epochs: int
    nodes: int
    reads: int
    errors: dict[str, int]
    faults: dict[str, FaultSummary]
    violations: dict[Sort, int]
    wrong: tuple[str, ...]

    def text(self) -> str:
        """Return it in Markdown."""
        errors = ", ".join(f"{times} {name}" for name, times in sorted(self.errors.items()))
        counted = (
            f"Seed {self.seed}, {self.seconds:.0f} s: {self.clients} clients, {self.lives} lives, "
            f"{self.operations} operations; {self.writes} writes, of which {self.acknowledged} "
            f"acknowledged, in {self.commits} commits of {self.epochs} epochs; {self.reads} reads "
            f"held against the oracle; {self.nodes} nodes. Calls raised {errors or 'nothing'}."
        )
        lines = [
            counted,
            "",
            f"| {' | '.join(SORTS)} |",
            "|" + "--:|" * len(SORTS),
            f"| {' | '.join(str(self.violations[sort]) for sort in SORTS)} |",
            "",
            "| fault | times | seconds until all were served again, longest |",
            "|---|--:|--:|",
            *(
                f"| {kind} | {fault.times} | {fault.longest_s:.1f} |"
                for kind, fault in sorted(self.faults.items())
            ),
            *(["", *(f"- {line}" for line in self.wrong)] if self.wrong else []),
        ]
        return "\n".join(lines)


def summarize(history: History, verdict: Verdict, seconds: float, seed: int) -> Summary:
    """Return a run's numbers."""
    operations = history.operations
    return Summary(
        seconds=seconds,
        seed=seed,
        clients=len({each.life.client for each in operations}),
        lives=len({each.life for each in operations}),
        operations=len(operations),
        writes=sum(each.kind == "write" for each in operations),
        acknowledged=verdict.acknowledged,
        commits=len(history.commits),
        epochs=len({each.epoch for each in history.commits}),
        nodes=len(history.held.rows),
        reads=verdict.reads,
        errors=dict(Counter(each.error for each in operations if each.error is not None)),
        faults=_faults(history.faults, operations),
        violations=verdict.counts(),
        wrong=tuple(f"{sort}: {what}" for sort, what in verdict.violations),
    )


def _faults(faults: Iterable[Fault], operations: Iterable[Operation]) -> dict[str, FaultSummary]:
    answers: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in operations:
        if each.kind in ("flush", "read") and each.ok and each.ended is not None:
            answers[each.life.client].append((each.began, each.ended))
    found: dict[str, list[float]] = defaultdict(list)
    for fault in faults:
        found[fault.kind].append(
            max(
                (
                    min(
                        (ended for began, ended in answers[client] if began > fault.began),
                        default=0,
                    )
                    - fault.began
                )
                / 1e9
                for client in fault.clients
            )
        )
    return {kind: FaultSummary(len(each), max(0.0, *each)) for kind, each in found.items()}
