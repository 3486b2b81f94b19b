"""What the demo claims is checked: a tree with a node missing, double or changed ends it."""

from __future__ import annotations

from collections import deque
from typing import Any

import orjson
import pytest
from demo import check_judged, check_kept, check_same, check_unbroken
from demo_report import rate
from game24 import ALGORITHMS, describe, grow
from puzzle24 import decode, encode, puzzles

from sapwood import Node, NodeStatus, NotFoundError, Tree
from sapwood.integrations._treequest_records import Codec, to_node, to_root
from sapwood.integrations._treequest_replay import tells_since
from sapwood.nodes import FIELDS, Columns

PUZZLE = puzzles()[926]
ITERATIONS = 60


def tree_of(nodes: list[Node]) -> Tree:
    rows = [node.model_dump() for node in nodes]
    for row in rows:
        row["attributes"] = orjson.dumps(row["attributes"]).decode()
        row["created_at"] = int(row["created_at"].timestamp() * 1e6)
        row["depth"] = row["seq"] = 0
    return Tree(Columns({name: [row[name] for row in rows] for name in FIELDS}))


@pytest.fixture(scope="module")
def nodes() -> list[Node]:
    """The nodes of an unbroken search."""
    algorithm = ALGORITHMS["standard-mcts"]()
    state: Any = deque(grow(algorithm, algorithm.init_tree(), PUZZLE, ITERATIONS), maxlen=1).pop()
    codec = Codec(encode, decode)
    tells = tells_since(algorithm, state, state.tree.get_nodes()[1:])
    made = [to_node(PUZZLE.name, told, codec, describe(told.state)) for told in tells]
    return [to_root(PUZZLE.name, PUZZLE.numbers, "StandardMCTS", {}), *made]


def lines(nodes: list[Node]) -> list[dict[str, Any]]:
    return [node.model_dump(include={"id", "parent_id", "content"}) for node in nodes]


def changed(nodes: list[Node], **fields: Any) -> list[Node]:
    return [*nodes[:-1], nodes[-1].model_copy(update=fields)]


def test_the_unbroken_tree_passes_every_check(nodes: list[Node]) -> None:
    tree = tree_of(nodes)
    check_kept(tree, lines(nodes))
    check_same(tree_of(nodes[:30]), tree)
    assert check_unbroken(tree, PUZZLE, ITERATIONS) == ITERATIONS
    made, per_second = rate(tree_of(nodes[:30]), tree)
    assert made == len(nodes) - 30
    assert per_second > 0


def test_a_missing_node_is_noticed(nodes: list[Node]) -> None:
    tree = tree_of(nodes[:-1])
    with pytest.raises(NotFoundError):
        check_kept(tree, lines(nodes))
    with pytest.raises(NotFoundError):
        check_same(tree_of(nodes), tree)
    with pytest.raises(SystemExit, match=r"missing \['rank-926.59'\], too many \[\]"):
        check_unbroken(tree, PUZZLE, ITERATIONS)


def test_a_node_too_many_is_noticed(nodes: list[Node]) -> None:
    again = nodes[-1].model_copy(update={"id": "rank-926.60"})
    with pytest.raises(SystemExit, match=r"missing \[\], too many \['rank-926.60'\]"):
        check_unbroken(tree_of([*nodes, again]), PUZZLE, ITERATIONS)


def test_a_changed_node_is_noticed(nodes: list[Node]) -> None:
    other = tree_of(changed(nodes, content="24"))
    with pytest.raises(SystemExit, match=r"rank-926\.59 changed"):
        check_kept(other, lines(nodes))
    with pytest.raises(SystemExit, match=r"rank-926\.59 changed"):
        check_same(tree_of(nodes), tree_of(changed(nodes, status=NodeStatus.FAILED)))
    with pytest.raises(SystemExit):
        check_unbroken(tree_of(changed(nodes, score=0.123)), PUZZLE, ITERATIONS)


def test_a_node_that_was_not_judged_is_noticed(nodes: list[Node]) -> None:
    judged = [node.model_copy(update={"rubric_score": 0.5}) for node in nodes]
    check_judged(tree_of(judged))
    with pytest.raises(SystemExit, match=r"not judged by every principle: \['rank-926\.59'\]"):
        check_judged(tree_of(changed(judged, rubric_score=None)))
