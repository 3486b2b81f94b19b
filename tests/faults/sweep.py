"""One run of the scenario with one thing going wrong at one message, and what is held after it."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from sapwood import AsyncStorageAdapter, Database, Graph, UnavailableError

from .addresses import neo4j_place, neo4j_through, postgres_place, postgres_through
from .framing import BoltFraming, PostgresFraming
from .interceptor import Interceptor
from .scenario import held, search

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

    from .interceptor import Direction, Fault

Server = Literal["postgresql", "neo4j"]
SERVERS: Final[tuple[Server, ...]] = ("postgresql", "neo4j")
PATIENCE_S: Final = 1.0
"""Timeout of statements and transactions, so that a hanging connection does not take a minute."""
LONGEST_S: Final = 60.0


@dataclass(frozen=True)
class Run:
    """What came of one run.

    Attributes:
        seen: Messages by server and direction.
        happened: Whether the fault took place.
        seconds: How long the search took.
        held: What is stored after it; see `scenario.held`.
    """

    seen: dict[tuple[Server, Direction], int]
    happened: bool
    seconds: float
    held: dict[str, Any]


@asynccontextmanager
async def _behind(
    servers: Endpoints, project_id: str, faults: dict[Server, Fault]
) -> AsyncGenerator[tuple[AsyncStorageAdapter, dict[Server, Interceptor]]]:
    postgres = Interceptor(*postgres_place(servers), PostgresFraming, faults.get("postgresql"))
    neo4j = Interceptor(*neo4j_place(servers), BoltFraming, faults.get("neo4j"))
    async with postgres, neo4j:
        db = Database(
            postgres_through(servers, postgres.port),
            statement_timeout_s=PATIENCE_S,
            connect_timeout_s=PATIENCE_S,
        )
        graph = Graph(
            neo4j_through(neo4j.port),
            auth=(servers.neo4j_username, servers.neo4j_password),
            timeout_s=PATIENCE_S,
            connect_timeout_s=PATIENCE_S,
            acquire_timeout_s=PATIENCE_S,
        )
        try:
            store = AsyncStorageAdapter(db, graph, project_id=project_id, flush_interval_s=3600)
            await _open(store)
            async with store:
                yield store, {"postgresql": postgres, "neo4j": neo4j}
        finally:
            await graph.close()
            await db.close()


async def _open(store: AsyncStorageAdapter) -> None:
    """Open it as a program would that waits for its server: opening tries only once."""
    while True:
        with contextlib.suppress(UnavailableError):
            await store.load_state()
            return


async def run(
    servers: Endpoints, clean: tuple[Database, Graph], project_id: str, faults: dict[Server, Fault]
) -> Run:
    """Search through proxies, with faults; then look at what is stored, without.

    Args:
        clean: The same stores, reached directly.
        faults: At most one for each server.
    """
    began = monotonic()
    async with asyncio.timeout(LONGEST_S):
        async with _behind(servers, project_id, faults) as (store, proxies):
            await search(store)
        seconds = monotonic() - began
    async with AsyncStorageAdapter(*clean, project_id=project_id, mode="read") as reader:
        found = await held(reader)
    return Run(
        {(name, way): proxies[name].seen[way] for name in SERVERS for way in proxies[name].seen},
        any(proxy.happened for proxy in proxies.values()),
        seconds,
        found,
    )
