"""The fixtures of `tests/conftest.py`, on servers in containers instead of embedded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import Database, Graph

from .leftovers import remove_leftovers
from .servers import start_containers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sapwood.servers import Endpoints

    from .servers import Containers


@pytest.fixture(scope="session")
def no_leftovers() -> None:
    """Remove what test runs that were killed left."""
    remove_leftovers()


@pytest.fixture(scope="session")
def containers(
    no_leftovers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Both servers in containers, once a run. A test that kills one starts it again."""
    started = start_containers(tmp_path_factory.mktemp("containers"))
    yield started
    started.end()


@pytest.fixture(scope="session")
def container_endpoints(containers: Containers) -> Endpoints:
    """Where the two containers are, for any test that takes endpoints."""
    return containers.endpoints


@pytest.fixture(scope="session")
def servers(container_endpoints: Endpoints) -> Endpoints:
    return container_endpoints


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
