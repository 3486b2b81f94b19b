"""What a cluster of Neo4j needs of a client: routing, and transactions marked as what they are."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sapwood import Graph
from sapwood.graph import GraphOverview
from sapwood.graph.connection import Transaction
from sapwood.graph.queries import statement

from .lives import live

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from sapwood import Database
    from sapwood.servers import Endpoints


class Noting(Transaction):
    """Notes the statements that are sent in it."""

    def __init__(self, whole: Transaction, sent: list[str]) -> None:
        super().__init__(whole._inner, whole._deadline_s)
        self._sent = sent

    async def run(self, key: str, **parameters: Any) -> list[list[Any]]:
        self._sent.append(key)
        return await super().run(key, **parameters)


class NotingGraph(Graph):
    """Notes the statements of each transaction, apart by how it is marked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.reads: list[list[str]] = []
        self.writes: list[list[str]] = []

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Transaction]:
        async with super().reading() as transaction:
            self.reads.append([])
            yield Noting(transaction, self.reads[-1])

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Transaction]:
        async with super().writing() as transaction:
            self.writes.append([])
            yield Noting(transaction, self.writes[-1])


@pytest.fixture
async def routed(servers: Endpoints) -> AsyncIterator[NotingGraph]:
    """The server by a routing address: the driver asks it where to read and where to write."""
    graph = NotingGraph(
        servers.neo4j_uri.replace("bolt://", "neo4j://"),
        auth=(servers.neo4j_username, servers.neo4j_password),
        database=servers.neo4j_database,
    )
    yield graph
    await graph.close()


async def test_a_project_lives_behind_a_routing_address(
    routed: NotingGraph, database: Database, project_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "neo4j")
    await routed.create_schema()
    await live(database, routed, project_id)
    assert "ROUTE" in caplog.text


async def test_a_transaction_is_marked_as_a_write_exactly_if_it_writes(
    routed: NotingGraph, database: Database, project_id: str
) -> None:
    """On a cluster a read goes to any server, and a write to the one that leads."""
    await routed.create_schema()
    await live(database, routed, project_id)
    await GraphOverview(routed).watermarks()
    await GraphOverview(routed).server()
    assert routed.reads
    for sent in routed.reads:
        assert {mode_of(key) for key in sent} <= {"read"}, sent
    for sent in filter(None, routed.writes):
        assert {mode_of(key) for key in sent} != {"read"}, sent


def mode_of(key: str) -> str:
    return statement(key).about["mode"]
