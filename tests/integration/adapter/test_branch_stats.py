"""What a subtree comes to, never older than the last flush."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING

import pytest

from sapwood import BranchStats, Node, NodeStatus, NotFoundError

if TYPE_CHECKING:
    from ...conftest import OpenStore


async def test_the_stats_are_those_of_a_plain_count_under_every_node(
    open_store: OpenStore,
) -> None:
    rng = random.Random(24)
    nodes = [
        Node(
            id=f"n{n:03}",
            parent_id=f"n{rng.randrange(n):03}" if n else None,
            content="",
            score=rng.choice([None, 0.25, 0.5, 1.0, -3.0]),
            status=rng.choice(list(NodeStatus)),
        )
        for n in range(120)
    ]
    store = open_store()
    await store.save_nodes_batch(nodes)
    tree = (await store.load_project()).tree
    for top in nodes[::10]:
        below = list(tree.subtree(top.id))
        parents = {node.parent_id for node in below}
        scores = [node.score for node in below if node.score is not None]
        best = max(scores, default=None)
        wanted = BranchStats(
            node_id=top.id,
            nodes=len(below),
            alive=sum(node.status == NodeStatus.ALIVE for node in below),
            leaves=sum(node.id not in parents for node in below),
            max_depth=max(node.depth or 0 for node in below),
            scored=len(scores),
            mean=statistics.fmean(scores) if scores else None,
            best=best,
            best_node_id=min((node.id for node in below if node.score == best), default=None)
            if scores
            else None,
        )
        found = await store.branch_stats(top.id)
        assert found.model_copy(update={"mean": None}) == wanted.model_copy(update={"mean": None})
        assert found.mean == (None if wanted.mean is None else pytest.approx(wanted.mean))


async def test_the_stats_follow_every_flush(open_store: OpenStore) -> None:
    store = open_store()
    await store.save_nodes_batch([Node(id="root", content="", score=0.5)])
    first = await store.branch_stats("root")
    assert (first.nodes, first.alive, first.mean, first.best_node_id) == (1, 1, 0.5, "root")
    await store.save_nodes_batch([Node(id="a", parent_id="root", content="", score=0.7)])
    await store.prune("a")
    then = await store.branch_stats("root")
    assert (then.nodes, then.alive, then.leaves, then.max_depth) == (2, 1, 1, 1)
    assert (then.best, then.best_node_id) == (0.7, "a")
    unjudged = await store.branch_stats("root", key="rubric_score")
    assert (unjudged.scored, unjudged.mean, unjudged.best) == (0, None, None)
    with pytest.raises(NotFoundError, match="node nobody"):
        await store.branch_stats("nobody")
