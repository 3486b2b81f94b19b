"""The two stores that an adapter works on: given ones, or ones it finds and looks after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .graph import Graph
from .relational import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from .servers import Endpoints


class Stores:
    """Stores that the user made, brought up to date, and will close."""

    def __init__(self, db: Database, graph: Graph) -> None:
        self.db = db
        self.graph = graph

    async def open(self, *, upgrade: bool) -> None:
        """Check PostgreSQL. Neo4j is met later, so that its absence stops no flush.

        Args:
            upgrade: Ignored here: the schema of given stores is their owner's to change.
        """
        await self.db.check()

    async def prepare_graph(self) -> None:
        """Check Neo4j, at the first contact."""
        await self.graph.verify_schema()

    async def close(self) -> None:
        """Leave the stores to their owner."""


class FoundStores(Stores):
    """Stores at the servers that `find_servers` names, known once they are opened."""

    def __init__(self, find_servers: Callable[[], Endpoints]) -> None:
        self._find_servers = find_servers

    async def open(self, *, upgrade: bool) -> None:
        """Find the servers, starting embedded ones if need be.

        Args:
            upgrade: Bring the schemas to this release; else they are checked alone, since whoever
                only looks changes nothing.
        """
        self._upgrade = upgrade
        endpoints = await asyncio.to_thread(self._find_servers)
        insecure = endpoints.allow_insecure
        self.db = Database(endpoints.database_url, allow_insecure=insecure)
        self.graph = Graph(
            endpoints.neo4j_uri,
            auth=(endpoints.neo4j_username, endpoints.neo4j_password),
            database=endpoints.neo4j_database,
            allow_insecure=insecure,
        )
        if upgrade:
            await self.db.create_tables()
        await self.db.check()

    async def prepare_graph(self) -> None:
        """Bring Neo4j's schema up to date, or check it."""
        await (self.graph.create_schema() if self._upgrade else self.graph.verify_schema())

    async def close(self) -> None:
        """Close both connections; embedded servers go on running."""
        if hasattr(self, "graph"):
            try:
                await self.graph.close()
            finally:
                await self.db.close()
