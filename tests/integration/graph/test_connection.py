"""The connection: lazily made, bounded in time, and silent about secrets."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import warnings
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from sapwood import Graph
from sapwood.errors import ClosedError, SchemaError, SettingsError, StoreError, UnavailableError
from sapwood.graph import schema
from sapwood.graph.translate import translated

from ...faults.cancelling import is_cancelled
from ...sent import noted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood import Database
    from sapwood.graph.connection import Transaction
    from sapwood.servers import Endpoints

    from ...conftest import RunCypher

SECRET = "sentinel-password"  # noqa: S105 - not one


@pytest.fixture
async def own(servers: Endpoints) -> AsyncIterator[Graph]:
    """A connection of the test's own."""
    graph = Graph(
        servers.neo4j_uri,
        auth=(servers.neo4j_username, servers.neo4j_password),
        database=servers.neo4j_database,
    )
    yield graph
    await graph.close()


async def test_the_schema_is_there_and_may_be_created_again(graph: Graph) -> None:
    await graph.create_schema()
    await graph.verify_schema()


async def test_a_schema_that_is_there_is_only_looked_at(graph: Graph, database: Database) -> None:
    """Each process makes sure of it at its first contact, while a search already saves."""
    with noted(database) as sent:
        await graph.create_schema()
    assert (sent.bolt["BEGIN"], sent.bolt["RUN"], sent.bolt["COMMIT"]) == (1, 2, 0)


async def test_several_may_create_the_schema_at_once(graph: Graph, run_cypher: RunCypher) -> None:
    await run_cypher("DROP INDEX sapwood_node_score")
    await asyncio.gather(*(graph.create_schema() for _ in range(4)))
    await graph.verify_schema()


async def test_every_needed_index_is_asked_for_by_verify(graph: Graph) -> None:
    """The real rows less one: as if a constraint had been dropped."""
    async with graph.reading() as transaction:
        found = await transaction.run("schema.indexes")
    schema.check(found, [schema.VERSION])
    for needed in schema.NEEDED:
        rest = [row for row in found if schema._shape(row) != needed[1:]]
        assert len(rest) == len(found) - 1
        with pytest.raises(SchemaError, match="create_schema"):
            schema.check(rest, [schema.VERSION])


async def test_a_closed_graph_says_so(own: Graph) -> None:
    await own.verify_schema()
    await own.close()
    await own.close()
    with pytest.raises(ClosedError, match="closed"):
        await own.verify_schema()


async def test_another_event_loop_is_refused(own: Graph) -> None:
    await own.verify_schema()

    def elsewhere() -> None:
        asyncio.run(own.verify_schema())

    with pytest.raises(ClosedError, match="event loop"):
        await asyncio.to_thread(elsewhere)


async def test_those_who_share_a_connection_take_turns(servers: Endpoints) -> None:
    """The driver gave it to whoever asked first once it was free: appliers starved others."""
    graph = Graph(
        servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password), pool_size=1
    )
    order: list[int] = []

    async def ask(who: int) -> None:
        for _ in range(5):
            async with graph.reading() as transaction:
                order.append(who)
                await transaction.run("schema.version")

    await asyncio.gather(*(ask(who) for who in range(4)))
    assert order == [0, 1, 2, 3] * 5
    await graph.close()


async def test_who_waits_for_a_turn_while_the_graph_is_closed_is_told_so(
    servers: Endpoints,
) -> None:
    graph = Graph(
        servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password), pool_size=1
    )

    async def ask() -> None:
        async with graph.reading():
            pytest.fail("it was closed before its turn came")

    async with graph.reading():
        waiting = asyncio.create_task(ask())
        await asyncio.sleep(0)
        await graph.close()
    with pytest.raises(ClosedError, match="closed"):
        await waiting


async def test_no_server_is_a_passing_state() -> None:
    graph = Graph("bolt://127.0.0.1:1", auth=("neo4j", SECRET), connect_timeout_s=2.0)
    with pytest.raises(UnavailableError, match="cannot be reached") as away:
        await graph.verify_schema()
    assert away.value.retryable
    await graph.close()


