"""What programs in processes of their own need to find the tests' servers."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sapwood import Database, Graph
from sapwood.servers import EmbeddedServers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from sapwood.servers import Endpoints


@contextmanager
def servers_beside(servers_dir: Path, name: str) -> Generator[EmbeddedServers]:
    """Servers beside the tests', which others may be using; not started yet, removed at the end."""
    folder = servers_dir.with_name(f"{servers_dir.name}-{name}")
    servers = EmbeddedServers(folder, class_cache=False)
    yield servers
    servers.down()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def own_servers(servers_dir: Path) -> Iterator[EmbeddedServers]:
    """Servers that may be killed and restarted."""
    with servers_beside(servers_dir, "own") as servers:
        yield servers


@pytest.fixture(scope="module")
async def own_endpoints(own_servers: EmbeddedServers) -> Endpoints:
    """Those servers, started, with their schemas."""
    endpoints = own_servers.up()
    for store in await prepare(endpoints):
        await store.close()
    return endpoints


@pytest.fixture
def servers_file(servers: Endpoints, tmp_path: Path) -> Path:
    """The servers' addresses and passwords, where no list of processes shows them."""
    return write_servers(servers, tmp_path)


def write_servers(servers: Endpoints, folder: Path) -> Path:
    """Write the servers' addresses and passwords for this user's eyes."""
    path = folder / "servers.json"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "database_url": servers.database_url.get_secret_value(),
                "neo4j_uri": servers.neo4j_uri,
                "username": servers.neo4j_username,
                "password": servers.neo4j_password.get_secret_value(),
            }
        )
    )
    return path


async def prepare(servers: Endpoints) -> tuple[Database, Graph]:
    """Open both stores and make their schemas."""
    db = Database(servers.database_url)
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))
    await db.create_tables()
    await graph.create_schema()
    return db, graph
