"""The suite over real servers, wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter, Database, Graph
from sapwood.testing.conformance import StoreConformance

if TYPE_CHECKING:
    from typing import Unpack

    from sapwood.servers import Endpoints
    from sapwood.settings import Mode, Options
    from sapwood.testing.conformance import MakeStore


class Servers:
    """Adapters over two servers."""

    def __init__(self, db: Database, graph: Graph) -> None:
        self.db = db
        self.graph = graph

    @classmethod
    def at(cls, endpoints: Endpoints) -> Servers:
        """Return servers with connections of their own, for an event loop of one's own."""
        auth = (endpoints.neo4j_username, endpoints.neo4j_password)
        graph = Graph(endpoints.neo4j_uri, auth=auth, database=endpoints.neo4j_database)
        return cls(Database(endpoints.database_url), graph)

    async def open(self) -> None:
        """Bring both schemas up to date."""
        await self.db.create_tables()
        await self.graph.create_schema()

    async def close(self) -> None:
        """Close the connections."""
        await self.graph.close()
        await self.db.close()

    def make_store(
        self,
        project_id: str,
        *,
        title: str = "",
        mode: Mode = "own",
        **options: Unpack[Options],
    ) -> AsyncStorageAdapter:
        return AsyncStorageAdapter(
            self.db, self.graph, project_id=project_id, title=title, mode=mode, **options
        )


class ServersConformance(StoreConformance):
    """Tests of the suite over the servers of the fixtures `database` and `graph`."""

    @pytest.fixture
    def make_store(self, database: Database, graph: Graph) -> MakeStore:
        return Servers(database, graph).make_store
