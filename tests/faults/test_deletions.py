"""A project is deleted from both stores: wherever that is cut, and whoever still writes.

Hazard: A16 (an old watermark or a late batch meets a new project of the same name).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import ConflictError, FencedError, Node, NotFoundError, Principle, Rubric
from sapwood.graph import GraphClearing, GraphWriter
from sapwood.relational import ProjectRepository

from ..held import Held

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter, Database, Graph

    from ..conftest import OpenStore, RunCypher, RunSql


async def grow(store: AsyncStorageAdapter, count: int = 1_500) -> None:
    await store.rubrics.save(Rubric(principles=(Principle(key="k"),)))
    await store.save_nodes_batch([Node(id="root", content="")])
    await store.save_nodes_batch([Node(parent_id="root", content="") for _ in range(count)])
    await store.save_state({"n": count})
    await store.branch_stats("root")
    await store.flush()


async def nothing_is_left(project_id: str, run_cypher: RunCypher, run_sql: RunSql) -> bool:
    return not any((await Held(run_sql, run_cypher, project_id).now()).values())


async def test_nothing_is_left_and_the_name_is_free(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    store = open_store()
    await grow(store)
    await store.save_nodes_batch([Node(content="pending, and dropped")])
    await store.delete_project()
    assert await nothing_is_left(project_id, run_cypher, run_sql)
    with pytest.raises(NotFoundError, match="there is no project"):
        await open_store().delete_project()
    async with open_store() as again:
        assert len((await again.load_project()).tree) == 0
        await grow(again, 3)
        assert (await again.load_project()).state == {"n": 3}


async def test_a_deletion_that_was_cut_keeps_the_name_and_is_gone_on_with(
    open_store: OpenStore,
    project_id: str,
    database: Database,
    graph: Graph,
    run_cypher: RunCypher,
    run_sql: RunSql,
) -> None:
    """After each of its steps: marked, the graph marked, half of it gone, the rows gone."""
    projects, clearing = ProjectRepository(database), GraphClearing(graph)
    for steps in range(5):
        async with open_store() as store:
            await grow(store)
        incarnation = await projects.mark_deleting(project_id)
        if steps > 0:
            await clearing.begin(project_id, incarnation, "deleting")
        if steps > 1:
            assert await clearing.step(project_id, incarnation, "deleting")
        if steps > 2:
            while await clearing.step(project_id, incarnation, "deleting"):
                pass
        if steps > 3:
            await projects.delete_rows(project_id)
        else:
            with pytest.raises(ConflictError, match="finish delete_project"):
                await open_store().load_project()
        await open_store().delete_project()
        assert await nothing_is_left(project_id, run_cypher, run_sql)


async def test_a_writer_of_a_half_deleted_project_is_not_told_of_a_restore(
    open_store: OpenStore, project_id: str, database: Database, run_sql: RunSql
) -> None:
    writer = open_store(flush_interval_s=60)
    await grow(writer, 3)
    await ProjectRepository(database).mark_deleting(project_id)
    await run_sql("DELETE FROM sapwood.journal WHERE project_id = $1", project_id)
    await writer.save_nodes_batch([Node(content="late")])
    with pytest.raises(FencedError):
        await writer.flush()
    await open_store().delete_project()
    with pytest.raises(FencedError):
        await writer.close()


async def test_a_project_made_again_before_the_old_watermark_is_gone_begins_anew(
    open_store: OpenStore, project_id: str, database: Database, graph: Graph
) -> None:
    async with open_store() as store:
        await grow(store, 3)
    incarnation = await ProjectRepository(database).mark_deleting(project_id)
    await GraphClearing(graph).begin(project_id, incarnation, "deleting")
    await ProjectRepository(database).delete_rows(project_id)
    async with open_store() as again:
        await again.save_nodes_batch([Node(id="new", content="")])
        assert (await again.flush()).applied
        await GraphClearing(graph).remove(project_id, incarnation)  # the late end of the deletion
        assert [node.id for node in (await again.load_project()).tree] == ["new"]


async def test_writers_and_readers_of_a_deleted_project_are_told_and_leave_nothing(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    owner, worker, reader = open_store(), open_store(mode="join"), open_store(mode="read")
    await grow(owner, 3)
    await worker.save_nodes_batch([Node(id="w", content="")])
    await worker.flush()
    await reader.load_project()
    await owner.save_nodes_batch([Node(content="late")])
    await worker.save_nodes_batch([Node(content="late")])
    await open_store().delete_project()
    for store in (owner, worker):
        with pytest.raises((FencedError, NotFoundError)):
            await store.flush()
        with pytest.raises((FencedError, NotFoundError)):
            await store.close()
    with pytest.raises(NotFoundError):
        await reader.load_project()
    assert await nothing_is_left(project_id, run_cypher, run_sql)


async def test_a_watermark_that_was_made_for_a_deleted_project_is_taken_back(
    open_store: OpenStore, graph: Graph, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    """Hazard A16: whoever made it asked, and heard no answer, or was killed."""
    store = open_store(flush_interval_s=60)
    await store.load_state()
    at = "SELECT incarnation FROM sapwood.project WHERE id = $1"
    ((incarnation,),) = await run_sql(at, project_id)
    await open_store().delete_project()
    await GraphWriter(graph).create_watermark(project_id, incarnation)
    assert not await nothing_is_left(project_id, run_cypher, run_sql)
    await store.save_nodes_batch([Node(content="late")])
    async with asyncio.timeout(10):
        while not await nothing_is_left(project_id, run_cypher, run_sql):
            pass
    with pytest.raises((FencedError, NotFoundError)):
        await store.close()


@pytest.mark.parametrize("mode", ["own", "join"])
async def test_a_late_writer_never_lands_in_a_project_made_again(
    open_store: OpenStore, mode: str
) -> None:
    old = open_store(mode="own" if mode == "own" else "join", flush_interval_s=60)
    await grow(old, 3)
    await old.save_nodes_batch([Node(id="late", content="")])
    await open_store().delete_project()
    new = open_store()
    await new.save_nodes_batch([Node(id="new", content="")])
    await new.flush()
    with pytest.raises(FencedError):
        await old.flush()
    with pytest.raises(NotFoundError, match="was deleted since it was opened"):
        await old.rejoin()
    with pytest.raises(FencedError):
        await old.close()
    assert [node.id for node in (await new.load_project()).tree] == ["new"]


async def test_deleting_twice_at_once_and_while_others_apply_ends_with_nothing_left(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    owner, reader = open_store(apply_wait_s=0), open_store(mode="read")
    await grow(owner, 5_000)
    reading = asyncio.create_task(reader.load_project())
    async with asyncio.timeout(60):
        await asyncio.gather(
            open_store().delete_project(), open_store().delete_project(), return_exceptions=True
        )
        await asyncio.gather(reading, return_exceptions=True)
    await asyncio.gather(owner.close(), reader.close(), return_exceptions=True)
    assert await nothing_is_left(project_id, run_cypher, run_sql)
