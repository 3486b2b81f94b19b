"""The page of `docs/benchmarks`, made of the results alone: all targets, then each case."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from .plots import draw
from .result import read_results
from .targets import figure, short

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .result import Machine, Point, Result

INTRODUCTION = """# Benchmarks

Made by `make bench` and `make bench-full`; do not edit it. Each case ran Sapwood and its peers in
one run, on one machine, with the same data and the same durability. In each round every contender
ran once, in an order that turns; the first round warms up and is not counted. A size that is run
once (one sample) has no warm-up. A ratio is the median of the rounds' own ratios, its spread the
least and the most of them. All samples are in [`results`](results).

`make bench` takes smaller sizes, and about half an hour; what it measured says "small sizes".
`make bench BENCH='--only NAME'` runs one case, and updates this page.
"""
HEADER = [
    "| case | size | compared with | must reach | measured | spread | figures | reached | better |",
    "|---|--:|---|---|--:|---|---|---|---|",
]
NOTE = """
*Measured* is our figure divided by the peer's, or the peer's by ours where it must be some *times
better*. *Figures* are the medians of both, ours first. *Reached* is empty where the ratio is stated
and nothing was asked of it. *Better* says whose figure is the better one, also where that is a
peer's; *even* is within 2 %. Growth is held against Sapwood itself: how much worse the worst size
is than the first.
"""


def write_report(folder: Path, order: Iterable[str] = ()) -> None:
    """Write `README.md` and the plots into the folder whose `results` hold the files.

    Args:
        order: Names of cases in the order of the page; others follow by name.
    """
    rank = {name: number for number, name in enumerate(order)}
    results = read_results(folder / "results")
    results.sort(key=lambda result: (rank.get(result.name, len(rank)), result.name))
    parts = [INTRODUCTION, *_table(results), NOTE]
    for result in results:
        parts += _section(result, draw(result, folder))
    parts += _machines(results)
    (folder / "README.md").write_text("\n".join(parts).rstrip() + "\n")


def _table(results: list[Result]) -> list[str]:
    lines = list(HEADER)
    for result in results:
        for row in result.rows():
            reached = {True: "yes", False: "**no**", None: ""}[row.reached]
            case = f"[{result.title}](#{result.name})"
            cells = [case, row.size, row.over, row.must, row.measured, row.spread, row.figures]
            lines.append(f"| {' | '.join([*cells, reached, row.faster])} |")
    return lines


def _section(result: Result, plot: Path | None) -> list[str]:
    anchor = f'<a id="{result.name}"></a>'
    lines = [anchor, f"## {result.title}", "", result.about.strip(), ""]
    lines += [
        f"| {result.counts} | contender | median, {result.unit} | least | most | p99 | samples |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for point in result.points:
        lines += [_line(point, name) for name in point.contenders()]
        lines += [
            f"| {point.size:,} | {name} | {why} | | | | |" for name, why in point.failed.items()
        ]
    when = f"Measured {result.machine.date}, commit `{result.machine.commit}`"
    lines += ["", f"{when}{', small sizes' if result.scale == 'quick' else ''}.", ""]
    if plot is not None:
        lines += [f"![{result.title}, by size]({plot.name})", ""]
    return lines


def _line(point: Point, name: str) -> str:
    found = point.samples(name)
    figures = [statistics.median(found), min(found), max(found)]
    p99 = short(figure(found, "p99")) if len(found) >= 100 else ""
    cells = [f"{point.size:,}", name, *map(short, figures), p99, f"{len(found):,}"]
    return f"| {' | '.join(cells)} |"


def _machines(results: list[Result]) -> list[str]:
    lines = ["## Where", ""]
    said: dict[str, list[str]] = {}
    for result in results:
        said.setdefault(_describe(result.machine), []).append(result.name)
    for text, names in said.items():
        whose = "" if len(said) == 1 else f" ({', '.join(names)})"
        lines.append(f"- {text}{whose}")
    return lines


def _describe(machine: Machine) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return f"{machine.cpus} CPUs, {machine.memory_gib:.0f} GiB, {machine.system}; {versions}."
