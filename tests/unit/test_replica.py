"""The replica applies entries one by one, and refuses those that mean nothing after the others."""

from __future__ import annotations

from typing import Any

import pytest

from sapwood import JournalError
from sapwood.journal import NO_CHAIN, Entry, Operations, Prune, link
from sapwood.replica import Replica


def row(node_id: str, parent_id: str | None = None, **values: Any) -> dict[str, Any]:
    return {"id": node_id, "parent_id": parent_id, "content": "", "status": "alive", **values}


def entries(*operations: Operations) -> list[Entry]:
    """The operations as a journal."""
    made: list[Entry] = []
    chain = NO_CHAIN
    for seq, each in enumerate(operations, start=1):
        chain = link(chain, f"batch {seq}")
        made.append(Entry(seq, f"batch {seq}", chain, "first", each))
    return made


def replica_of(*operations: Operations) -> Replica:
    replica = Replica()
    for entry in entries(*operations):
        replica.apply(entry)
    return replica


TREE = Operations([row("a"), row("b", "a"), row("c", "b"), row("d", "a", status="complete")])


def test_a_node_has_what_it_was_made_with_then_what_was_set_and_the_position_that_made_it() -> None:
    replica = replica_of(
        TREE,
        Operations([row("e", "d", score=1.0)], [{"id": "a", "score": 2.0, "content": "x"}]),
        Operations([], [{"id": "e", "score": None}]),
    )
    kept = {name: replica.nodes["e"][name] for name in ("parent_id", "score", "seq", "iteration")}
    assert kept == {"parent_id": "d", "score": None, "seq": 2, "iteration": None}
    assert (replica.nodes["a"]["score"], replica.nodes["a"]["content"]) == (2.0, "x")
    assert replica.children == {"a": ["b", "d"], "b": ["c"], "c": [], "d": ["e"], "e": []}
    assert (replica.path("c"), replica.subtree("d")) == (["a", "b", "c"], ["d", "e"])
    assert (replica.seq, replica.chain) == (3, entries(TREE, TREE, TREE)[-1].chain)


def test_a_prune_closes_what_is_alive_at_its_position() -> None:
    replica = replica_of(TREE, Operations(prune=Prune("a", "why")), Operations([row("late", "c")]))
    found = {each: (n["status"], n["status_reason"]) for each, n in replica.nodes.items()}
    assert found == {
        "a": ("pruned", "why"),
        "b": ("pruned", "why"),
        "c": ("pruned", "why"),
        "d": ("complete", None),
        "late": ("alive", None),
    }


def test_values_may_be_kept_as_something_else_but_for_what_is_read_again() -> None:
    replica = Replica(value=lambda field, value: f"{field}={value}")
    for entry in entries(TREE, Operations(prune=Prune("c", "why"))):
        replica.apply(entry)
    node = replica.nodes["c"]
    assert (node["id"], node["parent_id"], node["status"]) == ("c", "b", "pruned")
    assert (node["content"], node["status_reason"]) == ("content=", "status_reason=why")
    assert (node["seq"], node["score"]) == ("seq=1", "score=None")


@pytest.mark.parametrize(
    ("operations", "problem"),
    [
        (Operations([row("a")]), "makes node a a second time"),
        (Operations([row("x", "nobody")]), "needs node nobody"),
        (Operations([], [{"id": "nobody", "score": 1.0}]), "needs node nobody"),
        (Operations([], [{"id": "a", "colour": "red"}]), "sets colour"),
        (Operations(prune=Prune("nobody", None)), "needs node nobody"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_means_nothing_is_refused(operations: Operations, problem: str) -> None:
    first, second = entries(TREE, operations)
    replica = Replica()
    replica.apply(first)
    with pytest.raises(JournalError, match=f"position 2 {problem}"):
        replica.apply(second)


def test_what_does_not_follow_is_refused() -> None:
    first, second, third = entries(TREE, Operations(), Operations())
    replica = Replica()
    replica.apply(first)
    foreign = Entry(2, "batch 2", second.chain, "another", Operations())
    for wrong in (first, third, Entry(2, "other", second.chain, "first", Operations()), foreign):
        with pytest.raises(JournalError, match="journal position"):
            replica.apply(wrong)
    replica.apply(second)
