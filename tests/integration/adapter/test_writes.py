"""What an orchestrator saves is what it loads; what cannot be stored is refused by name."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from sapwood import (
    ConflictError,
    Node,
    NodeStatus,
    NotFoundError,
    Principle,
    PrincipleScore,
    Rubric,
    ValidationError,
    new_id,
)

if TYPE_CHECKING:
    from ...conftest import OpenStore


def as_saved(node: Node) -> dict[str, Any]:
    return node.model_dump(exclude={"depth", "seq", "rubric_score"})


def random_tree(size: int, seed: int) -> list[Node]:
    rng = random.Random(seed)
    nodes: list[Node] = []
    for number in range(size):
        parent = rng.choice(nodes).id if nodes and rng.random() < 0.95 else None
        nodes.append(
            Node(
                parent_id=parent,
                content=f"ünïcode {number}\n" * rng.randrange(3),
                attributes={"nested": {"list": [1, 2.5, None, "x"]}} if number % 3 else {},
                score=rng.choice([None, 0.1, -1e300, 5e-324]),
                status=rng.choice(list(NodeStatus)),
                status_reason=rng.choice([None, "why"]),
                iteration=number // 10,
            )
        )
    return nodes


async def test_a_tree_saved_in_any_order_is_loaded_as_it_was(open_store: OpenStore) -> None:
    nodes = random_tree(300, seed=1)
    shuffled = random.Random(2).sample(nodes, len(nodes))
    async with open_store() as store:
        await store.save_nodes_batch(shuffled)
        receipt = await store.flush()
        assert (receipt.nodes, receipt.applied, receipt.rejected) == (300, True, ())
        tree = (await store.load_project()).tree
    assert len(tree) == 300
    for node in nodes:
        found = tree[node.id]
        assert as_saved(found) == as_saved(node)
        assert found.depth == (0 if node.parent_id is None else tree.depth(node.parent_id) + 1)
        assert found.seq is not None


async def test_saving_the_same_nodes_again_stores_nothing_twice(open_store: OpenStore) -> None:
    nodes = random_tree(50, seed=3)
    async with open_store() as store:
        await store.save_nodes_batch(nodes)
        await store.flush()
    async with open_store() as store:
        await store.save_nodes_batch(nodes)
        await store.flush()
        assert len((await store.load_project()).tree) == 50


async def test_a_known_node_changes_only_the_fields_that_were_set(open_store: OpenStore) -> None:
    node = Node(content="a", score=1.0, attributes={"k": 1})
    async with open_store() as store:
        await store.save_nodes_batch([node])
        await store.flush()
        await store.save_nodes_batch([Node(id=node.id, content="a", status=NodeStatus.COMPLETE)])
        found = await store.node(node.id)
    assert (found.score, found.attributes, found.status) == (1.0, {"k": 1}, NodeStatus.COMPLETE)


async def test_a_known_id_with_other_content_or_parent_is_refused_whole(
    open_store: OpenStore,
) -> None:
    root, other = Node(content="root"), Node(content="other root")
    async with open_store() as store:
        await store.save_nodes_batch([root, other])
        for changed in (
            Node(id=root.id, content="changed"),
            Node(id=root.id, content="root", parent_id=other.id),
        ):
            with pytest.raises(ConflictError, match=root.id):
                await store.save_nodes_batch([Node(content="not queued"), changed])
        await store.flush()
    async with open_store() as store:  # now they are known to the register alone
        with pytest.raises(ConflictError, match=root.id):
            await store.save_nodes_batch([Node(id=root.id, content="changed")])
        assert len((await store.load_project()).tree) == 2


GOOD = Node(id="good", content="good")
BAD = {
    "orphan": Node(id="bad", content="", parent_id=new_id()),
    "NUL": Node(id="bad", content="a\0"),
    "lone surrogate": Node(id="bad", content="\ud800"),
    "NaN": Node(id="bad", content="", score=math.nan),
    "wide integer": Node(id="bad", content="", iteration=2**63),
    "10 MB": Node(id="bad", content="x" * 10_000_000),
    "own parent": Node(id="bad", parent_id="bad", content=""),
    "other content": Node(id="good", content="other"),
    "other parent": Node(id="good", content="good", parent_id="elsewhere"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_one_bad_node_refuses_its_call_and_loses_nothing_else(
    kind: str, open_store: OpenStore
) -> None:
    bad = BAD[kind]
    async with open_store() as store:
        await store.save_nodes_batch([GOOD])
        with pytest.raises((ValidationError, NotFoundError, ConflictError), match=bad.id):
            await store.save_nodes_batch([Node(content="also in the call"), bad])
        await store.save_nodes_batch([Node(content="after", parent_id=GOOD.id)])
        receipt = await store.flush()
        assert receipt.nodes == 2
        contents = sorted(node.content for node in (await store.load_project()).tree)
    assert contents == ["after", "good"]


async def test_a_parent_in_another_project_is_no_parent(open_store: OpenStore) -> None:
    root = Node(content="root")
    async with open_store() as one, open_store(f"{one.project_id[:50]}.two") as two:
        await one.save_nodes_batch([root])
        await one.flush()
        with pytest.raises(NotFoundError, match=root.id):
            await two.save_nodes_batch([Node(content="", parent_id=root.id)])


async def test_statuses_change_any_way_and_the_last_one_wins(open_store: OpenStore) -> None:
    node, child = Node(content=""), Node(content="")
    async with open_store() as store:
        await store.save_nodes_batch([node, child])
        await store.update_status_batch({node.id: NodeStatus.PRUNED}, reason="dull")
        await store.flush()
        assert (await store.node(node.id)).status_reason == "dull"
        await store.update_status_batch({node.id: NodeStatus.FAILED})
        await store.update_status_batch({node.id: NodeStatus.ALIVE, child.id: NodeStatus.COMPLETE})
        found = await store.node(node.id)
        assert (found.status, found.status_reason) == (NodeStatus.ALIVE, None)
        with pytest.raises(NotFoundError, match="nowhere"):
            await store.update_status_batch(
                {node.id: NodeStatus.PRUNED, "nowhere": NodeStatus.PRUNED}
            )
        assert (await store.node(node.id)).status == NodeStatus.ALIVE


async def test_the_rubric_score_follows_once_every_principle_has_one(
    open_store: OpenStore,
) -> None:
    node = Node(content="")
    async with open_store() as store:
        rubric = await store.rubrics.save(
            Rubric(principles=(Principle(key="a"), Principle(key="b")), weights={"a": 3.0})
        )
        await store.save_nodes_batch([node])

        def score(key: str, number: float, judge: str = "j@1") -> PrincipleScore:
            principle = rubric[key].id
            return PrincipleScore(
                node_id=node.id, principle_id=principle, judge=judge, score=number
            )

        await store.update_scores_batch([score("a", 1.0), score("a", 0.0, "other@1")])
        assert (await store.node(node.id)).rubric_score is None
        await store.update_scores_batch([score("b", 0.0)])
        receipt = await store.flush()
        assert receipt.scores == 3, "since the last receipt, reads that flushed included"
        assert (await store.node(node.id)).rubric_score == 0.75
        loaded = await store.load_project()
    assert loaded.rubric is not None
    assert loaded.rubric.version == 1
    assert loaded.project.judge == "j@1"
    assert len(loaded.scores) == 3


async def test_a_score_for_an_unknown_node_or_principle_is_refused_by_name(
    open_store: OpenStore,
) -> None:
    node = Node(content="")
    async with open_store() as store:
        await store.save_nodes_batch([node])
        with pytest.raises(NotFoundError, match="no-principle"):
            await store.update_scores_batch(
                [PrincipleScore(node_id=node.id, principle_id="no-principle", judge="j", score=1.0)]
            )
        receipt = await store.flush()
    assert receipt.scores == 0


async def test_the_orchestrators_state_is_kept_with_the_flush(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.load_state() is None
        await store.save_state({"round": 1})
        await store.save_state({"round": 2, "seeds": [1, 2**62]})
    async with open_store() as store:
        assert await store.load_state() == {"round": 2, "seeds": [1, 2**62]}
        assert (await store.load_project()).state == {"round": 2, "seeds": [1, 2**62]}


async def test_a_flush_with_nothing_pending_says_where_the_journal_is(
    open_store: OpenStore,
) -> None:
    async with open_store() as store:
        assert (await store.flush()).seq == 0
        await store.save_nodes_batch([Node(content="")])
        assert (await store.flush()).seq == 1
        again = await store.flush()
    assert (again.seq, again.nodes, again.applied) == (1, 0, True)


async def test_fifty_flushes_at_once_are_one_transaction(open_store: OpenStore) -> None:
    """Hazard D3."""
    async with open_store(flush_at=1000) as store:
        await store.save_nodes_batch([Node(content=str(i)) for i in range(100)])
        receipts = await asyncio.gather(*(store.flush() for _ in range(50)))
        assert {receipt.nodes for receipt in receipts} == {100}
        assert store.counts["flushes"] == 1


async def test_items_flush_by_count_by_age_and_by_bytes(open_store: OpenStore) -> None:
    async def flushed(count: int, content: str, **options: Any) -> int:
        async with open_store(new_id(), **options) as store:
            await store.save_nodes_batch([Node(content=content) for _ in range(count)])
            async with asyncio.timeout(10):
                while not store.counts.get("flushes"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # a user can only look
            return store.counts["flushes"]

    assert await flushed(10, "", flush_at=10, flush_interval_s=60.0) == 1
    assert await flushed(1, "", flush_at=100, flush_interval_s=0.05) == 1
    assert await flushed(5, "x" * 1_000_000, flush_at=100, flush_interval_s=60.0) == 1


async def test_a_cancelled_saver_stops_only_its_waiting(open_store: OpenStore) -> None:
    """Hazard D1."""
    nodes = [Node(content=str(i)) for i in range(100)]
    async with open_store() as store:
        await store.save_nodes_batch(nodes)
        for _ in range(20):
            flush = asyncio.create_task(store.flush())
            await asyncio.sleep(0)
            flush.cancel()
            await asyncio.gather(flush, return_exceptions=True)
        assert len((await store.load_project()).tree) == 100


async def test_close_stores_what_is_pending_and_may_be_called_twice(
    open_store: OpenStore,
) -> None:
    """Hazard D7."""
    store = open_store(flush_at=100, flush_interval_s=60.0)
    await store.save_nodes_batch([Node(content=str(i)) for i in range(250)])
    await store.close()
    await store.close()
    async with open_store() as again:
        assert len((await again.load_project()).tree) == 250
