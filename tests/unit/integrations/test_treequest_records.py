"""A stored node holds all that treequest was told of it, and says so when it does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sapwood import Node, NodeStatus, ValidationError
from sapwood.integrations._treequest_records import (
    Codec,
    check_name,
    from_node,
    from_nodes,
    node_id,
    to_node,
    to_root,
)
from sapwood.integrations._treequest_replay import RestoreError, Told

PLAIN: Codec[Any] = Codec()


def told(state: Any = "10 - 4 = 6", *, expand_idx: int = 3, parent_idx: int = 1) -> Told[Any]:
    return Told(
        expand_idx=expand_idx,
        parent_idx=parent_idx,
        state=state,
        score=0.1 + 0.2,
        action="minus",
        actions=("plus", "minus"),
        trial_id="01M833YWRZT6007C1H9NPTPQY4",
        asked_at="2026-01-02T03:04:05.678901+00:00",
        told_at="2026-01-02T03:04:06+00:00",
    )


@pytest.mark.parametrize(
    "state", ["10 - 4 = 6", "", "5", 5, 0.1, True, [1, [2.5, "ü"]], {"left": [6, 9], "x": None}]
)
def test_text_and_json_states_come_back_as_they_were(state: Any) -> None:
    again = from_node("rank-901", to_node("rank-901", told(state), PLAIN, {}), PLAIN)
    assert again == told(state)
    assert again is not None
    assert type(again.state) is type(state)


def test_a_state_of_the_users_own_goes_through_their_codec() -> None:
    codec = Codec[complex](str, complex)
    node = to_node("c", told(1 + 2j), codec, {})
    assert node.content == "(1+2j)"
    assert from_node("c", node, codec) == told(1 + 2j)


def test_a_node_shows_what_people_look_for() -> None:
    described = {
        "status": NodeStatus.PRUNED,
        "status_reason": "cannot reach 24",
        "attributes": {"left": "6 9"},
    }
    node = to_node("rank-901", told(), PLAIN, described)
    assert (node.id, node.parent_id, node.content) == ("rank-901.3", "rank-901.1", "10 - 4 = 6")
    assert (node.status, node.status_reason) == ("pruned", "cannot reach 24")
    assert (node.score, node.iteration) == (0.1 + 0.2, 3)
    assert node.attributes["left"] == "6 9"
    assert node.attributes["search"] == "rank-901"
    assert node.attributes["treequest"]["action"] == "minus"
    assert node.created_at.isoformat() == "2026-01-02T03:04:06+00:00"


def test_a_later_change_of_the_nodes_score_does_not_change_what_was_told() -> None:
    node = to_node("rank-901", told(), PLAIN, {}).model_copy(update={"score": 0.9})
    assert from_node("rank-901", node, PLAIN) == told()


def test_nodes_come_back_in_treequests_order_and_others_are_passed_over() -> None:
    nodes = [to_node("a", told(expand_idx=n, parent_idx=-1), PLAIN, {}) for n in (2, 0, 10, 1)]
    nodes.append(to_root("a", "", "ABMCTSA", {}))
    nodes.append(Node(parent_id="a.2", content="a note that a person added"))
    nodes.append(to_node("a.2", told(), PLAIN, {}))
    assert [one.expand_idx for one in from_nodes("a", nodes, PLAIN)] == [0, 1, 2, 10]


def test_ids_of_searches_whose_names_begin_alike_never_meet() -> None:
    names = ["a", "a.1", "a.root", "a.1.root", "a.-1"]
    ids = [node_id(name, number) for name in names for number in (-1, 1, 11)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", ["", "rank 901", "ü", "x" * 49, "a/b", "a\n"])
def test_a_name_that_cannot_begin_an_id_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name must be 1 to 48 characters"):
        check_name(name)


@pytest.mark.parametrize("state", [(1, 2), {1: 2}, math.nan, {"a": (1,)}, object(), "\ud800x"])
def test_a_state_that_json_would_change_is_refused_when_it_is_saved(state: Any) -> None:
    with pytest.raises(ValidationError, match=r"node rank-901\.3: (state|content) "):
        to_node("rank-901", told(state), PLAIN, {})


def _to_bytes(state: Any) -> bytes:
    return b"bytes"


def _forget(text: str) -> int:
    return 0


def _fail(text: str) -> Any:
    raise KeyError(text)


@pytest.mark.parametrize(
    ("encode", "decode", "problem"),
    [
        (_to_bytes, str, "must be text, not bytes"),
        (str, _forget, "becomes another after `decode` and `encode`"),
        (str, _fail, "cannot be read again by `decode`: KeyError: '7'"),
    ],
)
def test_a_codec_that_cannot_read_itself_is_refused_when_it_is_saved(
    encode: Any, decode: Any, problem: str
) -> None:
    with pytest.raises(ValidationError, match=f"node x.3: content {problem}"):
        to_node("x", told(7), Codec(encode, decode), {})


def test_a_codec_is_both_functions_or_none() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Codec[str](encode=str)


def test_a_coded_state_cannot_be_read_without_its_decoder() -> None:
    node = to_node("x", told(1j), Codec[complex](str, complex), {})
    with pytest.raises(ValidationError, match="give `decode` too"):
        from_node("x", node, PLAIN)


@pytest.mark.parametrize("missing", ["action", "trial_id", "score", "coding", "expand_idx"])
def test_a_damaged_record_is_named(missing: str) -> None:
    node = to_node("x", told(), PLAIN, {})
    del node.attributes["treequest"][missing]
    with pytest.raises(RestoreError, match=r"node x\.3: its attribute 'treequest' is damaged"):
        from_node("x", node, PLAIN)


def test_what_treequest_needs_cannot_be_described_away() -> None:
    node = to_node("x", told(), PLAIN, {"id": "mine", "score": 0, "attributes": {"search": "y"}})
    assert (node.id, node.score, node.attributes["search"]) == ("x.3", 0.1 + 0.2, "x")
