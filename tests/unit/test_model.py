"""Records are frozen, refuse what they do not know, and say which item and field was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic
import pytest

from sapwood import Node, NotFoundError, Principle, Rubric, Settings, ValidationError, new_id
from sapwood.settings import Options

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_bad_field_raises_one_error_class_that_names_item_and_field() -> None:
    with pytest.raises(ValidationError, match="Node a: content") as caught:
        Node(id="a", content=3)  # pyright: ignore[reportArgumentType]
    assert (caught.value.item, caught.value.field) == ("Node a", "content")


def test_a_refused_value_is_not_in_the_message() -> None:
    with pytest.raises(ValidationError) as caught:
        Node(content="x", score="secret-value")  # pyright: ignore[reportArgumentType]
    assert "secret-value" not in str(caught.value)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="contents"):
        Node(content="", contents="")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def test_a_record_cannot_be_changed() -> None:
    node = Node(content="")
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        node.content = "else"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_ids_are_drawn_increasing() -> None:
    drawn = [new_id() for _ in range(10_000)]
    assert drawn == sorted(set(drawn))


def test_a_rubric_gives_its_principles_by_key_and_one_as_their_weight() -> None:
    rubric = Rubric(principles=(Principle(key="a"), Principle(key="b")), weights={"b": 2.0})
    assert (rubric["a"].key, rubric.weight("a"), rubric.weight("b")) == ("a", 1.0, 2.0)
    with pytest.raises(NotFoundError, match="no principle 'c'; it has a, b"):
        rubric["c"]


def test_the_options_of_an_adapter_are_its_settings() -> None:
    assert set(Options.__annotations__) == set(Settings.model_fields)


WRONG: Any = ("a thought",)
"""Typed as anything, so that the checkers let wrong values through."""


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Node(content="", attributes={WRONG: 1}), "attributes.….[key]"),
        (lambda: Rubric(principles=(), weights={"a thought " * 99: WRONG}), "weights.…"),
        (lambda: Rubric(principles=(), weights={"closeness": WRONG}), "weights.closeness"),
        (lambda: Node(content="", **{"a thought": WRONG}), "…"),
    ],
)
def test_a_wrong_type_names_the_field_and_no_key_that_could_be_a_content(
    make: Callable[[], object], field: str
) -> None:
    """F5."""
    with pytest.raises(ValidationError) as refused:
        make()
    assert refused.value.field == field
    assert "thought" not in str(refused.value)
