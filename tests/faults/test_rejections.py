"""A racing writer makes accepted items invalid: they are named, the rest is stored.

Hazards: A11 (what cannot be stored is decided before the commit), I6 (nobody is told less).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest

from sapwood import Node, NodeStatus, RejectedItemsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunSql

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND query LIKE '%sapwood.project%' AND datname = current_database()"
)


@asynccontextmanager
async def holding_the_project(servers: Endpoints, project_id: str) -> AsyncGenerator[None]:
    """Somebody else holds the project's row."""
    connection = await asyncpg.connect(servers.database_url.get_secret_value())
    try:
        async with connection.transaction():
            lock = "SELECT 1 FROM sapwood.project WHERE id = $1 FOR UPDATE"
            await connection.execute(lock, project_id)
            yield
    finally:
        await connection.close()


async def waiting(run_sql: RunSql) -> None:
    """Wait until a flush waits for the project's row."""
    async with asyncio.timeout(20):
        while not (await run_sql(WAITING))[0][0]:
            pass


async def test_a_flush_that_tells_of_an_earlier_rejection_has_stored_what_is_pending(
    open_store: OpenStore, servers: Endpoints, project_id: str, run_sql: RunSql
) -> None:
    late, first = open_store(flush_at=2, flush_interval_s=60), open_store()
    await late.save_nodes_batch([Node(id="same", content="late")])
    await first.save_nodes_batch([Node(id="same", content="first")])
    await first.flush()
    async with holding_the_project(servers, project_id):
        await late.save_nodes_batch([Node(content="fills the batch, which has to wait")])
        await waiting(run_sql)
        await late.save_nodes_batch([Node(id="pending", content="")])
    async with asyncio.timeout(20):
        while late.counts.get("flushes", 0) == 0:
            await run_sql("SELECT")
    with pytest.raises(RejectedItemsError, match="node same"):
        await late.flush()
    assert (await first.node("pending")).content == ""


async def test_what_follows_a_rejected_node_in_later_batches_is_rejected_with_it(
    open_store: OpenStore, servers: Endpoints, project_id: str, run_sql: RunSql
) -> None:
    """It was accepted as the child of this writer's node, not of the other one of that name."""
    late, first = open_store(flush_at=2, flush_interval_s=60), open_store()
    await late.save_nodes_batch([Node(id="same", content="late")])
    await first.save_nodes_batch([Node(id="same", content="first")])
    await first.flush()
    async with holding_the_project(servers, project_id):
        await late.save_nodes_batch([Node(content="fills the batch, which has to wait")])
        await waiting(run_sql)
        await late.save_nodes_batch([Node(id="child", parent_id="same", content="of late")])
        await late.save_nodes_batch([Node(id="grandchild", parent_id="child", content="of late")])
        await late.update_status_batch({"same": NodeStatus.FAILED})
        await late.save_nodes_batch([Node(id="fine", content="")])
    with pytest.raises(RejectedItemsError) as rejected:
        await late.flush()
    named = [(item.kind, item.node_id) for item in rejected.value.rejected]
    assert named == [
        ("node", "same"),
        ("node", "child"),
        ("node", "grandchild"),
        ("status", "same"),
    ]
    assert late.counts["flushes"] == 2
    tree = (await first.load_project()).tree
    assert len(tree) == 3
    assert tree["same"].status == NodeStatus.ALIVE
    assert len(tree.children("same")) == 0
    await late.save_nodes_batch([Node(id="child", parent_id="same", content="of the first's")])
    assert (await late.flush()).nodes == 1, "what is accepted later means the node that is there"
