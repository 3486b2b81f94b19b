"""The arithmetic of the benchmarks: rounds, ratios, what was reached, the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from harness import CannotDoError, Flat, Ratio
from harness.measuring import play
from harness.report import write_report
from harness.result import Machine, Point, Result, read_results

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from harness.targets import Target

MACHINE = Machine(cpus=2, memory_gib=8, system="Linux", versions={}, date="today", commit="abc")


def result(*targets: Target, **values: Any) -> Result:
    points = values.pop("points")
    return Result(
        name="load",
        title="load a project",
        unit="ms",
        about="Both load.",
        better=values.pop("better", "less"),
        counts="nodes",
        scale="quick",
        targets=list(targets),
        machine=MACHINE,
        points=points,
        **values,
    )


def point(ours: list[float], peer: list[float], size: int = 1_000) -> Point:
    rounds = [{"sapwood": [a], "driver": [b]} for a, b in zip(ours, peer, strict=True)]
    return Point(size=size, rounds=rounds)


def beside(**values: Any) -> Ratio:
    return Ratio(over="a driver", ours="sapwood", peer="driver", **values)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # A machine that slowed down in the last round slowed both; the ratio of the medians is 3.
    (row,) = result(beside(), points=[point([1, 3, 30], [1, 1, 60])]).rows()
    assert (row.measured, row.spread) == ("1.00", "0.50 to 3.00")


@pytest.mark.parametrize(
    ("values", "reached"),
    [
        ({"most": 0.5}, True),
        ({"most": 0.4}, False),
        ({"least": 0.5}, True),
        ({"least": 0.6, "aim": 0.9}, False),
        ({"least": 2, "inverse": True}, True),
        ({"least": 2.1, "inverse": True}, False),
        ({}, None),
    ],
)
def test_a_target_is_held_against_the_median(values: dict[str, Any], reached: bool | None) -> None:
    (row,) = result(beside(**values), points=[point([1, 1, 9], [2, 2, 2])]).rows()
    assert row.reached is reached


@pytest.mark.parametrize(
    ("better", "inverse", "who"),
    [
        ("less", False, "sapwood"),
        ("more", False, "driver"),
        ("less", True, "sapwood"),
        ("more", True, "driver"),
    ],
)
def test_a_row_says_whose_figure_is_the_better_one(better: str, inverse: bool, who: str) -> None:
    (row,) = result(beside(inverse=inverse), better=better, points=[point([1], [2])]).rows()
    assert row.faster == who


def test_a_hundredth_is_not_better() -> None:
    (row,) = result(beside(), points=[point([100], [101])]).rows()
    assert row.faster == "even"


def test_the_99th_of_a_hundred_is_compared_with_its_like() -> None:
    slow = [1.0] * 98 + [50.0, 50.0]
    rounds = [{"sapwood": slow, "driver": [1.0] * 100}]
    measured = [
        result(beside(of=of), points=[Point(size=1, rounds=rounds)]).rows()[0].measured
        for of in ("median", "p99")
    ]
    assert measured == ["1.00", "50.0"]


def test_a_peer_that_cannot_is_named_with_its_reason_and_nothing_is_claimed() -> None:
    found = Point(size=5, rounds=[{"sapwood": [1.0]}], failed={"driver": "out of memory"})
    (row,) = result(beside(least=2), points=[found]).rows()
    assert (row.measured, row.reached) == ("`driver`: out of memory", None)


def test_a_target_is_not_reached_where_ours_cannot() -> None:
    found = Point(size=5, rounds=[{"driver": [1.0]}], failed={"sapwood": "refused"})
    (row,) = result(beside(least=2), points=[found]).rows()
    assert row.reached is False


@pytest.mark.parametrize(
    ("better", "figures", "reached", "measured"),
    [
        ("less", [50, 10, 11, 12], True, "1.20"),
        ("less", [50, 10, 13, 11], False, "1.30"),
        ("more", [5, 120, 110, 100], True, "1.20"),
        ("more", [5, 120, 90, 110], False, "1.33"),
    ],
)
def test_flat_means_that_the_worst_large_size_is_near_the_start(
    better: str, figures: list[float], reached: bool, measured: str
) -> None:
    sizes = [1_000, 100_000, 300_000, 1_000_000]
    points = [point([found], [1], size) for found, size in zip(figures, sizes, strict=True)]
    (row,) = result(Flat(ours="sapwood"), better=better, points=points).rows()
    assert (row.reached, row.measured) == (reached, measured)


def test_flatness_is_not_claimed_without_large_sizes() -> None:
    (row,) = result(Flat(ours="sapwood"), points=[point([1], [1], 100_000)]).rows()
    assert row.reached is None


async def test_contenders_take_turns_and_the_first_round_is_forgotten() -> None:
    order: list[str] = []

    def contender(name: str) -> Callable[[], Awaitable[float]]:
        async def run() -> float:
            order.append(name)
            return float(len(order))

        return run

    found = await play(7, {name: contender(name) for name in "abc"}, rounds=2)
    assert "".join(order) == "abc" + "bca" + "cab"
    assert found.rounds == [{"b": [4], "c": [5], "a": [6]}, {"c": [7], "a": [8], "b": [9]}]


async def test_who_cannot_is_not_asked_again() -> None:
    asked: list[int] = []

    async def refuse() -> float:
        asked.append(1)
        raise CannotDoError("no room")

    async def work() -> float:
        return 1.0

    found = await play(7, {"peer": refuse, "sapwood": work}, rounds=3)
    assert (len(asked), found.failed) == (1, {"peer": "no room"})
    assert found.samples("sapwood") == [1, 1, 1]


def test_the_page_is_made_of_the_files_alone(tmp_path: Path) -> None:
    made = result(beside(least=6, inverse=True), points=[point([2, 2], [1, 1])])
    made.write(tmp_path / "results")
    assert read_results(tmp_path / "results") == [made]
    write_report(tmp_path)
    page = (tmp_path / "README.md").read_text()
    must, measured = "≥ 6 times better", "0.50 | 0.50 to 0.50 | 2.00 and 1.00 ms"
    row = f"| 1,000 | a driver | {must} | {measured} | **no** | driver |"
    assert f"| [load a project](#load) {row}" in page
    assert "| 1,000 | sapwood | 2.00 | 2.00 | 2.00 |  | 2 |" in page
