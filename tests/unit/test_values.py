"""What both stores can hold is decided before anything is queued (reliability E1 to E9)."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood import NodeStatus, ValidationError
from sapwood.values import (
    ITEM_BYTES,
    JSON_DEPTH,
    check_id,
    check_integer,
    check_number,
    check_text,
    encode_json,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_every_json_value_within_the_limits_comes_back_as_it_was(value: object) -> None:
    assert orjson.loads(encode_json("node a", "attributes", value)) == value


@given(st.text())
def test_text_is_refused_exactly_when_a_store_would_refuse_it(text: str) -> None:
    storable = "\0" not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)
    if storable:
        assert check_text("node a", "content", text) == text.encode()
    else:
        with pytest.raises(ValidationError, match="node a: content"):
            check_text("node a", "content", text)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "must be finite"),
        (math.inf, "must be finite"),
        (10**400, "64-bit float"),
        ("1", "must be a number"),
        (True, "must be a number"),
    ],
)
def test_a_number_that_is_no_finite_float_is_refused(value: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        check_number("score", "score", value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.0, True, "1"])
def test_an_integer_beyond_64_bits_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="integer"):
        check_integer("node a", "iteration", value)
    assert check_integer("node a", "iteration", 2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize("value", ["", "a" * 65, "a b", "é", "a\n", "a/b", None, 1])
def test_an_id_is_1_to_64_plain_characters(value: object) -> None:
    with pytest.raises(ValidationError, match="must be 1 to 64 characters"):
        check_id("node", "id", value)
    assert check_id("node", "id", "A-z_0.9" * 9) == "A-z_0.9" * 9


def test_a_million_levels_of_json_are_refused_without_recursion() -> None:
    deep: list[object] = []
    for _ in range(1_000_000):
        deep = [deep]
    with pytest.raises(ValidationError, match="deeper than 64 levels"):
        encode_json("node a", "attributes", {"deep": deep})


def test_sixty_four_levels_of_json_are_kept() -> None:
    value: object = 1
    for _ in range(JSON_DEPTH):
        value = [value]
    assert orjson.loads(encode_json("node a", "attributes", value)) == value
    with pytest.raises(ValidationError, match="deeper than 64 levels"):
        encode_json("node a", "attributes", [value])


def test_a_value_that_shares_its_parts_cannot_grow_without_end() -> None:
    shared: list[object] = []
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(ValidationError, match="more than 1,048,576 bytes"):
        encode_json("node a", "attributes", shared)


def test_a_text_that_is_mentioned_often_is_counted_each_time_before_it_is_written() -> None:
    """The encoder writes it out each time; with enough mentions that ended the process."""
    with pytest.raises(ValidationError, match="more than 1,048,576 bytes"):
        encode_json("save_state", "state", ["x" * (1 << 19)] * 1_000_000)
    with pytest.raises(ValidationError, match="more than 1,048,576 bytes"):
        encode_json("save_state", "state", [{"k" * (1 << 19): 1}] * 1_000_000)


@pytest.mark.parametrize(
    "value",
    [
        {"a": math.nan},
        {"a": {1: 2}},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": 2**63},
        {"a": "\0"},
        {"\0": 1},
        {"a": "\ud800"},
        {"\ud800": 1},
    ],
)
def test_what_is_not_json_is_refused_by_item_and_field(value: object) -> None:
    with pytest.raises(ValidationError, match="node a: attributes") as caught:
        encode_json("node a", "attributes", value)
    assert caught.value.item == "node a"


def test_sizes_are_counted_in_bytes_not_in_characters() -> None:
    text = "é" * (ITEM_BYTES // 2)
    assert len(check_text("node a", "content", text, ITEM_BYTES)) == ITEM_BYTES
    with pytest.raises(ValidationError, match="1,048,578 bytes"):
        check_text("node a", "content", text + "é", ITEM_BYTES)


def test_a_key_that_is_a_kind_of_text_is_refused_by_item_and_field() -> None:
    """The encoder takes plain text alone, and says so in words that name nothing."""
    with pytest.raises(ValidationError, match=r"node n: attributes \(a key\) .* not NodeStatus"):
        encode_json("node n", "attributes", {NodeStatus.ALIVE: 1})
