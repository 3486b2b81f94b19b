"""A flush is a pure function of its batch and of the register under the lock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood.batch import (
    Batch,
    Draft,
    NodeDraft,
    PruneDraft,
    Registered,
    ScoreDraft,
    StatusDraft,
    resolve,
)
from sapwood.drafts import draft_node
from sapwood.model import Node, NodeStatus


def create(node_id: str, parent_id: str | None = None, **values: Any) -> NodeDraft:
    return draft_node(Node(id=node_id, parent_id=parent_id, content="", **values))


def score(node_id: str, number: float | None, failure: str | None = None) -> ScoreDraft:
    return ScoreDraft(node_id, "p", "j@1", number, failure, None, 0)


def batch(*items: Draft) -> Batch:
    return Batch("b", items)


def registered(*drafts: NodeDraft, depth: int = 0) -> dict[str, Registered]:
    return {
        draft.node_id: Registered(depth, draft.digest, draft.content_digest) for draft in drafts
    }


def test_depth_counts_from_the_nearest_registered_ancestor() -> None:
    known = registered(create("a"), depth=7)
    result = resolve(batch(create("b", "a"), create("c", "b"), create("r")), known)
    assert {row["id"]: row["depth"] for row in result.creates.values()} == {"b": 8, "c": 9, "r": 0}
    assert list(result.registrations) == ["b", "c", "r"]


def test_a_status_of_a_node_made_in_the_same_batch_is_part_of_its_creation() -> None:
    result = resolve(batch(create("a"), StatusDraft("a", "pruned", "dull")), {})
    (operations,) = result.operations()
    assert operations.sets == []
    assert operations.creates[0]["status"] == "pruned"
    assert operations.creates[0]["status_reason"] == "dull"


def test_a_known_node_changes_only_what_the_caller_set() -> None:
    known = registered(create("a"))
    result = resolve(batch(create("a", score=0.5)), known)
    assert result.creates == {}
    assert [each.sets for each in result.operations()] == [[{"id": "a", "score": 0.5}]]
    assert [each.rows for each in resolve(batch(create("a")), known).operations()] == [0]


def test_a_racing_writers_node_is_rejected_with_all_that_hangs_on_it() -> None:
    known = {"a": Registered(0, b"other", b"other")}
    items = (
        create("r"),
        create("a"),
        create("b", "a"),
        create("c", "b"),
        StatusDraft("b", "pruned", None),
        score("c", 1.0),
        StatusDraft("r", "pruned", None),
    )
    result = resolve(batch(*items), known)
    assert list(result.creates) == ["r"]
    assert result.creates["r"]["status"] == "pruned"
    assert [(item.kind, item.node_id) for item in result.rejected] == [
        ("node", "a"),
        ("node", "b"),
        ("node", "c"),
        ("status", "b"),
        ("score", "c"),
    ]
    assert (result.nodes, result.statuses, result.scores) == (1, 1, [])


def test_what_names_an_unknown_node_is_rejected_and_the_rest_kept() -> None:
    result = resolve(batch(create("b", "a"), StatusDraft("x", "pruned", None), create("r")), {})
    assert [item.node_id for item in result.rejected] == ["b", "x"]
    assert list(result.creates) == ["r"]


def test_the_last_score_of_a_key_wins_but_a_failure_never_replaces_a_number() -> None:
    known = registered(create("a"))
    assert resolve(batch(score("a", 1.0), score("a", 2.0)), known).scores == [score("a", 2.0)]
    failed = score("a", None, "timeout")
    assert resolve(batch(score("a", 1.0), failed), known).scores == [score("a", 1.0)]
    assert resolve(batch(failed, score("a", 1.0)), known).scores == [score("a", 1.0)]


@pytest.mark.parametrize("status", list(NodeStatus))
def test_every_status_has_a_node_label(status: NodeStatus) -> None:
    assert status.node_label == status.value.title()


names = st.sampled_from("abcdef")
edges = st.tuples(names, st.none() | names).filter(lambda edge: edge[0] != edge[1])
items_of_a_batch = st.lists(
    edges.map(lambda edge: create(*edge))
    | st.builds(StatusDraft, names, st.just("pruned"), st.none()),
    max_size=12,
)


@given(items_of_a_batch)
def test_resolving_the_same_batch_again_gives_the_same_result(items: list[Draft]) -> None:
    first, second = (resolve(batch(*items), {}) for _ in range(2))
    assert first == second
    for row in first.creates.values():
        parent = row["parent_id"]
        assert parent is None or first.creates[parent]["depth"] == row["depth"] - 1
    kept = first.nodes + first.statuses + len(first.rejected)
    assert kept == len(items)


def test_a_prune_stands_between_what_came_before_it_and_what_follows() -> None:
    known = registered(create("r"))
    result = resolve(
        batch(
            create("a", "r"),
            StatusDraft("r", "failed", None),
            PruneDraft("r", "dull"),
            StatusDraft("a", "alive", None),
            create("b", "a"),
            PruneDraft("b", None),
            PruneDraft("a", None),
        ),
        known,
    )
    made = [
        ([row["id"] for row in each.creates], [row["id"] for row in each.sets], each.prune)
        for each in result.operations()
    ]
    assert made == [
        (["a"], ["r"], None),
        ([], [], ("r", "dull")),
        (["b"], ["a"], None),
        ([], [], ("b", None)),
        ([], [], ("a", None)),
    ]
    assert (result.prunes, result.nodes, result.statuses) == (3, 2, 2)


def test_a_prune_of_a_node_that_is_not_stored_is_rejected_by_name() -> None:
    result = resolve(batch(PruneDraft("a", None)), {})
    assert [(item.kind, item.node_id) for item in result.rejected] == [("prune", "a")]
    assert [each.rows for each in result.operations()] == [0]
