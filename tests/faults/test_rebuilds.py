"""A graph is cleared and made again: whoever is killed meanwhile, and whoever comes in between.

Hazards: A8 (an older or wiped graph), A16 (a deletion is no transaction), A19.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import Node
from sapwood.graph import GraphClearing

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter, Graph

    from ..conftest import OpenStore, RunCypher, RunSql

STATE = "MATCH (w:Watermark {project_id: $id}) RETURN w.state AS state, w.applied AS applied"


async def grow(store: AsyncStorageAdapter, count: int = 2_500) -> list[str]:
    """Save a root, `count` children and a pruned one; return the loaded tree's lines."""
    await store.save_nodes_batch([Node(id="root", content="root")])
    await store.save_nodes_batch(
        [Node(id=f"n{n}", parent_id="root", content=str(n)) for n in range(count)]
    )
    await store.prune("n7", reason="dull")
    await store.flush()
    return await lines(store)


async def lines(store: AsyncStorageAdapter) -> list[str]:
    return [node.model_dump_json() for node in (await store.load_project()).tree]


async def test_a_rebuilt_graph_is_the_same_and_what_was_edited_is_gone(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store()
    before = await grow(store)
    await run_cypher(
        "MATCH (n:Node {project_id: $id, id: 'n1'}) SET n.content = 'edited'"
        " CREATE (n)-[:PARENT_OF]->(:Node {project_id: $id, id: 'foreign'})",
        id=project_id,
    )
    await store.rebuild_graph()
    assert await lines(store) == before
    await store.save_nodes_batch([Node(content="later")])
    assert (await store.flush()).applied


async def test_nodes_without_a_watermark_are_cleared_and_made_again(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Nobody knows what they stand for; the journal does."""
    async with open_store() as store:
        before = await grow(store, 20)
    await run_cypher("MATCH (w:Watermark {project_id: $id}) DELETE w", id=project_id)
    assert await lines(open_store()) == before


async def test_a_clearing_that_was_left_half_way_is_ended_by_the_next_contact(
    open_store: OpenStore, graph: Graph, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    async with open_store() as store:
        before = await grow(store)
    [(incarnation,)] = await run_sql(
        "SELECT incarnation FROM sapwood.project WHERE id = $1", project_id
    )
    clearing = GraphClearing(graph)
    assert await clearing.begin(project_id, incarnation, "clearing")
    assert await clearing.step(project_id, incarnation, "clearing")
    nodes = "MATCH (n:Node {project_id: $id}) RETURN count(n) AS nodes"
    assert await run_cypher(nodes, id=project_id) == [{"nodes": 1_501}]
    assert await lines(open_store()) == before
    assert (await run_cypher(STATE, id=project_id))[0]["state"] == "open"


async def test_a_late_step_of_an_ended_clearing_deletes_nothing(
    open_store: OpenStore, graph: Graph, project_id: str, run_sql: RunSql
) -> None:
    store = open_store()
    before = await grow(store, 20)
    [(incarnation,)] = await run_sql(
        "SELECT incarnation FROM sapwood.project WHERE id = $1", project_id
    )
    clearing = GraphClearing(graph)
    assert not await clearing.step(project_id, incarnation, "clearing")
    await clearing.open(project_id, incarnation)
    await clearing.begin(project_id, incarnation, "clearing")
    assert not await clearing.step(project_id, "of another creation", "clearing")
    assert await lines(store) == before


async def test_rebuilds_reads_and_writes_of_several_processes_may_overlap(
    open_store: OpenStore,
) -> None:
    store, others = open_store(), [open_store() for _ in range(3)]
    before = await grow(store, 600)

    async def read(other: AsyncStorageAdapter) -> None:
        for _ in range(5):
            assert (await lines(other))[: len(before)] == before

    async def write() -> None:
        for number in range(20):
            await store.save_nodes_batch([Node(id=f"z{number}", parent_id="n1", content="")])
            await store.flush()

    async with asyncio.timeout(120):
        await asyncio.gather(
            write(),
            *(read(other) for other in others),
            *(other.rebuild_graph() for other in others),
        )
    assert len(await lines(store)) == len(before) + 20


@pytest.mark.parametrize("applied", [0, 3])
async def test_a_graph_of_another_creation_is_taken_over_only_if_it_holds_nothing(
    applied: int, open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    await run_cypher(
        "CREATE (:Watermark {project_id: $id, applied: $applied, chain: '', state: 'open',"
        " incarnation: 'of a project that is gone'})",
        id=project_id,
        applied=applied,
    )
    store = open_store()
    await store.save_nodes_batch([Node(content="")])
    if applied == 0:
        assert (await store.flush()).applied
        return
    with pytest.raises(Exception, match=r"another project of this name.*rebuild_graph\(\)"):
        await store.flush()
    await store.rebuild_graph()
    assert len(await lines(store)) == 1
