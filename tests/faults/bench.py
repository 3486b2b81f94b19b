"""One project for one case: adapters that race, stores that are set back, and the judgement.

What is stored in the end is held against what the adapter in memory makes of the same steps.
"""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neo4j import AsyncDriver, AsyncGraphDatabase
from pydantic import SecretStr
from sqlalchemy import text

from sapwood import AsyncStorageAdapter, Database, Graph, SapwoodError, failpoints, new_id
from sapwood.servers import Endpoints
from sapwood.testing import MemoryAdapter, MemoryStores

from .restoring import GraphBackup, PostgresBackup
from .scenario import held
from .table import damage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import Any, Self

    from sapwood.failpoints import Trap
    from sapwood.settings import Mode
    from sapwood.testing.interface import Store

    Step = Callable[[Store], Awaitable[None]]

_WAITS_IN_POSTGRES = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity"
    " WHERE application_name = :name AND wait_event_type = 'Lock')"
)
_WAITS_IN_NEO4J = (
    "SHOW TRANSACTIONS YIELD status, parameters"
    " WHERE status STARTS WITH 'Blocked' AND parameters.project_id = $id"
    " RETURN count(*) > 0 AS waits"
)


class Bench:
    """What a case works with.

    Attributes:
        servers: The addresses of both servers.
        db, graph: Both stores; their sessions bear the project's name.
        project_id: A project of this case alone.
    """

    def __init__(
        self, servers: Endpoints, db: Database, graph: Graph, driver: AsyncDriver, name: str
    ) -> None:
        self.servers = servers
        self.db = db
        self.graph = graph
        self.project_id = ""
        self._driver = driver
        self._name = name
        self._adapters: list[AsyncStorageAdapter] = []
        self._traps: list[Trap] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, given: dict[str, str]) -> AsyncGenerator[Self]:
        """Reach the servers of a document that `conftest.write_servers` wrote."""
        servers = Endpoints(
            SecretStr(given["database_url"]),
            given["neo4j_uri"],
            given["username"],
            SecretStr(given["password"]),
            neo4j_database="neo4j",
            browser_url=None,
            source={},
        )
        name = f"bench.{new_id()}"
        db = Database(f"{given['database_url']}?application_name={name}")
        auth = (given["username"], given["password"])
        graph = Graph(given["neo4j_uri"], auth=auth)
        driver = AsyncGraphDatabase.driver(
            given["neo4j_uri"], auth=auth, notifications_min_severity="OFF"
        )
        try:
            async with driver:
                yield cls(servers, db, graph, driver, name)
        finally:
            await graph.close()
            await db.close()

    @asynccontextmanager
    async def project(self) -> AsyncGenerator[None]:
        """Begin with a project that is new; in the end nobody hangs and all adapters are closed."""
        self.project_id = new_id()
        try:
            yield
        finally:
            failpoints.disarm()
            for trap in self._traps:
                trap.released.set()
            for store in self._adapters:
                with contextlib.suppress(SapwoodError):  # the case has said what it heard
                    await store.close()
            self._traps.clear()
            self._adapters.clear()

    def adapter(
        self,
        mode: Mode = "own",
        *,
        db: Database | None = None,
        graph: Graph | None = None,
        waits_for_the_graph: bool = True,
    ) -> AsyncStorageAdapter:
        """Return an adapter of the project that flushes only when it is told to."""
        store = AsyncStorageAdapter(
            db or self.db,
            graph or self.graph,
            project_id=self.project_id,
            mode=mode,
            flush_interval_s=3600,
            read_wait_s=10,
            apply_wait_s=10 if waits_for_the_graph else 0,
            close_wait_s=0.2,
        )
        self._adapters.append(store)
        return store

    def arm(self, name: str, action: str, visit: int = 1) -> Trap:
        """Stop the next who comes by a failpoint."""
        trap = failpoints.arm(name, action, visit)
        self._traps.append(trap)
        return trap

    async def sql(self, statement: str, **values: Any) -> Any:
        """Run a statement as a foreign client of PostgreSQL; return its first value."""
        async with self.db.transaction() as connection:
            found = await connection.execute(text(statement), {"id": self.project_id, **values})
            return found.scalar() if found.returns_rows else None

    async def cypher(self, statement: str) -> Any:
        """Run a statement as a foreign client of Neo4j; return its first value."""
        async with self._driver.session() as session:
            result = await session.run(statement, id=self.project_id)  # pyright: ignore[reportArgumentType]
            record = await result.single()
            return None if record is None else record.value()

    async def somebody_waits_in_postgresql(self) -> None:
        """Return once a session of these waits for a lock."""
        waits = False
        while not waits:
            async with self.db.transaction() as connection:
                waits = bool(await connection.scalar(_WAITS_IN_POSTGRES, {"name": self._name}))

    async def somebody_waits_in_neo4j(self) -> None:
        """Return once a transaction of the project waits for a lock."""
        while not await self.cypher(_WAITS_IN_NEO4J):
            pass

    async def back_up_graph(self) -> Callable[[], Awaitable[None]]:
        """Keep the graph as it is now; return what sets it back."""
        backup = await GraphBackup.take(self._driver, self.project_id)
        return lambda: backup.restore(self._driver)

    async def back_up_postgresql(self) -> Callable[[], Awaitable[None]]:
        """Keep the rows as they are now; return what sets them back."""
        backup = await PostgresBackup.take(self.db, self.project_id)
        return lambda: backup.restore(self.db)

    async def compare(self, *steps: Step) -> str:
        """Hold what is stored against what the memory makes of the steps; say what is wrong."""
        return how(await held(self.adapter("read")), await told(*steps))


async def told(*steps: Step) -> dict[str, Any]:
    """Return what `held` has to give after these steps, said by the memory."""
    async with MemoryAdapter(MemoryStores(), project_id="oracle") as store:
        for step in steps:
            await step(store)
        return await held(store)


def how(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Say in a word how two that `held` gave differ; nothing if they do not."""
    if found == wanted:
        return ""
    if not found["graph"][0]:
        return "diverged"
    return "doubled" if damage(found, wanted).doubled > damage(found, wanted).lost else "lost"


async def refuses(error: type[SapwoodError], work: Awaitable[object]) -> bool:
    """Do the work; whether it raised the error that it has to."""
    try:
        await work
    except error:
        return True
    return False


@asynccontextmanager
async def stopped_at_a_failpoint() -> AsyncGenerator[None]:
    """Do what may end at an armed failpoint, as a program would that ends there."""
    try:
        yield
    except failpoints.FailpointError:
        pass
    except SapwoodError as exc:
        if not isinstance(exc.__cause__, failpoints.FailpointError):
            raise
