"""A loaded tree against a plain reading of the same nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood.errors import DivergedError, NotFoundError
from sapwood.model import Node, NodeStatus
from sapwood.nodes import FIELDS, Columns
from sapwood.tree import Tree

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def columns_of(nodes: list[Node]) -> Columns:
    """The columns that `load_tree` reads of these nodes."""
    rows: list[dict[str, Any]] = []
    for node in sorted(nodes, key=lambda node: (node.depth or 0, node.id)):
        values = node.model_dump()
        values["attributes"] = "{}" if not node.attributes else '{"k":[1,null]}'
        values["created_at"] = (node.created_at - EPOCH) // timedelta(microseconds=1)
        values["status"] = node.status.value
        rows.append(values)
    return Columns({name: [row[name] for row in rows] for name in FIELDS})


@st.composite
def woods(draw: st.DrawFn) -> list[Node]:
    """Up to 30 nodes under random parents, with random values, in random order of ids."""
    names = draw(st.permutations([f"n{at:02}" for at in range(draw(st.integers(0, 30)))]))
    nodes: list[Node] = []
    for name in names:
        parent = draw(st.sampled_from([None, *nodes])) if nodes else None
        score = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0])
        node = Node(
            id=name,
            parent_id=parent and parent.id,
            content=draw(st.sampled_from(["", "x", "🌳"])),
            attributes=draw(st.sampled_from([{}, {"k": [1, None]}])),
            status=draw(st.sampled_from(NodeStatus)),
            score=draw(score),
            rubric_score=draw(score),
            iteration=draw(st.integers(-(2**63), 2**63 - 1)),
            depth=0 if parent is None or parent.depth is None else parent.depth + 1,
            created_at=draw(st.datetimes()).replace(tzinfo=UTC),
            seq=draw(st.integers(1, 9)),
        )
        nodes.append(node)
    return nodes


def in_order(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.depth or 0, node.id))


def above(node: Node, by_id: dict[str, Node]) -> list[Node]:
    """The node and its ancestors up to the root."""
    found = [node]
    while found[-1].parent_id is not None:
        found.append(by_id[found[-1].parent_id])
    return found


@given(woods())
def test_a_tree_gives_back_the_nodes_in_its_order(nodes: list[Node]) -> None:
    tree = Tree(columns_of(nodes))
    assert len(tree) == len(nodes)
    assert list(tree) == in_order(nodes)
    assert all(tree[node.id] == node and node.id in tree for node in nodes)
    assert "missing" not in tree
    assert columns_of(nodes).to_nodes() == in_order(nodes)


@given(woods())
def test_relations_are_those_of_the_parent_ids(nodes: list[Node]) -> None:
    tree, by_id = Tree(columns_of(nodes)), {node.id: node for node in nodes}
    for node in nodes:
        lineage = above(node, by_id)
        assert list(tree.path(node.id)) == lineage[::-1]
        assert list(tree.ancestors(node.id)) == lineage[1:]
        assert tree.parent(node.id) == (lineage[1] if len(lineage) > 1 else None)
        assert tree.depth(node.id) == len(lineage) - 1
        below = [other for other in nodes if node in above(other, by_id)]
        assert list(tree.subtree(node.id)) == in_order(below)
        children = [other for other in nodes if other.parent_id == node.id]
        assert list(tree.children(node.id)) == in_order(children)


@given(woods())
def test_sets_of_nodes_are_those_that_fit(nodes: list[Node]) -> None:
    tree, parents = Tree(columns_of(nodes)), {node.parent_id for node in nodes}
    assert list(tree.roots) == in_order([node for node in nodes if node.parent_id is None])
    assert list(tree.leaves) == in_order([node for node in nodes if node.id not in parents])
    assert list(tree.alive) == in_order([n for n in nodes if n.status is NodeStatus.ALIVE])
    assert tree.alive.ids == [node.id for node in tree.alive]
    assert tree.counts == {
        status: sum(node.status is status for node in nodes) for status in NodeStatus
    }


@given(woods(), st.none() | st.sampled_from(NodeStatus))
def test_best_is_the_first_of_the_highest(nodes: list[Node], status: NodeStatus | None) -> None:
    tree = Tree(columns_of(nodes))
    scored = [n for n in in_order(nodes) if status in (None, n.status) and n.score is not None]
    assert tree.best("score", status) == max(scored, key=lambda n: n.score or 0.0, default=None)
    ranked = [n for n in in_order(nodes) if n.rubric_score is not None]
    assert tree.best() == max(ranked, key=lambda n: n.rubric_score or 0.0, default=None)


def a_chain(length: int) -> Tree:
    ids = [f"n{at:05}" for at in range(length)]
    values: dict[str, list[Any]] = {name: [None] * length for name in FIELDS}
    values |= {
        "id": ids,
        "parent_id": [None, *ids[:-1]],
        "content": [""] * length,
        "attributes": ["{}"] * length,
        "status": ["alive"] * length,
        "depth": list(range(length)),
    }
    for name in ("iteration", "created_at", "seq"):
        values[name] = [1] * length
    return Tree(Columns(values))


def test_a_chain_of_10_000_needs_no_recursion() -> None:
    tree = a_chain(10_000)
    assert len(tree.path("n09999")) == 10_000
    assert tree.ancestors("n09999").ids[0] == "n09998"
    assert tree.subtree("n00000").ids == list(tree.column("id"))
    assert tree.leaves.ids == ["n09999"]


def test_columns_are_read_only() -> None:
    tree = a_chain(3)
    depth = tree.column("depth")
    assert isinstance(depth, np.ndarray)
    assert depth.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        depth[0] = 5
    assert tree.column("id") == ("n00000", "n00001", "n00002")
    assert np.isnan(tree.column("score")).all()


def test_some_nodes_can_be_counted_and_cut_without_making_them() -> None:
    tree = a_chain(100)
    path = tree.path("n00099")
    assert path[-1].id == "n00099"
    assert path[10:12].ids == ["n00010", "n00011"]
    with pytest.raises(IndexError):
        path[100]


def test_a_missing_node_is_named() -> None:
    tree = a_chain(2)
    for look in (tree.path, tree.children, tree.subtree, tree.depth, tree.parent):
        with pytest.raises(NotFoundError, match="nowhere"):
            look("nowhere")
    with pytest.raises(NotFoundError):
        tree["nowhere"]


def test_a_node_without_its_parent_is_refused() -> None:
    orphan = Node(id="a", parent_id="lost", content="", depth=1, seq=1)
    with pytest.raises(DivergedError, match="lost"):
        Tree(columns_of([orphan]))


def test_a_node_that_is_its_own_parent_is_refused() -> None:
    loop = Node(id="a", parent_id="a", content="", depth=1, seq=1)
    with pytest.raises(DivergedError, match="a stands before its parent"):
        Tree(columns_of([loop]))
