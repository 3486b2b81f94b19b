"""The store on the servers' official images: a tree is kept and read, whatever is killed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import Node, NodeStatus, Principle, PrincipleScore, Rubric, StaleReadError

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter, Receipt

    from ..conftest import OpenStore
    from .servers import Containers

pytestmark = pytest.mark.containers

BY = Rubric(
    principles=(Principle(key="close", text="near"), Principle(key="short", text="few")),
    weights={"close": 3, "short": 1},
)


def small_tree() -> list[Node]:
    root = Node(id="root", content="4 9 10 13", score=0.5, attributes={"search": "24"})
    children = [Node(id=f"child-{n}", content=f"child {n}", parent_id="root") for n in range(3)]
    return [root, *children, Node(id="leaf", content="né 日本 🌳", parent_id="child-1")]


async def flush_until(store: AsyncStorageAdapter, *, applied: bool) -> list[Receipt]:
    """Save and flush a node after the other until the graph is that far; return the receipts."""
    receipts: list[Receipt] = []
    async with asyncio.timeout(120):
        while not receipts or receipts[-1].applied != applied:
            await store.save_nodes_batch([Node(content="while it goes on")])
            receipts.append(await store.flush())
    return receipts


async def test_a_tree_is_read_as_it_was_saved(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.save_nodes_batch(small_tree())
        await store.update_status_batch({"child-0": NodeStatus.PRUNED, "leaf": NodeStatus.COMPLETE})
        receipt = await store.flush()
        assert (receipt.nodes, receipt.statuses, receipt.applied) == (5, 2, True)
    async with open_store() as store:
        assert [node.id for node in await store.path("leaf")] == ["root", "child-1", "leaf"]
        children = await store.children("root")
        assert {node.id: node.status for node in children} == {
            "child-0": NodeStatus.PRUNED,
            "child-1": NodeStatus.ALIVE,
            "child-2": NodeStatus.ALIVE,
        }
        alive = {node.id for node in await store.alive_nodes(under="root")}
        assert alive == {"root", "child-1", "child-2"}
        assert {node.id for node in await store.subtree("child-1")} == {"child-1", "leaf"}
        leaf = await store.node("leaf")
        assert (leaf.content, leaf.depth) == ("né 日本 🌳", 2)
        (root,) = (await store.load_project()).tree.roots
        assert (root.score, root.attributes) == (0.5, {"search": "24"})


async def test_scores_are_summed_up_by_the_rubric(open_store: OpenStore) -> None:
    async with open_store() as store:
        rubric = await store.rubrics.save(BY)
        await store.save_nodes_batch(small_tree())
        await store.update_scores_batch(
            PrincipleScore(node_id="leaf", principle_id=rubric[key].id, judge="a@1", score=score)
            for key, score in (("close", 1.0), ("short", 0.2))
        )
        await store.flush()
        assert (await store.node("leaf")).rubric_score == pytest.approx(0.8)
        assert (await store.node("root")).rubric_score is None


async def test_flushes_go_on_while_the_neo4j_container_is_dead_and_the_graph_follows_its_restart(
    open_store: OpenStore, containers: Containers
) -> None:
    async with open_store(apply_wait_s=0.1, read_wait_s=0.5) as store:
        receipts = await flush_until(store, applied=True)
        await asyncio.to_thread(containers.kill, "neo4j")
        receipts += await flush_until(store, applied=False)
        with pytest.raises(StaleReadError, match="safe in PostgreSQL"):
            await store.load_project()
        starting = asyncio.create_task(asyncio.to_thread(containers.start, "neo4j"))
        receipts += await flush_until(store, applied=True)
        await starting
    assert [receipt.seq for receipt in receipts] == list(range(1, len(receipts) + 1))
    async with open_store() as store:
        assert len((await store.load_project()).tree) == len(receipts)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_flush_waits_for_the_postgresql_container_and_is_stored_once(
    end: str, open_store: OpenStore, containers: Containers
) -> None:
    async with open_store() as store:
        await store.save_nodes_batch(small_tree())
        await store.flush()
        await asyncio.to_thread(getattr(containers, end), "postgres")
        await store.save_nodes_batch([Node(content="late")])  # its new id asks nothing of a server
        flush = asyncio.create_task(store.flush())
        done, _ = await asyncio.wait([flush], timeout=0.5)
        assert not done, "there is no PostgreSQL that could acknowledge it"
        await asyncio.to_thread(containers.start, "postgres")
        receipt = await asyncio.wait_for(flush, 60)
        assert (receipt.seq, receipt.nodes) == (2, 1)
        assert store.counts["flush_retries"] > 0
        assert len((await store.load_project()).tree) == 6
