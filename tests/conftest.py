"""Fixtures shared by all tests: real servers, once a run; a fresh project for every test."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Protocol, Unpack
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings
from neo4j import AsyncGraphDatabase

from sapwood import AsyncStorageAdapter, Database, Graph, failpoints
from sapwood.servers import EmbeddedServers, Endpoints, default_data_dir

from .containers import selection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sapwood.settings import Mode, Options


class OpenStore(Protocol):
    """Makes adapters that are closed at the end of the test."""

    def __call__(
        self, project_id: str | None = None, *, mode: Mode = "own", **options: Unpack[Options]
    ) -> AsyncStorageAdapter: ...


class RunCypher(Protocol):
    """Runs a statement as a foreign client of Neo4j would; returns its rows."""

    async def __call__(self, statement: str, **parameters: Any) -> list[dict[str, Any]]: ...


class RunSql(Protocol):
    """Runs a statement as a foreign client of PostgreSQL would; returns its rows."""

    async def __call__(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        default="test",
        metavar="NAME",
        help="data folder of the embedded servers; two runs at a time want two of them",
    )
    selection.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    # By default an example that takes more than 200 ms fails; on a busy machine any may.
    settings.register_profile("untimed", settings(), deadline=None)
    settings.load_profile("untimed")
    config.pluginmanager.register(selection, "containers")


@pytest.fixture(scope="session")
def servers_dir(pytestconfig: pytest.Config) -> Path:
    """The data folder of the tests' own servers."""
    return default_data_dir(str(pytestconfig.getoption("--servers")))


@pytest.fixture(scope="session")
def servers(servers_dir: Path) -> Endpoints:
    """Embedded servers in a folder of the tests' own; they go on running for the next run."""
    return EmbeddedServers(servers_dir).up()


@pytest.fixture(scope="session")
async def database(servers: Endpoints) -> AsyncIterator[Database]:
    db = Database(servers.database_url)
    await db.create_tables()
    yield db
    await db.close()


@pytest.fixture(scope="session")
async def graph(servers: Endpoints) -> AsyncIterator[Graph]:
    graph = Graph(
        servers.neo4j_uri,
        auth=(servers.neo4j_username, servers.neo4j_password),
        database=servers.neo4j_database,
    )
    await graph.create_schema()
    yield graph
    await graph.close()


@pytest.fixture(scope="session")
async def run_cypher(servers: Endpoints) -> AsyncIterator[RunCypher]:
    auth = (servers.neo4j_username, servers.neo4j_password.get_secret_value())
    async with AsyncGraphDatabase.driver(
        servers.neo4j_uri, auth=auth, notifications_min_severity="OFF"
    ) as driver:

        async def run(statement: str, **parameters: Any) -> list[dict[str, Any]]:
            async with driver.session(database=servers.neo4j_database) as session:
                result = await session.run(statement, parameters)  # pyright: ignore[reportArgumentType]
                return await result.data()

        yield run


@pytest.fixture(scope="session")
async def run_sql(servers: Endpoints) -> AsyncIterator[RunSql]:
    connection = await asyncpg.connect(servers.database_url.get_secret_value())

    async def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.fetch(statement, *parameters)]

    yield run
    await connection.close()


@pytest.fixture
def project_id(request: pytest.FixtureRequest) -> str:
    """A project of this test's own, named after it."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name.removeprefix("test_"))
    return f"{name[:45]}.{uuid4().hex[:16]}"


@pytest.fixture
async def open_store(database: Database, graph: Graph, project_id: str) -> AsyncIterator[OpenStore]:
    stores: list[AsyncStorageAdapter] = []
    own_id = project_id

    def make(
        project_id: str | None = None, *, mode: Mode = "own", **options: Unpack[Options]
    ) -> AsyncStorageAdapter:
        store = AsyncStorageAdapter(
            database, graph, project_id=project_id or own_id, mode=mode, **options
        )
        stores.append(store)
        return store

    yield make
    for store in stores:
        await store.close()


@pytest.fixture(autouse=True)
def no_failpoint_stays_armed() -> Iterator[None]:
    yield
    failpoints.disarm()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip is a failure: nothing there may be missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped, and in CI nothing may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
