"""A server is killed under load and started again: what it acknowledged is there, once.

Hazards: C11 (PostgreSQL crashes with its defaults), G3; I1, I2, I3, I6.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sapwood import Database, Graph
from sapwood.servers import EmbeddedServers

from .killing import VICTIMS, Victim, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sapwood.servers import Endpoints


@pytest.fixture(scope="module")
def own(servers_dir: Path) -> Iterator[EmbeddedServers]:
    """Servers beside the tests', which others may be using."""
    folder = servers_dir.with_name(f"{servers_dir.name}-kill")
    servers = EmbeddedServers(folder, class_cache=False)
    yield servers
    servers.down()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
async def endpoints(own: EmbeddedServers) -> Endpoints:
    endpoints = own.up()
    db = Database(endpoints.database_url)
    await db.create_tables()
    await db.close()
    auth = (endpoints.neo4j_username, endpoints.neo4j_password)
    graph = Graph(endpoints.neo4j_uri, auth=auth)
    await graph.create_schema()
    await graph.close()
    return endpoints


@pytest.mark.parametrize("victim", VICTIMS)
async def test_what_was_acknowledged_before_a_server_was_killed_is_there_once(
    victim: Victim, own: EmbeddedServers, endpoints: Endpoints, project_id: str
) -> None:
    found = await run(own, endpoints, project_id, victim, after=5)
    assert (found.lost, found.other, found.verified) == (0, 0, True), found
