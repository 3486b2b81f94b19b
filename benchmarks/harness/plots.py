"""Growth curves: figures by size, both on logarithmic axes, one line a contender."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from .case import CannotDoError, peer

if TYPE_CHECKING:
    from pathlib import Path

    from .result import Result

STYLE = {"svg.hashsalt": "sapwood", "svg.fonttype": "none", "font.size": 9}


def draw(result: Result, folder: Path) -> Path | None:
    """Draw a case of several sizes.

    Returns:
        The file, also one drawn earlier if nothing can draw here; None if there is nothing to draw.
    """
    if len(result.points) < 2:
        return None
    file = folder / f"{result.name}.svg"
    try:
        matplotlib, pyplot = peer("matplotlib"), peer("matplotlib.pyplot")
    except CannotDoError:
        return file if file.exists() else None
    matplotlib.use("svg")
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")
        _fill(axes, result)
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
    return file


def _fill(axes: Any, result: Result) -> None:
    names = list({name: None for point in result.points for name in point.contenders()})
    for name in names:
        points = [point for point in result.points if point.samples(name)]
        middles = [statistics.median(point.samples(name)) for point in points]
        sizes = [point.size for point in points]
        (line,) = axes.plot(sizes, middles, marker="o", markersize=3, label=name)
        lows = [min(point.samples(name)) for point in points]
        highs = [max(point.samples(name)) for point in points]
        axes.fill_between(sizes, lows, highs, alpha=0.15, color=line.get_color())
    axes.set(xscale="log", yscale="log", xlabel=result.counts, ylabel=result.unit)
    axes.set_title(result.title)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
