"""What happens by itself: items are stored after a while, and the graph follows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from sapwood import Node

if TYPE_CHECKING:
    from ...conftest import OpenStore, RunCypher


async def test_items_are_stored_by_their_age(open_store: OpenStore) -> None:
    async with open_store(flush_at=100, flush_interval_s=0.05) as store:
        await store.save_nodes_batch([Node(content="")])
        async with asyncio.timeout(10):
            while not store.counts.get("flushes"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # a user can only look
        assert store.counts["flushes"] == 1


async def test_the_graph_is_looked_up_by_the_first_save_and_not_only_by_its_flush(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Else Neo4j waits idle while the first nodes are stored."""
    at = "MATCH (w:Watermark {project_id: $project_id}) RETURN w.applied AS applied"
    async with open_store(flush_at=100, flush_interval_s=3600) as store:
        assert await run_cypher(at, project_id=project_id) == []
        await store.save_nodes_batch([Node(content="")])
        async with asyncio.timeout(10):
            while not await run_cypher(at, project_id=project_id):
                pass
        assert await run_cypher(at, project_id=project_id) == [{"applied": 0}]
        assert "flushes" not in store.counts


async def test_who_flushes_on_and_on_without_waiting_lets_the_graph_follow(
    open_store: OpenStore,
) -> None:
    async with open_store(apply_wait_s=0) as store:
        await store.save_nodes_batch([Node(content="")])
        until = time.monotonic() + 20  # a timeout of the loop would wait for its turn, too
        while not (await store.flush()).applied:
            assert time.monotonic() < until
