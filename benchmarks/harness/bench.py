"""What all cases share: both stores, plain connections to both, and data that was made once."""

from __future__ import annotations

import contextlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from neo4j import AsyncGraphDatabase

from sapwood import AsyncStorageAdapter, Database, Graph, NotFoundError, new_id
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path
    from typing import Unpack

    from neo4j import AsyncDriver

    from sapwood.servers import Endpoints
    from sapwood.settings import Mode, Options

T = TypeVar("T")
CLEAR = """
MATCH (n:Node {project_id: $p}) WHERE n.id IS NOT NULL
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 2000 ROWS
"""


@dataclass
class Bench:
    """The servers of one run.

    Attributes:
        at: Where they are.
        folder: Where they keep their data; what is written to the same disk goes there.
        db, graph: Sapwood's own connections, with both schemas.
        driver: A plain Neo4j driver.
        pg: A plain asyncpg connection.
        full: Whether this is `make bench-full`.
        stack: Is closed at the end of the run.
    """

    at: Endpoints
    folder: Path
    db: Database
    graph: Graph
    driver: AsyncDriver
    pg: asyncpg.Connection
    full: bool
    stack: AsyncExitStack
    _made: dict[str, Any] = field(default_factory=dict[str, Any])

    async def once(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` gave the first time that it was asked for under this key."""
        if key not in self._made:
            self._made[key] = await make()
        return self._made[key]  # type: ignore[no-any-return]

    def open(
        self, project_id: str | None = None, *, mode: Mode = "own", **options: Unpack[Options]
    ) -> AsyncStorageAdapter:
        """Return an adapter, of a project of its own if none is named."""
        name = project_id or f"bench.{new_id()}"
        return AsyncStorageAdapter(self.db, self.graph, project_id=name, mode=mode, **options)

    @asynccontextmanager
    async def project(self, **options: Unpack[Options]) -> AsyncGenerator[AsyncStorageAdapter]:
        """Lend a project of its own, which is deleted at the end."""
        store = self.open(**options)
        async with store:
            await store.flush()
            yield store
        with contextlib.suppress(NotFoundError):
            await self.open(store.project_id).delete_project()

    async def cypher(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """Run a statement with the plain driver, in a transaction of its own; return the rows."""
        async with self.driver.session(database=self.at.neo4j_database) as session:
            result = await session.run(statement, parameters)  # pyright: ignore[reportArgumentType]
            return await result.values()

    async def clear(self, project_id: str) -> None:
        """Delete the nodes that a plain driver wrote."""
        await self.cypher(CLEAR, p=project_id)

    async def neo4j_version(self) -> str:
        rows = await self.cypher("CALL dbms.components() YIELD versions RETURN versions[0]")
        return str(rows[0][0])

    async def pg_version(self) -> str:
        return str(await self.pg.fetchval("SHOW server_version")).partition(" ")[0]


@asynccontextmanager
async def open_bench(name: str, *, full: bool) -> AsyncGenerator[Bench]:
    """Lend the embedded servers in a data folder of this name; stop them if they did not run."""
    servers = EmbeddedServers(default_data_dir(name), class_cache=False)
    status = servers.status()
    ran = status.postgres.running and status.neo4j.running
    at = servers.up()
    try:
        async with AsyncExitStack() as stack:
            db = Database(at.database_url)
            stack.push_async_callback(db.close)
            auth = (at.neo4j_username, at.neo4j_password)
            graph = Graph(at.neo4j_uri, auth=auth, database=at.neo4j_database)
            stack.push_async_callback(graph.close)
            await db.create_tables()
            await graph.create_schema()
            driver = await stack.enter_async_context(
                AsyncGraphDatabase.driver(
                    at.neo4j_uri,
                    auth=(at.neo4j_username, at.neo4j_password.get_secret_value()),
                    notifications_min_severity="OFF",
                )
            )
            pg = await asyncpg.connect(at.database_url.get_secret_value())
            stack.push_async_callback(pg.close)
            yield Bench(at, servers.data_dir, db, graph, driver, pg, full, stack)
    finally:
        if not ran:
            servers.down()
