"""What a rubric must look like."""

from __future__ import annotations

import pytest

from sapwood.errors import ValidationError
from sapwood.model import Principle, Rubric
from sapwood.relational.rubric_checks import check_rubric

ONE = Principle(key="one", text="Is it one?")
TWO = Principle(key="two", text="Is it two?")


def test_a_rubric_with_weights_from_nothing_to_a_billion_is_fine() -> None:
    check_rubric(Rubric(principles=(ONE, TWO), weights={"one": 0, "two": 1e9}))


@pytest.mark.parametrize(
    ("rubric", "field"),
    [
        (Rubric(principles=()), "principles"),
        (Rubric(principles=(ONE, Principle(key="one"))), "principles"),
        (Rubric(principles=(ONE, Principle(id=ONE.id, key="other"))), "principles"),
        (Rubric(principles=(ONE,), weights={"two": 1.0}), "weights"),
        (Rubric(principles=(ONE,), weights={"one": -1.0}), "weights.one"),
        (Rubric(principles=(ONE,), weights={"one": float("nan")}), "weights.one"),
        (Rubric(principles=(ONE,), weights={"one": float("inf")}), "weights.one"),
        (Rubric(principles=(ONE,), weights={"one": 1e-10}), "weights.one"),
        (Rubric(principles=(ONE,), weights={"one": 1e10}), "weights.one"),
        (Rubric(principles=(Principle(key="no good"),)), "key"),
        (Rubric(principles=(Principle(id="x" * 65, key="good"),)), "id"),
        (Rubric(principles=(Principle(key="good", text="a\0b"),)), "text"),
    ],
)
def test_what_means_nothing_is_refused(rubric: Rubric, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_rubric(rubric)

    assert caught.value.field == field
