"""What the graph holds of a prune, whole, in part, and made again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sapwood import Node, NodeStatus, failpoints
from sapwood.settings import APPLY_ROWS
from sapwood.testing.conformance.base import chain

if TYPE_CHECKING:
    from ...conftest import OpenStore, RunCypher

ALIVE, PRUNED = NodeStatus.ALIVE, NodeStatus.PRUNED


async def test_a_batch_of_several_entries_is_stored_whole_and_found_by_its_id(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store(flush_interval_s=60)
    await store.save_nodes_batch(chain("root", "a"))
    await store.prune("a")
    await store.save_nodes_batch(chain("b", under="a"))
    await store.prune("b")
    assert (await store.flush()).seq == 4
    await store.save_nodes_batch(chain("c", under="b"))
    assert (await store.flush()).seq == 5, "the writer's last batch was found in the journal"
    await run_cypher("MATCH (n {project_id: $id}) DETACH DELETE n", id=project_id)
    tree = (await store.load_project()).tree
    assert {node.id: (node.status, node.seq) for node in tree} == {
        "root": (ALIVE, 1),
        "a": (PRUNED, 1),
        "b": (PRUNED, 3),
        "c": (ALIVE, 5),
    }


async def test_a_prune_of_more_than_a_transaction_is_applied_in_parts_and_read_whole(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Whoever applies it is stopped after the first part; whoever comes next goes on."""
    store = open_store()
    await store.save_nodes_batch([Node(id="root", content="")])
    await store.save_nodes_batch([Node(parent_id="root", content="") for _ in range(11_000)])
    assert (await store.flush()).applied
    trap = failpoints.arm(failpoints.PRUNE_AFTER_PART, "hang")
    await store.prune("root", reason="all")
    flush = asyncio.create_task(store.flush())
    await trap.sprung.wait()
    half = "MATCH (n:Pruned {project_id: $id, status: 'pruned'}) RETURN count(n) AS nodes"
    assert await run_cypher(half, id=project_id) == [{"nodes": APPLY_ROWS}]
    reader = open_store()
    assert len(await reader.alive_nodes()) == 0
    assert await run_cypher(half, id=project_id) == [{"nodes": 11_001}]
    mark = "MATCH (w:Watermark {project_id: $id}) RETURN w.under_way AS under_way"
    assert await run_cypher(mark, id=project_id) == [{"under_way": None}]
    flush.cancel()


async def test_a_read_sees_no_half_of_a_commit_that_is_several_entries(
    open_store: OpenStore,
) -> None:
    """Whoever applies it is stopped after its first entry; the read has to get over the others."""
    store, reader = open_store(flush_interval_s=60), open_store(mode="read")
    await store.save_nodes_batch(chain("a", "b", "left", "right"))
    await store.flush()
    pages = reader.iter_nodes(page=2).pages()  # of which each reads what is newer than the first
    assert (await anext(pages)).ids == ["a", "b"]
    trap = failpoints.arm(failpoints.APPLY_AFTER_COMMIT, "hang")
    await store.update_status_batch({"left": NodeStatus.COMPLETE})
    await store.prune("b")
    await store.update_status_batch({"right": NodeStatus.COMPLETE})
    flush = asyncio.create_task(store.flush())
    await trap.sprung.wait()
    statuses = [node.status for node in await anext(pages)]
    assert statuses == [NodeStatus.COMPLETE, NodeStatus.COMPLETE]
    flush.cancel()
