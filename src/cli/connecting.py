"""From the settings to connections: once to look, starting nothing, and once to work."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..graph import Graph
from ..relational import Database
from ..servers import ServerSettings, embedded_servers, given_endpoints, resolve
from ..stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ..servers import Endpoints

CONNECT_TIMEOUT_S = 5.0


def find_endpoints(data_dir: Path | None) -> Endpoints | None:
    """The servers that would be used; none is started. `None` if there have never been any.

    Raises:
        SettingsError: The settings contradict each other.
    """
    settings = ServerSettings()
    given = given_endpoints(settings)
    if given is not None:
        return given
    return embedded_servers(settings, data_dir=data_dir).find_endpoints()


def require_endpoints(data_dir: Path | None) -> Endpoints:
    """The servers that would be used; none is started.

    Raises:
        SettingsError: The settings contradict each other, or there have never been any servers.
    """
    endpoints = find_endpoints(data_dir)
    if endpoints is None:
        raise SettingsError("there are no servers yet; sapwood up starts some")
    return endpoints


@asynccontextmanager
async def connected(endpoints: Endpoints) -> AsyncGenerator[Stores]:
    """Lend both stores, and close them. No I/O before they are used; their schemas stay."""
    insecure = endpoints.allow_insecure
    db = Database(
        endpoints.database_url, connect_timeout_s=CONNECT_TIMEOUT_S, allow_insecure=insecure
    )
    try:
        graph = Graph(
            endpoints.neo4j_uri,
            auth=(endpoints.neo4j_username, endpoints.neo4j_password),
            database=endpoints.neo4j_database,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            allow_insecure=insecure,
        )
        try:
            yield Stores(db, graph)
        finally:
            await graph.close()
    finally:
        await db.close()


def start_endpoints(data_dir: Path | None) -> Endpoints:
    """The servers to use; embedded ones are started if need be.

    Raises:
        SettingsError, ServerError: See `sapwood.servers.resolve`.
    """
    return resolve(ServerSettings(), data_dir=data_dir)
