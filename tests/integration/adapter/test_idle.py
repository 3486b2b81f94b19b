"""What an adapter does while nobody asks anything of it: nothing. The tests' clock is advanced."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sapwood import AsyncStorageAdapter, Database, Graph, Node

from ...clock import Clock
from ...sent import noted
from ..calls import settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

# A loop of its own for each test, as `Clock` needs it.
pytestmark = pytest.mark.asyncio(loop_scope="function")


@asynccontextmanager
async def stores(servers: Endpoints) -> AsyncGenerator[tuple[Database, Graph]]:
    auth = (servers.neo4j_username, servers.neo4j_password)
    database, graph = Database(servers.database_url), Graph(servers.neo4j_uri, auth=auth)
    await database.create_tables()
    await graph.create_schema()
    yield database, graph
    await graph.close()
    await database.close()


async def test_an_adapter_with_nothing_to_do_sends_nothing_and_never_wakes_up(
    servers: Endpoints, project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stores(servers) as (database, graph):
        with noted(database) as sent:
            modes: Any = ("own", "join", "read")
            opened = [
                AsyncStorageAdapter(database, graph, project_id=project_id, mode=mode)
                for mode in modes
            ]
            await opened[0].save_nodes_batch([Node(content="")])
            await opened[0].flush()
            for store in opened:
                await store.load_project()
                await settled(store)
            sent.clear()
            clock = Clock(monkeypatch)
            await clock.advance(3600, step=10)
            assert (sent.sql, sent.bolt, clock.set_timers) == ([], {}, 0)
            for store in opened:
                await store.close()


async def test_an_adapter_that_waits_for_neo4j_asks_every_two_seconds(
    servers: Endpoints, project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stores(servers) as (database, _):
        away = Graph("bolt://127.0.0.1:9", auth=("nobody", "nothing"))  # where nobody listens
        with noted(database) as sent:
            store = AsyncStorageAdapter(database, away, project_id=project_id, apply_wait_s=0)
            await store.save_nodes_batch([Node(content="")])
            assert not (await store.flush()).applied
            reader = asyncio.create_task(store.alive_nodes())
            clock = Clock(monkeypatch)
            await clock.advance(20, step=0.5, turns=200)
            sent.clear()
            tried = store.counts["apply_retries"]
            await clock.advance(100, step=0.5, turns=200)
            assert 1 <= store.counts["apply_retries"] - tried <= 51
            assert sent.sql == []
            closing = asyncio.gather(store.close(), reader, return_exceptions=True)
            await clock.advance(60, step=0.5)
            await closing
        await away.close()
