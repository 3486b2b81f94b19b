"""A server is away, a reply is lost, a store is restored: nothing is lost, doubled, or guessed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from sapwood import (
    AsyncStorageAdapter,
    ClosedError,
    Database,
    DivergedError,
    Graph,
    Node,
    SchemaError,
    StaleReadError,
    UnavailableError,
)
from sapwood.relational import ProjectRepository

from .addresses import neo4j_place, neo4j_through, postgres_place, postgres_through
from .proxy import BOLT_COMMIT, POSTGRES_COMMIT, Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunCypher, RunSql


class Rig:
    """An adapter whose two servers stand behind proxies."""

    def __init__(
        self, postgres: Proxy, neo4j: Proxy, db: Database, graph: Graph, store: AsyncStorageAdapter
    ) -> None:
        self.postgres = postgres
        self.neo4j = neo4j
        self.db = db
        self.graph = graph
        self.store = store


@asynccontextmanager
async def rig(servers: Endpoints, project_id: str, **options: Any) -> AsyncGenerator[Rig, None]:
    async with (
        Proxy(*postgres_place(servers)) as postgres,
        Proxy(*neo4j_place(servers)) as neo4j,
    ):
        db = Database(postgres_through(servers, postgres.port))
        auth = (servers.neo4j_username, servers.neo4j_password)
        graph = Graph(neo4j_through(neo4j.port), auth=auth)
        try:
            await db.create_tables()
            async with AsyncStorageAdapter(db, graph, project_id=project_id, **options) as store:
                yield Rig(postgres, neo4j, db, graph, store)
                postgres.restore()
                neo4j.restore()
        finally:
            await graph.close()
            await db.close()


def nodes(count: int) -> list[Node]:
    return [Node(content=str(number)) for number in range(count)]


async def test_flushes_go_on_while_neo4j_is_away_and_the_graph_follows_later(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, apply_wait_s=0.2, read_wait_s=0.5) as it:
        it.neo4j.refuse()
        await it.store.save_nodes_batch(nodes(10))
        receipt = await it.store.flush()
        assert (receipt.nodes, receipt.applied) == (10, False)
        with pytest.raises(StaleReadError, match="safe in PostgreSQL"):
            await it.store.load_project()
        it.neo4j.restore()
        async with asyncio.timeout(20):
            await applied(it.store)
    async with rig(servers, project_id) as it:
        assert len((await it.store.load_project()).tree) == 10


async def most_turns(store: AsyncStorageAdapter) -> int:
    """Return how many turns other tasks get in one call that saves 100 nodes, at most.

    Of ten calls, since a busy machine takes some of a pause away.
    """
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    found = []
    try:
        for _ in range(10):
            turns = 0
            await store.save_nodes_batch(nodes(100))
            found.append(turns)
    finally:
        others.cancel()
    return max(found)


async def applied(store: AsyncStorageAdapter) -> None:
    while not (await store.flush()).applied:
        pass


async def test_savers_give_way_while_a_transaction_is_applied_and_another_waits(
    servers: Endpoints, project_id: str
) -> None:
    """Else what is sent to Neo4j, and what comes back, waits for several saves."""
    async with rig(servers, project_id, apply_wait_s=0) as it:
        await it.store.save_nodes_batch(nodes(1))
        await applied(it.store)
        before = await most_turns(it.store)
        await it.store.flush()
        it.neo4j.silence()
        for _ in range(3):
            await it.store.save_nodes_batch(nodes(1_250))
            await it.store.flush()
        assert await most_turns(it.store) > 2 * before
        it.neo4j.release()


async def test_savers_give_way_while_neo4j_is_asked_for_the_first_time(
    servers: Endpoints, project_id: str
) -> None:
    """Some thirty messages go to and fro, and nothing is applied before the last of them."""
    async with rig(servers, project_id, apply_wait_s=0.1) as it:
        it.neo4j.hold()
        await it.store.save_nodes_batch(nodes(1))
        await it.store.flush()
        while_asked = await most_turns(it.store)
        it.neo4j.release()
        await applied(it.store)
        assert while_asked > 2 * await most_turns(it.store)


async def test_the_stats_of_a_branch_are_up_to_date_while_neo4j_is_away(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, apply_wait_s=0, read_wait_s=5) as it:
        it.neo4j.refuse()
        await it.store.save_nodes_batch([Node(id="root", content="", score=0.5), *nodes(10)])
        assert (await it.store.branch_stats("root")).mean == 0.5
        await it.store.save_nodes_batch([Node(id="a", parent_id="root", content="", score=1.0)])
        await it.store.prune("a")
        stats = await it.store.branch_stats("root")
        assert (stats.nodes, stats.alive, stats.mean, stats.best_node_id) == (2, 1, 0.75, "a")


async def test_a_refresh_of_stats_goes_on_when_the_read_that_wanted_it_gives_up(
    open_store: OpenStore, database: Database, project_id: str, run_sql: RunSql
) -> None:
    """Else a first pass that takes longer than a read waits would never come to its end."""
    lock = text("SELECT FROM sapwood.branch_stats_mark WHERE project_id = :id FOR UPDATE")
    behind = (
        "SELECT head_seq - seq FROM sapwood.project JOIN sapwood.branch_stats_mark"
        " ON project_id = id WHERE id = $1"
    )
    async with open_store(read_wait_s=0.3) as store:
        await store.save_nodes_batch([Node(id="root", content="")])
        await store.branch_stats("root")
        await store.save_nodes_batch(nodes(3))
        await store.flush()
        async with database.transaction() as connection:
            await connection.execute(lock, {"id": project_id})
            with pytest.raises(UnavailableError, match="postgresql"):
                await store.branch_stats("root")
            assert await run_sql(behind, project_id) == [(1,)]
        async with asyncio.timeout(10):
            while await run_sql(behind, project_id) != [(0,)]:
                pass


READS: dict[str, Callable[[AsyncStorageAdapter], Awaitable[Any]]] = {
    "alive_nodes": lambda store: store.alive_nodes(),
    "load_project": lambda store: store.load_project(),
    "load_state": lambda store: store.load_state(),
    "cached_scores": lambda store: store.cached_scores([], judge="j@1"),
    "branch_stats": lambda store: store.branch_stats("root"),
    "iter_nodes": lambda store: anext(store.iter_nodes().pages()),
}


async def test_a_read_goes_on_over_a_new_connection_when_those_to_neo4j_went_silent(
    servers: Endpoints, project_id: str
) -> None:
    """B9: nothing says that they are dead, and they were used too lately to be asked."""
    async with Proxy(*neo4j_place(servers)) as neo4j:
        auth = (servers.neo4j_username, servers.neo4j_password)
        graph = Graph(
            neo4j_through(neo4j.port), auth=auth, acquire_timeout_s=1, connect_timeout_s=1
        )
        db = Database(servers.database_url)
        async with AsyncStorageAdapter(db, graph, project_id=project_id) as store:
            await store.save_nodes_batch(nodes(3))
            assert (await store.flush()).applied
            neo4j.silence()
            assert len((await store.load_project()).tree) == 3
            neo4j.release()
        await graph.close()
        await db.close()


@pytest.mark.parametrize("read", READS)
async def test_a_read_ends_in_time_while_postgresql_is_away_and_says_so(
    read: str, servers: Endpoints, project_id: str
) -> None:
    """Hazard A18."""
    async with rig(servers, project_id, read_wait_s=0.3) as it:
        await it.store.save_nodes_batch(nodes(1))
        await it.store.flush()
        it.postgres.refuse()
        async with asyncio.timeout(10):
            with pytest.raises(
                UnavailableError, match=r"postgresql: no answer within 0\.3 s"
            ) as failed:
                await READS[read](it.store)
        assert "connection was closed" in str(failed.value), "what its tries came to"


async def test_a_read_that_hears_nothing_of_postgresql_says_what_can_be_done(
    servers: Endpoints, project_id: str
) -> None:
    """Hazard A18: it may be silent, or have much to do; who waits cannot tell."""
    async with rig(servers, project_id, read_wait_s=0.3) as it:
        await it.store.flush()
        it.postgres.silence()
        async with asyncio.timeout(10):
            with pytest.raises(UnavailableError, match="ask again, or raise read_wait_s"):
                await it.store.load_state()


async def test_a_read_that_hears_nothing_of_neo4j_does_not_say_that_the_graph_is_behind(
    servers: Endpoints, project_id: str
) -> None:
    """Hazard A18: the graph was seen to have all; it is silent, or has much to do."""
    async with rig(servers, project_id, read_wait_s=0.3) as it:
        await it.store.save_nodes_batch(nodes(1))
        assert (await it.store.flush()).applied
        it.neo4j.silence()
        async with asyncio.timeout(10):
            with pytest.raises(StaleReadError, match="ask again, or raise read_wait_s"):
                await it.store.load_project()


@pytest.mark.parametrize("read", ["load_state", "cached_scores", "branch_stats"])
async def test_a_read_names_the_graph_if_its_flush_waits_for_that(
    read: str, servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, read_wait_s=0.3, apply_wait_s=0, max_lag_rows=1) as it:
        await it.store.flush()
        it.neo4j.refuse()
        await it.store.save_nodes_batch(nodes(1))
        await it.store.flush()
        await it.store.save_nodes_batch(nodes(1))
        with pytest.raises(StaleReadError, match="once Neo4j has caught up"):
            await READS[read](it.store)


async def test_a_saver_that_looks_something_up_hears_that_its_adapter_was_closed(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, close_wait_s=0.3) as it:
        await it.store.flush()
        it.postgres.refuse()
        saver = asyncio.create_task(it.store.save_nodes_batch([Node(id="own", content="")]))
        await asyncio.sleep(0)
        await it.store.close()
        with pytest.raises(ClosedError):
            await asyncio.wait_for(saver, 10)


async def test_a_project_is_open_again_once_its_graph_is_whole_whoever_made_it_so(
    open_store: OpenStore, project_id: str, database: Database
) -> None:
    projects = ProjectRepository(database)
    async with open_store() as store:
        await store.save_nodes_batch(nodes(1))
        await store.flush()
    await projects.set_stalled(project_id, 1, "by a process that is gone")
    async with open_store() as store:
        await store.load_project()
        assert (await projects.get(project_id)).state == "open"


async def test_savers_wait_while_postgresql_is_away_and_nothing_is_dropped(
    servers: Endpoints, project_id: str
) -> None:
    """Hazard D5."""
    async with rig(servers, project_id, max_pending=50) as it:
        await it.store.save_nodes_batch(nodes(1))
        await it.store.flush()
        it.postgres.refuse()
        saver = asyncio.create_task(it.store.save_nodes_batch(nodes(80)))
        done, _ = await asyncio.wait([saver], timeout=0.5)
        assert not done, "the buffer holds 50 items, so the saver has to wait"
        it.postgres.restore()
        await asyncio.wait_for(saver, 20)
        await it.store.flush()
        assert len((await it.store.load_project()).tree) == 81
        assert it.store.counts["flush_retries"] > 0


async def test_a_saver_cancelled_while_it_waits_says_how_far_it_got(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, max_pending=50) as it:
        await it.store.save_nodes_batch(nodes(1))
        await it.store.flush()
        it.postgres.refuse()
        saver = asyncio.create_task(it.store.save_nodes_batch(nodes(80)))
        await asyncio.wait([saver], timeout=0.3)
        saver.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await saver
        assert cancelled.value.__notes__ == ["50 of 80 items were accepted and will be stored"]
        it.postgres.restore()
        assert (await it.store.flush()).nodes == 50


async def test_a_batch_whose_postgresql_commit_was_made_but_not_heard_of_is_stored_once(
    servers: Endpoints, project_id: str
) -> None:
    """Hazard A3."""
    async with rig(servers, project_id) as it:
        await it.store.save_nodes_batch(nodes(5))
        await it.store.flush()
        await it.store.save_nodes_batch(nodes(5))
        it.postgres.cut_after = POSTGRES_COMMIT
        receipt = await it.store.flush()
        assert it.postgres.cuts == 1
        assert (receipt.seq, receipt.nodes) == (2, 5)
        assert len((await it.store.load_project()).tree) == 10


async def test_entries_whose_neo4j_commit_was_made_but_not_heard_of_are_applied_once(
    servers: Endpoints, project_id: str
) -> None:
    """Hazard A4."""
    async with rig(servers, project_id) as it:
        await it.store.save_nodes_batch(nodes(5))
        await it.store.flush()
        await it.store.save_nodes_batch(nodes(5))
        it.neo4j.cut_after = BOLT_COMMIT
        receipt = await it.store.flush()
        assert receipt.applied
        assert it.neo4j.cuts == 1
        assert len((await it.store.load_project()).tree) == 10


async def test_a_wiped_graph_is_rebuilt_from_the_journal(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Hazard A8: the journal is kept, so a graph that lost everything heals at the next read."""
    async with open_store() as store:
        for _ in range(3):
            await store.save_nodes_batch(nodes(5))
            await store.flush()
    await run_cypher("MATCH (n {project_id: $project_id}) DETACH DELETE n", project_id=project_id)
    async with open_store() as store:
        assert len((await store.load_project()).tree) == 15


