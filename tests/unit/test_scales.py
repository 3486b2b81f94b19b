"""Scales: what a label may be, in a short form that a person can type."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood import ClassScale, NumberScale, ValidationError
from sapwood.scales import LARGEST, check_label, check_scale, parse_scale, scale_text

numbers = st.floats(-LARGEST, LARGEST)
ranges = (
    st.tuples(numbers, numbers)
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: NumberScale(*pair))
)


def _stepped(low: int, step: float, steps: int) -> NumberScale:
    return NumberScale(low, low + step * steps, step)


def _classes(names: set[str], values: set[float]) -> ClassScale:
    return ClassScale(dict(zip(sorted(names), sorted(values), strict=False)))


steps = st.sampled_from([0.001, 0.1, 0.25, 1 / 3, 1.0, 7.0])
stepped = st.builds(_stepped, st.integers(-1000, 1000), steps, st.integers(1, 999))
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
some_names = st.sets(names, min_size=1, max_size=5)
classes = st.builds(_classes, some_names, st.sets(numbers, min_size=5, max_size=5))
scales = ranges | stepped | classes


@given(scales)
def test_a_scale_is_read_as_it_was_written(scale: NumberScale | ClassScale) -> None:
    check_scale("sample", scale)
    assert parse_scale(scale_text(scale)) == scale


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("0..1", NumberScale(0, 1)),
        ("1..5/1", NumberScale(1, 5, step=1)),
        ("-0.5..1e-05", NumberScale(-0.5, 1e-05)),
        ("bad=0|ok=0.5|good=1", ClassScale({"bad": 0, "ok": 0.5, "good": 1})),
        (r"a\|b\=c\\=-1|=0", ClassScale({"a|b=c\\": -1, "": 0})),
        ("0..1=2", ClassScale({"0..1": 2})),
    ],
)
def test_the_short_form_is_what_a_person_would_type(
    text: str, scale: NumberScale | ClassScale
) -> None:
    assert scale_text(scale) == text
    assert parse_scale(text) == scale


@given(stepped | classes, st.data())
def test_each_value_of_a_scale_may_be_given(
    scale: NumberScale | ClassScale, data: st.DataObject
) -> None:
    if isinstance(scale, ClassScale):
        label: float | str = data.draw(st.sampled_from(sorted(scale.classes)))
    else:
        label = data.draw(st.sampled_from(scale.values or []))
    assert check_label("sample", scale, label) == label


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "0..", "..1", "0...1", "0..1/", "0..1\n", "nan..1", "a", "a=", "a=x"),
        *("a=0|", "a=0||b=1", "a=0|a=1", "a\\n=1", "a=0b=1"),
    ],
)
def test_what_is_no_scale_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValidationError, match=r"line 3: scale (must look like|has a class twice)"):
        parse_scale(text, "line 3")


@pytest.mark.parametrize(
    "scale",
    [
        NumberScale(1, 1),
        NumberScale(1, 0),
        NumberScale(math.nan, 1),
        NumberScale(0, math.inf),
        NumberScale(-1e101, 0),
        NumberScale(0, 1, step=0),
        NumberScale(0, 1, step=-0.5),
        NumberScale(0, 1, step=0.3),
        NumberScale(0, 1, step=2),
        NumberScale(0, 1, step=1e-300),
        ClassScale({}),
        ClassScale({"a": 1, "b": 1}),
        ClassScale({"good": 1, "bad": 0}),
        ClassScale({"a\0": 1}),
        ClassScale({"a" * 257: 1}),
        ClassScale({f"{number}": number for number in range(1001)}),
        ClassScale([("a", 1)]),  # type: ignore[arg-type]
        NumberScale("0", 1),  # type: ignore[arg-type]
    ],
)
def test_a_scale_that_means_nothing_is_refused(scale: NumberScale | ClassScale) -> None:
    with pytest.raises(ValidationError, match="sample x: scale"):
        check_scale("sample x", scale)


@pytest.mark.parametrize(
    ("scale", "label", "how"),
    [
        (NumberScale(0, 1), 1.5, "label 1.5 is outside of its scale '0..1'"),
        (NumberScale(0, 1), -0.001, "label -0.001 is outside"),
        (NumberScale(1, 5, 1), 2.5, "label 2.5 is on no step of its scale '1..5/1'"),
        (NumberScale(0, 1), "1", "label '1' is no number"),
        (NumberScale(0, 1), math.nan, "label must be finite"),
        (ClassScale({"a": 0}), "b", "label 'b' is no class of its scale 'a=0'"),
        (ClassScale({"a": 0}), 0.0, "label 0.0 is no class"),
    ],
)
def test_a_label_outside_of_its_scale_is_refused_by_name(
    scale: NumberScale | ClassScale, label: float | str, how: str
) -> None:
    with pytest.raises(ValidationError, match=f"sample x: {how}"):
        check_label("sample x", scale, label)
