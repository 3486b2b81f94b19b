"""What a subtree comes to, never older than the last flush."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING

import pytest

from ...errors import NotFoundError
from ...model import Node, NodeStatus
from .base import Conformance

if TYPE_CHECKING:
    from .base import OpenStore


def some_nodes(count: int) -> list[Node]:
    """Nodes with every status, some without a score, many with an equal one."""
    rng = random.Random(24)
    return [
        Node(
            id=f"n{n:03}",
            parent_id=f"n{rng.randrange(n):03}" if n else None,
            content="",
            score=rng.choice([None, 0.25, 0.5, 1.0, -3.0]),
            status=rng.choice(list(NodeStatus)),
        )
        for n in range(count)
    ]


class BranchesConformance(Conformance):
    """`branch_stats`."""

    async def test_the_stats_are_those_of_a_plain_count_under_every_node(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch(some_nodes(80))
            for top in some_nodes(80)[::7]:
                below = list(await store.subtree(top.id))
                parents = {node.parent_id for node in below}
                scored = sorted((-node.score, node.id) for node in below if node.score is not None)
                stats = await store.branch_stats(top.id)
                assert stats.node_id == top.id
                assert stats.nodes == len(below)
                assert stats.alive == sum(node.status == NodeStatus.ALIVE for node in below)
                assert stats.leaves == sum(node.id not in parents for node in below)
                assert stats.max_depth == max(node.depth or 0 for node in below)
                assert stats.scored == len(scored)
                if scored:
                    mean = statistics.fmean(-value for value, _ in scored)
                    assert stats.mean == pytest.approx(mean)
                    assert (stats.best, stats.best_node_id) == (-scored[0][0], scored[0][1])
                else:
                    assert (stats.mean, stats.best, stats.best_node_id) == (None, None, None)

    async def test_the_stats_follow_every_flush(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="root", content="", score=0.5)])
            first = await store.branch_stats("root")
            assert (first.nodes, first.alive, first.mean) == (1, 1, 0.5)
            await store.save_nodes_batch([Node(id="a", parent_id="root", content="", score=0.7)])
            await store.prune("a")
            then = await store.branch_stats("root")
            assert (then.nodes, then.alive, then.leaves, then.max_depth) == (2, 1, 1, 1)
            assert (then.best, then.best_node_id) == (0.7, "a")
            assert (await store.branch_stats("root", key="rubric_score")).scored == 0
            with pytest.raises(NotFoundError, match="node nobody"):
                await store.branch_stats("nobody")
