"""An adapter is closed, or fails to open, at a bad moment: nobody waits for ever, nothing leaks.

Hazards: D6 (a failure that nobody hears of), D7 (`close` loses items), I6.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

import sapwood
from sapwood import (
    ClosedError,
    ConflictError,
    Node,
    Principle,
    RejectedItemsError,
    Rubric,
    SapwoodError,
    UnavailableError,
)

from .cancelling import is_cancelled
from .test_outages import nodes, rig

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunSql


async def test_closing_names_what_a_racing_writer_made_impossible(open_store: OpenStore) -> None:
    """Hazard I6: without a flush, closing is the last chance to hear of it."""
    late, first = open_store(flush_interval_s=60.0), open_store()
    await late.save_nodes_batch([Node(id="same", content="late"), Node(id="other", content="")])
    await first.save_nodes_batch([Node(id="same", content="first")])
    await first.flush()
    with pytest.raises(RejectedItemsError, match="node same"):
        await late.close()
    assert sorted((await first.load_project()).tree.column("id")) == ["other", "same"]


async def test_closing_lets_a_waiting_saver_end_and_stores_all_of_its_items(
    open_store: OpenStore,
) -> None:
    store = open_store(max_pending=50)
    await store.flush()
    saver = asyncio.create_task(store.save_nodes_batch(nodes(500)))
    await asyncio.sleep(0)
    await asyncio.wait_for(store.close(), 20)
    await asyncio.wait_for(saver, 5)
    async with open_store() as again:
        assert len((await again.load_project()).tree) == 500


async def test_closing_without_postgresql_ends_whoever_waits(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, max_pending=50, close_wait_s=0.3) as it:
        await it.store.flush()
        it.postgres.refuse()
        saver = asyncio.create_task(it.store.save_nodes_batch(nodes(80)))
        flush = asyncio.create_task(it.store.flush())
        await asyncio.sleep(0)
        with pytest.raises(SapwoodError, match=r"with 50 item\(s\) not stored"):
            await it.store.close()
        done, _ = await asyncio.wait([saver, flush], timeout=5)
        assert done == {saver, flush}
        for task in done:
            assert isinstance(task.exception(), ClosedError)


async def test_a_flush_whose_task_somebody_cancelled_ends_and_says_so(
    open_store: OpenStore, project_id: str
) -> None:
    """Hazard D6: such as a program that cancels all tasks before it closes its adapters."""
    store = open_store(flush_interval_s=60.0)
    await store.flush()
    await store.save_nodes_batch(nodes(3))
    for task in asyncio.all_tasks():
        if task.get_name() == f"sapwood flush {project_id}":
            task.cancel()
    with pytest.raises(ClosedError, match=r"3 item\(s\) were not stored"):
        await asyncio.wait_for(store.flush(), 5)
    with pytest.raises(ClosedError):
        await store.close()


async def test_closing_while_it_opens_leaves_no_task_behind(open_store: OpenStore) -> None:
    before = asyncio.all_tasks()
    store = open_store()
    opening = asyncio.create_task(store.load_state())
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(ClosedError):
        await opening
    assert asyncio.all_tasks() == before


async def test_an_opening_that_fails_leaves_no_connection_behind(
    servers: Endpoints, open_store: OpenStore, project_id: str, run_sql: RunSql
) -> None:
    async with open_store() as store:
        await store.flush()
    await run_sql("UPDATE sapwood.project SET state = 'deleting' WHERE id = $1", project_id)
    name = project_id[-16:]
    url = servers.database_url.get_secret_value()
    store = sapwood.open(
        project_id,
        database_url=f"{url}{'&' if '?' in url else '?'}application_name={name}",
        neo4j_uri=servers.neo4j_uri,
        neo4j_username=servers.neo4j_username,
        neo4j_password=servers.neo4j_password.get_secret_value(),
    )
    with pytest.raises(ConflictError, match="is being deleted"):
        await store.load_state()

    async def connected() -> bool:
        found = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
        [(count,)] = await run_sql(found, name)
        return bool(count)

    async with asyncio.timeout(5):
        while await connected():  # the server takes a moment to notice
            pass


async def test_a_rubric_call_without_postgresql_ends_in_time_or_with_its_adapter(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, read_wait_s=0.3, close_wait_s=0.3) as it:
        await it.store.flush()
        it.postgres.refuse()
        with pytest.raises(UnavailableError, match=r"no answer within 0\.3 s"):
            await asyncio.wait_for(it.store.rubrics.current(), 10)
        rubric = Rubric(principles=(Principle(key="short"),))
        saver = asyncio.create_task(it.store.rubrics.save(rubric))
        await asyncio.sleep(0)
        await it.store.close()
        with pytest.raises(ClosedError):
            await asyncio.wait_for(saver, 10)


async def test_a_close_that_is_cancelled_at_any_await_ends_its_tasks(
    open_store: OpenStore, project_id: str
) -> None:
    """Hazard D7: also while it gives the graph a moment, and nothing is left to store."""
    for at in itertools.count(1):
        store = open_store(flush_interval_s=3600)
        await store.save_nodes_batch([Node(id=f"n{at}", content="")])
        cancelled = await is_cancelled(store.close(), at)
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.endswith(project_id)], f"await {at}"
        if not cancelled:
            break