async def test_an_older_graph_catches_up(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, run_sql: RunSql
) -> None:
    """Hazard A8: Neo4j is back at position 1 while the journal is at 3."""
    async with open_store() as store:
        for _ in range(3):
            await store.save_nodes_batch(nodes(5))
            await store.flush()
        [(first,)] = await run_sql(
            "SELECT chain FROM sapwood.journal WHERE project_id = $1 AND seq = 1", project_id
        )
        await run_cypher(
            "MATCH (n:Node {project_id: $project_id}) WHERE n.seq > 1 DETACH DELETE n",
            project_id=project_id,
        )
        await run_cypher(
            "MATCH (w:Watermark {project_id: $project_id}) SET w.applied = 1, w.chain = $first",
            project_id=project_id,
            first=first,
        )
        assert len((await store.load_project()).tree) == 15


@pytest.mark.parametrize(
    "change",
    [
        {"applied": 99},
        {"chain": "of-another-history"},
        {"incarnation": "of-another-project"},
    ],
)
async def test_a_graph_of_another_history_is_refused_not_read(
    change: dict[str, Any], open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Hazards A9, A10, A16: what an older PostgreSQL looks like; nothing is skipped in silence."""
    async with open_store() as store:
        await store.save_nodes_batch(nodes(5))
        await store.flush()
    await run_cypher(
        "MATCH (w:Watermark {project_id: $project_id}) SET w += $change",
        project_id=project_id,
        change=change,
    )
    store = open_store()
    with pytest.raises(DivergedError, match=project_id):
        await store.load_project()
    await store.save_nodes_batch(nodes(5))
    with pytest.raises(DivergedError, match="PostgreSQL is the authority"):
        await store.flush()
    await store.close()


async def test_a_writer_notices_that_postgresql_forgot_what_it_had_acknowledged(
    open_store: OpenStore, project_id: str, run_sql: RunSql
) -> None:
    """Hazard A9: PostgreSQL is back at position 1 under a live writer that was told of 2."""
    store = open_store()
    for _ in range(2):
        await store.save_nodes_batch(nodes(5))
        await store.flush()
    await run_sql(
        "WITH gone AS (DELETE FROM sapwood.journal WHERE project_id = $1 AND seq = 2)"
        " UPDATE sapwood.project p SET head_seq = 1, chain = j.chain"
        " FROM sapwood.journal j WHERE p.id = $1 AND j.project_id = $1 AND j.seq = 1",
        project_id,
    )
    await store.save_nodes_batch(nodes(5))
    with pytest.raises(DivergedError, match="no longer has the batch at position 2"):
        await store.flush()
    with pytest.raises(DivergedError, match="no longer has the batch at position 2"):
        await store.close()
    [(journal,)] = await run_sql(
        "SELECT count(*) FROM sapwood.journal WHERE project_id = $1", project_id
    )
    assert journal == 1


async def test_a_flush_after_a_restore_of_postgresql_never_calls_an_older_graph_its_own(
    open_store: OpenStore, project_id: str, run_sql: RunSql
) -> None:
    """Hazard A9: positions are given out twice; the graph has the first ones of that number."""
    async with open_store() as store:
        for number in range(3):
            await store.save_nodes_batch([Node(id=f"lost-{number}", content="")])
            await store.flush()
    store = open_store()
    assert len((await store.load_project()).tree) == 3
    await run_sql(
        "WITH gone AS (DELETE FROM sapwood.journal WHERE project_id = $1 AND seq > 1),"
        " forgotten AS (DELETE FROM sapwood.node_ref WHERE project_id = $1 AND node_id <> 'lost-0')"
        " UPDATE sapwood.project p SET head_seq = 1, chain = j.chain"
        " FROM sapwood.journal j WHERE p.id = $1 AND j.project_id = $1 AND j.seq = 1",
        project_id,
    )
    for number in range(3):
        await store.save_nodes_batch([Node(id=f"new-{number}", content="")])
        with pytest.raises(DivergedError, match=r"another history|the journal ends before it"):
            await store.flush()
    await store.close()


async def test_a_new_graph_under_a_running_process_is_not_filled_without_its_constraints(
    open_store: OpenStore, graph: Graph, project_id: str, run_cypher: RunCypher
) -> None:
    async with open_store() as store:
        await store.save_nodes_batch(nodes(1))
        await store.flush()
        await run_cypher("DROP INDEX sapwood_node_status")
        await run_cypher("MATCH (n {project_id: $id}) DETACH DELETE n", id=project_id)
        try:
            with pytest.raises(SchemaError, match=r"no index on Node \(project_id, status\)"):
                await store.load_project()
        finally:
            await graph.create_schema()
        assert len((await store.load_project()).tree) == 1


async def test_half_a_prune_that_the_journal_no_longer_has_is_refused_not_read(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """Hazard A9: PostgreSQL is back before a prune of which the graph holds a part."""
    async with open_store() as store:
        await store.save_nodes_batch(nodes(5))
        await store.flush()
    await run_cypher(
        "MATCH (w:Watermark {project_id: $id}) SET w.under_way = 'chain of a prune that is gone'",
        id=project_id,
    )
    store = open_store()
    with pytest.raises(DivergedError, match="a part of an entry that the journal has not"):
        await store.load_project()
    await store.save_nodes_batch(nodes(1))
    with pytest.raises(DivergedError, match="a part of an entry that the journal has not"):
        await store.flush()
