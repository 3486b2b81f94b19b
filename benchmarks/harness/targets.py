"""What a case must reach, and whether it did: ratios within one run, never absolute times."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from .result import Point, Result

Statistic = Literal["median", "p99"]


class Row(NamedTuple):
    """One row of the table: texts, and whether the target was reached; None if none was set."""

    size: str
    over: str
    must: str
    measured: str
    spread: str
    figures: str
    reached: bool | None
    faster: str


class Ratio(BaseModel):
    """Ours to a peer's, round by round; the median is judged.

    Attributes:
        over: What it is compared with, in the table's words.
        ours: A contender.
        peer: Another one.
        least: The ratio must be this or more.
        most: The ratio must be this or less.
        aim: What we would like.
        inverse: Peer's to ours, so that a case in seconds can ask for `6 times faster`.
        of: Which figure of a round's samples.
        sizes: Where it is judged; at each size by default.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["ratio"] = "ratio"
    over: str
    ours: str
    peer: str
    least: float | None = None
    most: float | None = None
    aim: float | None = None
    inverse: bool = False
    of: Statistic = "median"
    sizes: tuple[int, ...] = ()

    def rows(self, result: Result) -> list[Row]:
        """Return a row for each size."""
        wanted = [p for p in result.points if not self.sizes or p.size in self.sizes]
        return [self._row(result, point) for point in wanted]

    def _row(self, result: Result, point: Point) -> Row:
        size = f"{point.size:,}"
        for name in (self.ours, self.peer):
            if name in point.failed:
                why = f"`{name}`: {point.failed[name]}"
                reached = None if name == self.peer else False
                return Row(size, self.over, self._must(), why, "", "", reached, "")
        found = self.ratios(point)
        if not found:
            return Row(size, self.over, self._must(), "not measured", "", "", None, "")
        middle = statistics.median(found)
        ours, peer = (
            short(figure(point.samples(name), self.of)) for name in (self.ours, self.peer)
        )
        return Row(
            size,
            self.over,
            self._must(),
            short(middle),
            f"{short(min(found))} to {short(max(found))}",
            f"{ours} and {peer} {result.unit}",
            self._reached(middle),
            self._faster(result, middle),
        )

    def ratios(self, point: Point) -> list[float]:
        """Return the ratio of each round that has both."""
        pairs = [
            (figure(samples[self.ours], self.of), figure(samples[self.peer], self.of))
            for samples in point.rounds
            if self.ours in samples and self.peer in samples
        ]
        return [peer / ours if self.inverse else ours / peer for ours, peer in pairs]

    def _reached(self, ratio: float) -> bool | None:
        if self.least is None and self.most is None:
            return None
        return not (self.least is not None and ratio < self.least) and not (
            self.most is not None and ratio > self.most
        )

    def _must(self) -> str:
        bounds = [("≥", self.least), ("≤", self.most), ("aim", self.aim)]
        said = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
        how = " times better" if self.inverse and said else ""
        return f"{', '.join(said) or 'stated'}{how}{' (p99)' if self.of == 'p99' else ''}"

    def _faster(self, result: Result, ratio: float) -> str:
        """Who has the better figure; nobody within two hundredths."""
        if abs(ratio - 1) <= 0.02:
            return "even"
        ours_to_peer = 1 / ratio if self.inverse else ratio
        better = ours_to_peer > 1 if result.better == "more" else ours_to_peer < 1
        return self.ours if better else self.peer


class Flat(BaseModel):
    """How much worse a contender gets from one size on; the worst size is judged.

    Attributes:
        ours: A contender.
        start: The size that the larger ones are held against.
        within: How much worse the worst may be: 0.2 is a fifth.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["flat"] = "flat"
    ours: str
    start: int = 100_000
    within: float = 0.2

    def rows(self, result: Result) -> list[Row]:
        """Return one row."""
        medians = {
            point.size: statistics.median(point.samples(self.ours))
            for point in result.points
            if point.size >= self.start and self.ours not in point.failed
        }
        over, must = f"itself at {self.start:,}", f"≤ {1 + self.within:.2f}"
        if self.start not in medians or len(medians) < 2:
            return [Row("", over, must, "not measured at such sizes", "", "", None, "")]
        base = medians.pop(self.start)
        worse = {
            size: base / found if result.better == "more" else found / base
            for size, found in medians.items()
        }
        size, worst = max(worse.items(), key=lambda item: item[1])
        return [
            Row(
                f"{size:,}",
                over,
                must,
                short(worst),
                f"{short(min(worse.values()))} to {short(worst)}",
                f"{short(medians[size])} and {short(base)} {result.unit}",
                worst <= 1 + self.within,
                "",
            )
        ]


Target = Annotated[Ratio | Flat, Field(discriminator="kind")]


def figure(samples: list[float], of: Statistic) -> float:
    """Return the median, or the 99th of a hundred."""
    if of == "median" or len(samples) == 1:
        return statistics.median(samples)
    return statistics.quantiles(samples, n=100, method="inclusive")[98]


def short(value: float) -> str:
    """Return a figure with three digits, or more where it is large."""
    for least, digits in ((100, 0), (10, 1), (0.1, 2)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3g}"
