"""Statistics of agreement, held against their definitions."""

from __future__ import annotations

import sys
from functools import partial
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sapwood import Agreement, Principle, Rubric, SettingsError
from sapwood.agreement import Pair, agreements, nearest, require_statistics

RUBRIC = Rubric(principles=(Principle(id="a", key="a"),), version=1)
CLASSES = "bad=0|ok=0.5|good=1"
WORTH = {"bad": 0.0, "ok": 0.5, "good": 1.0}


def compare(*pairs: tuple[str, float | str, float]) -> Agreement:
    """Compare pairs of a scale, a label and a score."""
    given_ = [Pair("j", "a", scale, label, score) for scale, label, score in pairs]
    return agreements(RUBRIC, ["j"], given_, [])[0]


def ranks(values: list[float]) -> list[float]:
    """Mean rank of each value."""
    ordered = sorted(values)
    return [mean(at for at, each in enumerate(ordered) if each == value) for value in values]


def correlation(xs: list[float], ys: list[float]) -> float:
    left, right = ([v - mean(vs) for v in vs] for vs in (xs, ys))
    both = sum(x * y for x, y in zip(left, right, strict=True))
    return float(both / (sum(x * x for x in left) * sum(y * y for y in right)) ** 0.5)


def kappa(people: list[int], judge: list[int], power: int) -> float | None:
    """Cohen's: how much less than by chance they are apart. With power 0 any distance counts 1."""

    def cost(x: int, y: int) -> int:
        return 0 if x == y else abs(x - y) ** power

    by_chance = sum(cost(x, y) for x in people for y in judge) / len(people)
    if by_chance == 0:
        return None
    return 1 - sum(cost(x, y) for x, y in zip(people, judge, strict=True)) / by_chance


def apart(x: float, y: float) -> float:
    return abs(x - y)


names = st.sampled_from(sorted(WORTH))
scores = st.floats(-0.5, 1.5).map(lambda number: round(number, 2))


@settings(deadline=None)  # the packages are imported by the first
@given(st.lists(st.tuples(names, scores), min_size=1, max_size=30))
def test_the_numbers_are_what_their_definitions_say(given_: list[tuple[str, float]]) -> None:
    found = compare(*((CLASSES, name, score) for name, score in given_))
    labels, judged = [WORTH[name] for name, _ in given_], [score for _, score in given_]
    assert found.count == len(given_)
    off = [score - label for score, label in zip(judged, labels, strict=True)]
    assert found.bias == pytest.approx(mean(off))
    assert found.mean_absolute_error == pytest.approx(mean(map(abs, off)))
    if len(set(labels)) > 1 and len(set(judged)) > 1:
        expected = correlation(ranks(labels), ranks(judged))
        assert found.spearman == pytest.approx(expected, abs=1e-9)
    else:
        assert found.spearman is None
    worth = sorted(WORTH.values())
    places = [worth.index(min(worth, key=partial(apart, score))) for score in judged]
    people = [round(label * 2) for label in labels]
    for mine, power in ((found.kappa, 0), (found.weighted_kappa, 2)):
        expected_kappa = kappa(people, places, power)
        assert mine == (None if expected_kappa is None else pytest.approx(expected_kappa, abs=1e-9))


@given(st.sets(st.integers(-50, 50), min_size=1), st.lists(st.floats(-60, 60)))
def test_a_score_counts_as_the_nearest_value_the_lower_of_two(
    values: set[int], numbers: list[float]
) -> None:
    ascending = [float(value) for value in sorted(values)]
    places = nearest(ascending, numbers)
    assert [abs(ascending[at] - n) for at, n in zip(places, numbers, strict=True)] == [
        min(abs(value - n) for value in ascending) for n in numbers
    ]
    assert nearest([0.0, 1.0], [0.5]) == [0]


def test_steps_are_classes_too_and_a_class_in_between_that_nobody_gave_counts() -> None:
    found = compare(("1..5/1", 1.0, 1.2), ("1..5/1", 5.0, 2.1), ("1..5/1", 5.0, 9.0))
    assert found.kappa == pytest.approx(kappa([0, 4, 4], [0, 1, 4], 0))
    assert found.weighted_kappa == pytest.approx(kappa([0, 4, 4], [0, 1, 4], 2))


def test_there_is_no_kappa_of_mixed_scales_or_of_numbers_without_steps() -> None:
    for pairs in (
        [("0..1", 0.5, 0.5), ("0..1", 0.7, 0.5)],
        [("0..1/1", 0.0, 0.5), (CLASSES, "bad", 0.5)],
    ):
        found = compare(*pairs)
        assert (found.count, found.kappa, found.weighted_kappa) == (2, None, None)


def test_a_scale_without_a_choice_says_nothing() -> None:
    found = compare(("fine=0", "fine", 0.9), (CLASSES, "good", 0.9), (CLASSES, "bad", 0.1))
    assert (found.count, found.kappa) == (2, 1.0)
    assert compare(("fine=0", "fine", 0.9)).count == 0


def test_constant_and_missing_sides_warn_of_nothing() -> None:
    one_class = compare((CLASSES, "good", 0.9), (CLASSES, "good", 0.8))
    assert (one_class.spearman, one_class.kappa, one_class.weighted_kappa) == (None, None, None)
    assert compare((CLASSES, "good", 0.1), (CLASSES, "good", 0.1)).kappa == 0.0
    nothing = compare()
    assert (nothing.count, nothing.bias, nothing.mean_absolute_error) == (0, None, None)


def test_extreme_numbers_overflow_nothing() -> None:
    found = compare(("-1e+100..1e+100", 1e100, -1e200), ("-1e+100..1e+100", -1e100, 1e200))
    assert found.mean_absolute_error == pytest.approx(1e200)
    assert found.spearman == pytest.approx(-1.0)


def test_missing_packages_are_named_with_the_way_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(SettingsError, match=r"pip install 'sapwood\[agreement\]'"):
        require_statistics()