async def test_a_wrong_password_is_not(servers: Endpoints) -> None:
    graph = Graph(servers.neo4j_uri, auth=("nobody", SECRET))
    for contact in (graph.verify_schema, graph.create_schema):
        with pytest.raises(StoreError, match="password") as refused:
            await contact()
        assert not refused.value.retryable
    await graph.close()


async def test_no_such_database(servers: Endpoints) -> None:
    auth = (servers.neo4j_username, servers.neo4j_password)
    graph = Graph(servers.neo4j_uri, auth=auth, database="nowhere")
    for contact in (graph.verify_schema, graph.create_schema):
        with pytest.raises(StoreError, match=r"no such database.* SHOW DATABASES lists"):
            await contact()
    await graph.close()


async def test_an_address_that_is_none() -> None:
    graph = Graph("postgres://127.0.0.1", auth=("neo4j", SECRET))
    with pytest.raises(SettingsError, match="neo4j://host"):
        await graph.verify_schema()


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        Graph(f"neo4j://neo4j:{SECRET}@host", auth=("neo4j", SECRET))
    assert SECRET not in str(refused.value)


async def test_a_secret_is_in_no_text_and_no_pickle(
    servers: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    """F5: not in what is shown of the object, of its errors, or of the driver's own log."""
    caplog.set_level(logging.DEBUG, "neo4j")
    graph = Graph(servers.neo4j_uri, auth=("nobody", SecretStr(SECRET)))
    with pytest.raises(StoreError) as refused:
        await graph.verify_schema()
    shown = [repr(graph), str(graph), repr(vars(graph)), repr(refused.value), caplog.text]
    shown += [repr(refused.value.__cause__), str(refused.value.__cause__)]
    assert not any(SECRET in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(graph)
    await graph.close()


async def test_a_transaction_too_big_for_the_server_is_told_from_a_passing_state(
    graph: Graph,
) -> None:
    """B3: the driver calls it transient and would try the same again for half a minute."""
    async with graph.reading() as transaction:
        limit = await transaction._inner.run(
            "SHOW SETTINGS 'db.memory.transaction.max' YIELD value RETURN value"
        )
        assert (await limit.single(strict=True))[0] not in {"0", "0B"}, "the server has no limit"
        with pytest.raises(StoreError) as refused:
            await fill_memory(transaction)
    assert refused.value.too_big
    assert not refused.value.retryable
    await graph.verify_schema()


async def fill_memory(transaction: Transaction) -> None:
    with translated():
        result = await transaction._inner.run(
            "UNWIND range(1, 20000000) AS i WITH collect({i: i}) AS all_of_it "
            "RETURN size(all_of_it)"
        )
        await result.consume()


async def test_the_driver_reports_nothing_about_its_use(
    graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    """F6: asked of the driver that is in use, and of what it sends."""
    caplog.set_level(logging.DEBUG, "neo4j")
    async with graph.reading() as transaction:
        await transaction.run("schema.version")
    assert graph._connected()._pool.pool_config.telemetry_disabled
    assert "BEGIN" in caplog.text
    assert "TELEMETRY" not in caplog.text


async def test_a_transaction_that_is_cancelled_at_any_await_leaves_no_session_open(
    servers: Endpoints,
) -> None:
    """The driver warns of a session that was not closed, once it is deleted.

    The socket of a connection that was being opened is the driver's own, which it leaves open.
    """
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))

    async def read() -> None:
        async with graph.reading() as transaction:
            await transaction.run("schema.version")

    await read()  # connects
    with warnings.catch_warnings(record=True, action="always") as found:
        at = 1
        while await is_cancelled(read(), at):
            at += 1
        gc.collect()
    assert at > 5
    assert [str(each.message) for each in found if "AsyncSession" in str(each.message)] == []
    await graph.close()
