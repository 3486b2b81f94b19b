"""Accepting: the whole call is checked, copied and put parents first, or refused by name."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood import (
    ConflictError,
    Node,
    NodeStatus,
    NotFoundError,
    PrincipleScore,
    ValidationError,
)
from sapwood.drafts import (
    check_known,
    draft_node,
    draft_scores,
    draft_statuses,
    is_fresh,
    parents_first,
)
from sapwood.values import ITEM_BYTES

if TYPE_CHECKING:
    import random


def node(node_id: str, parent_id: str | None = None, content: str = "") -> Node:
    return Node(id=node_id, parent_id=parent_id, content=content)


@given(st.integers(0, 60), st.randoms(use_true_random=False))
def test_parents_come_before_their_children_whatever_the_order_given(
    size: int, rng: random.Random
) -> None:
    nodes = [
        node(f"n{i}", f"n{rng.randrange(i)}" if i and rng.random() < 0.9 else None)
        for i in range(size)
    ]
    rng.shuffle(nodes)
    ordered = parents_first([draft_node(each) for each in nodes])
    assert sorted(each.node_id for each in ordered) == sorted(each.id for each in nodes)
    seen: set[str | None] = {None}
    for each in ordered:
        assert each.parent_id in seen
        seen.add(each.node_id)


def test_checking_a_call_takes_time_in_proportion_to_its_nodes() -> None:
    def seconds(count: int) -> float:
        drafts = [draft_node(node(f"n{i}", f"n{i - 1}" if i else None)) for i in range(count)]
        began = time.process_time()
        check_known(drafts, {})
        return time.process_time() - began

    small, large = (min(seconds(count) for _ in range(3)) for count in (10_000, 80_000))
    assert large < 32 * small, "8 times as many; 64 times as long would be quadratic"


def test_a_moment_that_no_calendar_has_in_utc_is_refused_since_it_could_not_be_read() -> None:
    late = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(ValidationError, match="node a: created_at"):
        draft_node(Node(id="a", content="", created_at=late))


def test_a_chain_of_ten_thousand_in_reverse_is_put_in_order() -> None:
    chain = [node(f"n{i}", f"n{i - 1}" if i else None) for i in range(10_000)]
    ordered = parents_first([draft_node(each) for each in reversed(chain)])
    assert [each.node_id for each in ordered] == [each.id for each in chain]


def test_a_call_with_its_parents_first_keeps_its_order() -> None:
    """So that what a crash leaves is a prefix of what the caller gave."""
    breadth_first = [node("r"), node("a", "r"), node("b", "r"), node("c", "a"), node("d", "b")]
    ordered = parents_first([draft_node(each) for each in breadth_first])
    assert [each.node_id for each in ordered] == ["r", "a", "b", "c", "d"]


def test_a_cycle_is_refused_by_the_name_of_a_node_on_it() -> None:
    with pytest.raises(ValidationError, match="node a: parent_id makes it its own ancestor"):
        parents_first([draft_node(node("a", "b")), draft_node(node("b", "a"))])


def test_a_node_that_is_its_own_parent_is_refused() -> None:
    with pytest.raises(ValidationError, match="node a: parent_id names the node itself"):
        draft_node(node("a", "a"))


def test_an_orphan_is_refused_by_name() -> None:
    with pytest.raises(NotFoundError, match="node b: its parent a is not in this project"):
        check_known(parents_first([draft_node(node("b", "a"))]), {})


def test_a_known_id_with_another_parent_or_content_is_a_conflict() -> None:
    known = {"a": draft_node(node("a")).digest, "r": draft_node(node("r")).digest}
    check_known([draft_node(node("a"))], known)
    for other in (node("a", content="else"), node("a", "r")):
        with pytest.raises(ConflictError, match="node a exists with another parent or content"):
            check_known([draft_node(other)], known)


def test_one_id_twice_in_a_call_must_mean_one_node() -> None:
    again = [draft_node(node("a")), draft_node(node("a"))]
    assert parents_first(again) == again
    with pytest.raises(ConflictError, match="node a"):
        parents_first([draft_node(node("a")), draft_node(node("a", content="else"))])


def test_only_fields_that_the_caller_set_are_explicit() -> None:
    assert draft_node(node("a")).explicit == frozenset()
    said = Node(id="a", content="", score=None, status=NodeStatus.ALIVE)
    assert draft_node(said).explicit == {"score", "status"}


def test_a_node_is_fresh_when_it_drew_its_own_id() -> None:
    assert is_fresh(Node(content=""))
    assert not is_fresh(node("a"))
    assert not is_fresh(Node(content="").model_copy(update={"content": "else"}))


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("content", "a\0b"),
        ("content", "\ud800"),
        ("content", "x" * 10_000_000),
        ("score", math.nan),
        ("score", math.inf),
        ("iteration", 2**63),
        ("attributes", {"a": 2**63}),
        ("status_reason", "\0"),
        ("created_at", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("parent_id", "no good"),
    ],
)
def test_what_a_store_would_refuse_is_refused_by_node_and_field(field: str, bad: object) -> None:
    values: dict[str, object] = {"id": "a", "content": "", field: bad}
    with pytest.raises(ValidationError, match=f"node a: {field}"):
        draft_node(Node.model_validate(values))


def test_a_node_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="is a dict, not a Node"):
        draft_node({"content": ""})


def test_attributes_changed_after_acceptance_are_not_seen() -> None:
    attributes = {"a": 1}
    draft = draft_node(Node(content="", attributes=attributes))
    attributes["a"] = 2
    assert draft.values["attributes"] == '{"a":1}'


def test_a_score_is_a_number_or_a_failure_never_both_never_neither() -> None:
    for number, failure in ((None, None), (1.0, "timeout")):
        score = PrincipleScore(
            node_id="a", principle_id="p", judge="j@1", score=number, failure=failure
        )
        with pytest.raises(ValidationError, match="score of node a"):
            draft_scores([score])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("node_id", ["a"]),
        ("node_id", "j@1"),
        ("principle_id", {}),
        ("principle_id", "j@1"),
        ("judge", ["j@1"]),
        ("judge", "p"),
        ("score", "1"),
        ("score", True),
        ("score", float("nan")),
        ("rationale", "a\0b"),
    ],
)
def test_a_bad_score_is_refused_by_field_also_behind_a_good_one(field: str, value: object) -> None:
    """Each distinct id and judge is checked once a call; a copy's fields nobody checked before."""
    good = PrincipleScore(node_id="a", principle_id="p", judge="j@1", score=1.0)
    with pytest.raises(ValidationError) as caught:
        draft_scores([good, good.model_copy(update={field: value})])
    assert caught.value.field == field


