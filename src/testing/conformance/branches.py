"""What a subtree comes to, never older than the last flush."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from ...errors import NotFoundError, ValidationError
from ...model import Node, NodeStatus, Principle, PrincipleScore, Rubric
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
                    exact = sum(Fraction(-value) for value, _ in scored) / len(scored)
                    assert stats.mean == float(exact)
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

    async def test_the_mean_is_exact_but_for_one_rounding(self, open_store: OpenStore) -> None:
        huge, tiny = 1.7976931348623157e308, 5e-324
        scores = [huge, huge, 1e300, 0.1, 0.1, 0.1, tiny, -0.0]
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="root", content="")])
            for at, score in enumerate(scores):
                child = Node(id=f"n{at}", parent_id="root", content="", score=score)
                await store.save_nodes_batch([child])
                stats = await store.branch_stats("root")
                mean = sum(map(Fraction, scores[: at + 1])) / (at + 1)
                assert (stats.mean, stats.best_node_id) == (float(mean), "n0")
            for at in range(len(scores)):
                half = Node(id=f"n{at}", parent_id="root", content="", score=0.5)
                await store.save_nodes_batch([half])
            assert (await store.branch_stats("root")).mean == 0.5

    async def test_when_the_best_gets_worse_the_next_is_found(self, open_store: OpenStore) -> None:
        def node(name: str, parent: str | None, score: float | None) -> Node:
            return Node(id=name, parent_id=parent, content="", score=score)

        async with open_store() as store:
            await store.save_nodes_batch([node("root", None, None), node("deep", "root", 0.1)])
            await store.save_nodes_batch([node(f"n{at}", "deep", at / 8) for at in range(8)])
            await store.save_nodes_batch([node("aside", "root", 0.75)])
            for at, then in ((7, "aside"), (6, "aside")):
                await store.branch_stats("root")
                await store.save_nodes_batch([node(f"n{at}", "deep", -1.0)])
                assert (await store.branch_stats("root")).best_node_id == then
            assert (await store.branch_stats("deep")).best_node_id == "n5"
            await store.save_nodes_batch([node("aside", "root", None)])
            stats = await store.branch_stats("root")
            assert (stats.best, stats.best_node_id) == (5 / 8, "n5")

    async def test_prunes_count_at_their_place_among_the_other_writes(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="root", content="")])
            await store.save_nodes_batch(
                [Node(id=f"n{at}", parent_id="root", content="") for at in range(4)]
            )
            await store.branch_stats("root")
            await store.update_status_batch({"n0": NodeStatus.COMPLETE})
            await store.prune("root")
            await store.update_status_batch({"n1": NodeStatus.ALIVE, "n2": NodeStatus.FAILED})
            await store.prune("n1")
            await store.save_nodes_batch([Node(id="n1.0", parent_id="n1", content="")])
            stats = await store.branch_stats("root")
            assert (stats.nodes, stats.alive, stats.leaves) == (6, 1, 4)

    async def test_rubric_scores_are_counted_apart(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="k"),)))
            await store.save_nodes_batch([Node(id="root", content="", score=1.0)])
            await store.save_nodes_batch([Node(id="a", parent_id="root", content="")])
            given = PrincipleScore(
                node_id="a", principle_id=rubric["k"].id, judge="j@1", score=0.25
            )
            await store.update_scores_batch([given])
            stats = await store.branch_stats("root", key="rubric_score")
            assert (stats.scored, stats.mean, stats.best_node_id) == (1, 0.25, "a")
            assert (await store.branch_stats("root")).best_node_id == "root"

    async def test_a_loaded_project_has_the_stats_of_every_branch(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch(some_nodes(40))
            loaded = await store.load_project()
            for node in some_nodes(40):
                assert loaded.stats[node.id] == await store.branch_stats(node.id)
                by_rubric = await store.branch_stats(node.id, key="rubric_score")
                assert loaded.stats.of(node.id, key="rubric_score") == by_rubric
            few = await store.load_project(fields=["score"])
            assert few.stats["n000"] == loaded.stats["n000"]
            with pytest.raises(ValidationError, match="rubric_score"):
                few.stats.of("n000", key="rubric_score")
