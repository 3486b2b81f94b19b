"""Some nodes: values as columns, and what a part of the columns can and cannot give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sapwood.errors import ValidationError
from sapwood.nodes import FIELDS, Columns, Nodes
from sapwood.tree import TREE_FIELDS, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = ["a", "b", "c", "d"]


def columns(*names: str) -> Columns:
    """Four nodes, a over the others, with these columns."""
    values: dict[str, list[Any]] = {
        "id": IDS,
        "parent_id": [None, "a", "a", "a"],
        "content": [f"content of {node_id}" for node_id in IDS],
        "attributes": ['{"k":1}', "{}", "{}", "{}"],
        "status": ["alive", "failed", "alive", "pruned"],
        "status_reason": [None, "why", None, None],
        "score": [None, 0.5, -1.0, 2.0],
        "rubric_score": [None] * 4,
        "iteration": [0, 1, 2, 2**63 - 1],
        "depth": [0, 1, 1, 1],
        "created_at": [1_763_000_000_123_456 + at for at in range(4)],
        "seq": [1, 1, 2, 2],
    }
    return Columns({name: values[name] for name in names})


@pytest.mark.parametrize("source", [columns(*FIELDS), Tree(columns(*FIELDS))], ids=["read", "tree"])
def test_a_column_comes_in_the_order_of_the_nodes_as_plain_values(source: Tree | Columns) -> None:
    some = Nodes(source, [3, 0, 1])
    assert some.ids == ["d", "a", "b"]
    assert some.column("score") == [2.0, None, 0.5]
    assert some.column("iteration") == [2**63 - 1, 0, 1]
    assert some.column("status") == ["pruned", "alive", "failed"]
    assert [type(value) for value in some.column("score")] == [float, type(None), float]
    assert some[1:].column("attributes") == ['{"k":1}', "{}"]
    assert Nodes(source, [2]).column("score") == [-1.0]
    assert Nodes(source, []).column("score") == []
    for name in FIELDS:
        if name not in ("attributes", "created_at"):
            assert some.column(name) == [getattr(node, name) for node in some]


PARTS = {
    "read": Nodes.of(columns("id", "score")),
    "tree": Tree(columns(*TREE_FIELDS, "score")).children("a"),
}
MAKES_NODES: dict[str, Callable[[Nodes], object]] = {
    "one": lambda nodes: nodes[0],
    "all": list,
    "a slice's": lambda nodes: nodes[1:][0],
    "looking for one": lambda nodes: None in nodes,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("made", MAKES_NODES)
def test_a_part_of_the_columns_makes_no_node_and_says_which_are_missing(
    part: str, made: str
) -> None:
    with pytest.raises(ValidationError, match=r"content.*\.column\(name\).*fields=") as refused:
        MAKES_NODES[made](PARTS[part])
    missing = {name.strip() for name in refused.value.field.split(",")}
    assert missing == set(FIELDS) - set(PARTS[part].names)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_columns_gives_what_was_read_and_names_it(part: str) -> None:
    nodes = PARTS[part]
    assert nodes.column("score")[-1] == 2.0
    assert nodes.ids[-1] == "d"
    with pytest.raises(ValidationError, match=r"content was not read; there are id,.* score"):
        nodes.column("content")
    for unknown in ("colour", "\ud800", ["id"]):
        with pytest.raises(ValidationError, match=r"column must be one of id,") as refused:
            nodes.column(unknown)  # type: ignore[arg-type]
        assert str(refused.value).isprintable()


def test_a_tree_of_some_columns_has_its_relations() -> None:
    tree = Tree(columns(*TREE_FIELDS))
    assert tree.children("a").ids == ["b", "c", "d"]
    assert tree.path("d").ids == ["a", "d"]
    assert tree.alive.ids == ["a", "c"]
    assert (tree.depth("d"), tree.names) == (1, TREE_FIELDS)
    for wants in (lambda: tree["a"], lambda: tree.parent("b"), lambda: list(tree), tree.best):
        with pytest.raises(ValidationError, match="not read"):
            wants()


def test_best_takes_a_status_as_text_and_refuses_what_is_none() -> None:
    tree = Tree(columns(*FIELDS))
    best = tree.best("score", "failed")
    assert best is not None
    assert best.id == "b"
    with pytest.raises(ValidationError, match="status"):
        tree.best("score", "sleeping")
    with pytest.raises(ValidationError, match="by must be"):
        tree.best("depth")  # type: ignore[arg-type]
