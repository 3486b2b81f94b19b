"""The rounds of a case: each contender once a round, in an order that turns."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING

from .case import CannotDoError
from .machine import look_at_machine
from .result import Point, Result

if TYPE_CHECKING:
    from .bench import Bench
    from .case import Case, Contender, Contenders, Rounds


async def measure(bench: Bench, case: Case, rounds: Rounds) -> Result:
    """Run a case at each size, smallest first."""
    machine = await look_at_machine(bench, case.packages)
    points: list[Point] = []
    for size, count in sorted(rounds.items()):
        print(f"\n{case.name}, {size:,} {case.counts}, {case.unit}", flush=True)
        async with case.prepare(bench, size) as contenders:
            points.append(await play(size, contenders, count))
    return Result(
        name=case.name,
        title=case.title,
        unit=case.unit,
        about=case.about,
        better=case.better,
        counts=case.counts,
        scale="full" if bench.full else "quick",
        targets=list(case.targets),
        machine=machine,
        points=points,
    )


async def play(size: int, contenders: Contenders, rounds: int) -> Point:
    """Run the rounds, after one that warms up and is forgotten; none where one is all there is."""
    names = list(contenders)
    point = Point(size=size, rounds=[])
    warm_ups = 1 if rounds > 1 else 0
    for number in range(rounds + warm_ups):
        turn = number % len(names)
        samples: dict[str, list[float]] = {}
        for name in names[turn:] + names[:turn]:
            if name not in point.failed:
                await _run(name, contenders[name], samples, point)
        if number >= warm_ups:
            point.rounds.append({name: samples[name] for name in names if name in samples})
    return point


async def _run(
    name: str, contender: Contender, samples: dict[str, list[float]], point: Point
) -> None:
    gc.collect()
    began = time.perf_counter()
    try:
        found = await contender()
    except CannotDoError as exc:
        point.failed[name] = str(exc)
        print(f"  {name:32} cannot: {exc}", flush=True)
        return
    figures = [found] if isinstance(found, float | int) else found
    samples[name] = [float(f"{value:.5g}") for value in figures]
    took, middle = time.perf_counter() - began, statistics.median(samples[name])
    print(f"  {name:32} {middle:14,.3f}   (in {took:.1f} s)", flush=True)