def test_an_unknown_status_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValidationError, match="alive, pruned, complete, failed"):
        draft_statuses({"a": "dead"}, None)  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]


def test_every_text_of_an_item_counts_for_the_bounds_in_bytes() -> None:
    reason = "é" * 1_000
    [status] = draft_statuses({"n": NodeStatus.FAILED}, reason)
    score = PrincipleScore(node_id="n", principle_id="p", judge="j@1", failure=reason)
    [failed] = draft_scores([score])
    saved = draft_node(Node(content="", status_reason=reason))
    assert min(status.size, failed.size, saved.size) >= 2_000


def test_content_and_attributes_are_counted_in_bytes_together() -> None:
    """300,000 characters of two bytes each, beside half a MiB."""
    large = Node(id="a", content="x" * (ITEM_BYTES // 2), attributes={"k": "ü" * 300_000})
    with pytest.raises(ValidationError, match="together with attributes"):
        draft_node(large)
    assert draft_node(large.model_copy(update={"content": ""})).size > 600_000


def test_a_status_that_came_past_the_model_is_refused_by_name() -> None:
    made = Node(id="a", content="")
    for status in ("closed", ["alive"], None):
        odd = made.model_copy(update={"status": status})
        with pytest.raises(ValidationError, match="node a: status must be one of alive"):
            draft_node(odd)
