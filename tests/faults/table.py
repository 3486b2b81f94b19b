"""What came of many faults, as a table: injected, lost, doubled, silent, seconds to recover."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Label(NamedTuple):
    """One row's faults.

    Attributes:
        fault: What goes wrong.
        where: At what: a server and its messages, an await, a failpoint.
    """

    fault: str
    where: str


class Damage(NamedTuple):
    """What one fault did.

    Attributes:
        lost: Items that have to be stored and are not, as they should be.
        doubled: Items that are stored and should not be, or not so often.
        silent: Whether there are such and `verify` found nothing.
    """

    lost: int = 0
    doubled: int = 0
    silent: bool = False


def damage(held: dict[str, Any], expected: dict[str, Any]) -> Damage:
    """Hold what is stored against what has to be; see `scenario.held`."""
    found, wanted = Counter(_items(held)), Counter(_items(expected))
    lost, doubled = (wanted - found).total(), (found - wanted).total()
    return Damage(lost, doubled, bool(lost or doubled) and held["graph"][0])


def _items(held: dict[str, Any]) -> list[str]:
    kept = [*held["nodes"], *held["scores"], held["rubric"], held["state"], held["graph"]]
    return [repr(item) for item in kept]


@dataclass
class _Row:
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    silent: int = 0


class Table:
    """Keeps what came of the faults.

    Attributes:
        wrong: A line for each fault that did damage, or that the program did not get over.
        said: What else is worth telling of the faults, paragraph by paragraph.
    """

    def __init__(self) -> None:
        self._rows: dict[Label, _Row] = {}
        self.wrong: list[str] = []
        self.said: list[str] = []

    def add(self, label: Label, case: object, done: Damage, seconds: float) -> None:
        row = self._rows.setdefault(label, _Row())
        row.seconds.append(seconds)
        row.lost += done.lost
        row.doubled += done.doubled
        row.silent += done.silent
        if done != Damage():
            self.wrong.append(f"{': '.join(label)}: {case}: {done}")

    def fail(self, label: Label, case: object, exc: Exception) -> None:
        """Note a fault after which the program did not go on."""
        for each in exc.exceptions if isinstance(exc, ExceptionGroup) else [exc]:
            self.wrong.append(f"{': '.join(label)}: {case}: {type(each).__name__}: {each}")

    def say(self, paragraph: str) -> None:
        """Tell more of the faults than fits into a row."""
        self.said.append(paragraph)

    def text(self) -> str:
        """Return it in Markdown, with a last line of sums."""
        rows = sorted(self._rows.items())
        every = _Row([second for _, row in rows for second in row.seconds])
        every.lost = sum(row.lost for _, row in rows)
        every.doubled = sum(row.doubled for _, row in rows)
        every.silent = sum(row.silent for _, row in rows)
        return "\n".join(
            [
                "| fault | at | injected | lost | doubled | silent | seconds, median | longest |",
                "|---|---|--:|--:|--:|--:|--:|--:|",
                *(_line(label, row) for label, row in rows),
                *([_line(Label("all", ""), every)] if rows else []),
            ]
        )


def _line(label: Label, row: _Row) -> str:
    cells = (
        *label,
        len(row.seconds),
        row.lost,
        row.doubled,
        row.silent,
        f"{statistics.median(row.seconds):.1f}",
        f"{max(row.seconds):.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |"
