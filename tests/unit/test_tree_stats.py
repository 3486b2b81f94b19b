"""The stats of a loaded tree against a plain count of the same columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood.branches import BRANCH_FIELDS, branch_stats
from sapwood.errors import NotFoundError, ValidationError
from sapwood.model import Node
from sapwood.nodes import SCORES, Columns
from sapwood.tree import TREE_FIELDS, Tree
from sapwood.tree_stats import TreeStats

from .test_tree import columns_of, woods

NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(woods(), st.data())
def test_every_branch_is_counted_as_by_a_plain_count(
    nodes: list[Node], data: st.DataObject
) -> None:
    drawn = [node.model_copy(update={"score": data.draw(NUMBERS)}) for node in nodes]
    columns = columns_of(drawn)
    tree = Tree(columns)
    stats = TreeStats(tree)
    for node_id in columns["id"]:
        below = tree.subtree(node_id)
        for key in SCORES:
            branch = Columns({name: below.column(name) for name in (*BRANCH_FIELDS, key)})
            assert stats.of(node_id, key=key) == branch_stats(node_id, branch, key)
        assert stats[node_id] == stats.of(node_id)


def test_a_chain_of_ten_thousand_is_no_recursion() -> None:
    chain: list[Node] = []
    for depth in range(10_000):
        parent = chain[-1].id if chain else None
        node_id = f"{depth:05}"
        chain.append(Node(id=node_id, parent_id=parent, content="", depth=depth, score=0.1, seq=1))
    found = TreeStats(Tree(columns_of(chain)))["00000"]
    assert (found.nodes, found.leaves, found.max_depth) == (10_000, 1, 9_999)
    assert (found.mean, found.best_node_id) == (0.1, "00000")


def test_a_column_that_was_left_out_is_named() -> None:
    whole = columns_of([Node(id="a", content="", depth=0, score=0.5, seq=1)])
    names = (*TREE_FIELDS, "score")
    stats = TreeStats(Tree(Columns({name: whole[name] for name in names})))
    assert stats["a"].mean == 0.5
    with pytest.raises(ValidationError, match="rubric_score"):
        stats.of("a", key="rubric_score")
    with pytest.raises(ValidationError, match="key"):
        stats.of("a", key="depth")  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(NotFoundError, match="nobody"):
        stats["nobody"]
