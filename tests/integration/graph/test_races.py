"""Several appliers of one project, and those that are cut short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from neo4j import AsyncGraphDatabase

from sapwood import Graph
from sapwood.errors import DivergedError, UnavailableError
from sapwood.graph import GraphWriter, rows_of
from sapwood.journal import NO_CHAIN

from .trees import Grove, Row, at_least, fold_of, row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from sapwood.graph import Guard, NodeRepository, Watermark
    from sapwood.nodes import Columns
    from sapwood.servers import Endpoints
    from tests.conftest import RunCypher

ROUNDS = 40


@pytest.fixture
async def newest_commit(servers: Endpoints) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """The name that Neo4j has for the state after its last commit."""
    auth = (servers.neo4j_username, servers.neo4j_password.get_secret_value())
    async with AsyncGraphDatabase.driver(servers.neo4j_uri, auth=auth) as driver:

        async def ask() -> str:
            async with driver.session(database=servers.neo4j_database) as session:
                await (await session.run("RETURN 1")).consume()
                (bookmark,) = (await session.last_bookmarks()).raw_values
            return bookmark

        yield ask


async def test_of_appliers_that_race_exactly_one_writes(
    grove: Grove, writer: GraphWriter, nodes: NodeRepository
) -> None:
    """A2: the lock comes before the look. A lock-free compare lets several through."""

    async def apply(position: int) -> int:
        async with writer.apply(grove.project_id) as transaction:
            mark = transaction.watermark
            assert mark is not None
            if mark.applied >= position:
                return 0
            await transaction.write(rows_of(fold_of([row(f"n{position:03}")])))
            await transaction.commit(position, f"chain {position}", NO_CHAIN)
            return 1

    for position in range(1, ROUNDS + 1):
        wrote = await asyncio.gather(*(apply(position) for _ in range(4)))
        assert sum(wrote) == 1
    assert len(await nodes.load_tree(grove.project_id, at_least(ROUNDS))) == ROUNDS


async def test_of_those_who_begin_a_project_at_once_one_does(
    writer: GraphWriter, project_id: str
) -> None:
    begun = await asyncio.gather(
        *(writer.create_watermark(project_id, f"by {who}") for who in range(8))
    )
    assert sum(begun) == 1


async def test_an_applier_waits_for_the_one_that_holds_the_lock(
    grove: Grove, writer: GraphWriter
) -> None:
    async def second() -> int:
        async with writer.apply(grove.project_id) as transaction:
            assert transaction.watermark is not None
            return transaction.watermark.applied

    async with writer.apply(grove.project_id) as transaction:
        waiting = asyncio.create_task(second())
        await transaction.write(rows_of(fold_of([row("root")])))
        assert not waiting.done()
        await transaction.commit(1, "chain 1", NO_CHAIN)
    assert await waiting == 1


async def test_an_applier_gives_up_at_its_deadline_and_may_try_again(
    grove: Grove, writer: GraphWriter, servers: Endpoints
) -> None:
    """B8: the server ends what waits too long for a lock."""
    hasty = Graph(
        servers.neo4j_uri,
        auth=(servers.neo4j_username, servers.neo4j_password),
        database=servers.neo4j_database,
        timeout_s=1.0,
    )
    await grove.plant([row("root")])  # so that the lock's property has its value already
    try:
        async with writer.apply(grove.project_id):
            with pytest.raises(UnavailableError) as late:
                async with GraphWriter(hasty).apply(grove.project_id):
                    pytest.fail("the lock is held")
        assert late.value.retryable
        assert not late.value.unknown_outcome
        async with GraphWriter(hasty).apply(grove.project_id) as transaction:
            assert transaction.watermark is not None
    finally:
        await hasty.close()


async def test_a_cancelled_applier_writes_nothing_and_frees_the_lock(
    grove: Grove, writer: GraphWriter, nodes: NodeRepository
) -> None:
    """B10: a cancellation drops the connection; the server rolls back with it."""
    written = asyncio.Event()

    async def apply() -> None:
        async with writer.apply(grove.project_id) as transaction:
            await transaction.write(rows_of(fold_of([row("root")])))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(apply())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await nodes.load_tree(grove.project_id, at_least(0))) == 0
    await grove.plant([row("root")])


async def test_a_read_sees_whole_entries_while_others_arrive(
    grove: Grove, nodes: NodeRepository
) -> None:
    """A17: without the lock, one read in fifty saw the new watermark and not yet all its nodes."""
    root = row("root")
    await grove.plant([root])
    arriving = True

    async def read() -> None:
        applied = 0

        async def guard(mark: Watermark | None) -> int:
            nonlocal applied
            assert mark is not None
            applied = mark.applied
            return applied

        while arriving:
            counts = await nodes.count_by_status(grove.project_id, guard)
            assert sum(counts.values()) == 1 + 1_000 * (applied - 1)
            tree = await nodes.load_tree(grove.project_id, guard, fields=["status", "seq"])
            assert len(tree) == 1 + 1_000 * (applied - 1)
            changed = {
                status
                for status, seq in zip(tree["status"], tree["seq"], strict=True)
                if 1 < seq < applied
            }
            assert changed <= {"complete"}, "each entry changes the nodes of the one before"

    readers = [asyncio.create_task(read()) for _ in range(3)]
    made: list[Row] = []
    for entry in range(2, 17):
        changes = [{"id": node["id"], "status": "complete"} for node in made]
        made = [row(f"{entry:02}-{at:04}", root, seq=entry) for at in range(1_000)]
        await grove.plant(made, changes)
    arriving = False
    await asyncio.gather(*readers)


READS: dict[str, Callable[[NodeRepository, str, Guard], Coroutine[Any, Any, Columns | None]]] = {
    "load_tree": lambda nodes, project, guard: nodes.load_tree(project, guard),
    "nodes": lambda nodes, project, guard: nodes.nodes(project, guard, ["root", "new"]),
    "children": lambda nodes, project, guard: nodes.children(project, guard, "root"),
    "path": lambda nodes, project, guard: nodes.lineage(project, guard, "new"),
    "subtree": lambda nodes, project, guard: nodes.subtree(project, guard, "root"),
    "subtree, limited": lambda nodes, project, guard: nodes.subtree(
        project, guard, "root", limit=9
    ),
    "alive_nodes": lambda nodes, project, guard: nodes.alive_nodes(project, guard),
    "alive_nodes, under": lambda nodes, project, guard: nodes.alive_nodes(
        project, guard, under="root"
    ),
    "leaves": lambda nodes, project, guard: nodes.leaves(project, guard),
    "best_nodes": lambda nodes, project, guard: nodes.best_nodes(project, guard, 9),
    "page": lambda nodes, project, guard: nodes.page(project, guard, limit=9),
}


async def until_blocked(reading: asyncio.Task[Any], run_cypher: RunCypher) -> None:
    """Wait until a transaction waits for a lock; the read must not end before."""

    async def blocked() -> bool:
        found = await run_cypher("SHOW TRANSACTIONS YIELD status, currentQuery")
        return any(each["status"].startswith("Blocked") for each in found)

    async with asyncio.timeout(20):
        while not await blocked():
            assert not reading.done(), "it read beside the lock"


@pytest.mark.parametrize("name", READS)
async def test_a_read_that_waited_for_a_commit_sees_all_of_it(
    name: str, grove: Grove, writer: GraphWriter, nodes: NodeRepository, run_cypher: RunCypher
) -> None:
    """A17: lock, watermark and data are one statement, which must not look before it waits."""
    root = row("root", score=0.1)
    await grove.plant([root])
    seen: list[Watermark | None] = []

    async def guard(mark: Watermark | None) -> int:
        seen.append(mark)
        return 0

    async with writer.apply(grove.project_id) as transaction:
        reading = asyncio.create_task(READS[name](nodes, grove.project_id, guard))
        await until_blocked(reading, run_cypher)
        new, changed = row("new", root, score=0.9, seq=2), {"id": "root", "score": 0.5}
        await transaction.write(rows_of(fold_of([new], [changed])))
        await transaction.commit(2, "chain 2", NO_CHAIN)
    found = await reading
    assert found is not None
    assert {mark.applied for mark in seen if mark is not None} == {2}
    scores = dict(zip(found["id"], found["score"], strict=True))
    assert scores["new"] == 0.9
    assert scores.get("root", 0.5) == 0.5


@pytest.mark.parametrize("name", READS)
async def test_a_read_that_waited_for_a_deletion_is_to_be_asked_again(
    name: str, grove: Grove, graph: Graph, nodes: NodeRepository, run_cypher: RunCypher
) -> None:
    """A16: Neo4j refuses to lock what is gone, which is no fault of who asked."""
    await grove.plant([row("root", score=0.1)])

    async def guard(mark: Watermark | None) -> int:
        assert mark is None
        return 0

    async with graph.writing() as transaction:
        await transaction.run("project.lock_watermark", project_id=grove.project_id)
        reading = asyncio.create_task(READS[name](nodes, grove.project_id, guard))
        await until_blocked(reading, run_cypher)
        await transaction.run("project.drop_watermark", project_id=grove.project_id)
        await transaction.commit()
    with pytest.raises(UnavailableError):
        await reading
    assert not await READS[name](nodes, grove.project_id, guard), "nothing is there to read"


async def test_an_apply_that_waited_for_a_deletion_is_to_be_tried_again(
    grove: Grove, graph: Graph, writer: GraphWriter, run_cypher: RunCypher
) -> None:
    """A16: it then finds that there is no watermark."""
    async with graph.writing() as transaction:
        await transaction.run("project.lock_watermark", project_id=grove.project_id)
        looking = asyncio.create_task(writer.watermark(grove.project_id))
        await until_blocked(looking, run_cypher)
        await transaction.run("project.drop_watermark", project_id=grove.project_id)
        await transaction.commit()
    with pytest.raises(UnavailableError):
        await looking
    assert await writer.watermark(grove.project_id) is None


async def test_an_error_between_two_statements_frees_the_lock(
    grove: Grove, writer: GraphWriter
) -> None:
    with pytest.raises(DivergedError):
        async with writer.apply(grove.project_id):
            raise DivergedError("the delivery says no")
    await grove.plant([row("root")])


@pytest.mark.parametrize("name", READS)
async def test_a_read_commits_nothing(
    name: str, grove: Grove, nodes: NodeRepository, newest_commit: Callable[[], Awaitable[str]]
) -> None:
    """It takes a lock that is a writer's, and yet no disk that is full may keep anyone from it."""
    await grove.plant([row("root", score=0.1)])
    before = await newest_commit()
    await READS[name](nodes, grove.project_id, at_least(1))
    assert await newest_commit() == before


UNDER: dict[str, Callable[[NodeRepository, str, Guard], Coroutine[Any, Any, Columns | None]]] = {
    "children": lambda nodes, project, guard: nodes.children(project, guard, "new"),
    "subtree": lambda nodes, project, guard: nodes.subtree(project, guard, "new"),
    "alive_nodes": lambda nodes, project, guard: nodes.alive_nodes(project, guard, under="new"),
    "leaves": lambda nodes, project, guard: nodes.leaves(project, guard, under="new"),
    "best_nodes": lambda nodes, project, guard: nodes.best_nodes(project, guard, 9, under="new"),
}


@pytest.mark.parametrize("name", UNDER)
async def test_a_node_that_comes_while_it_is_looked_for_comes_with_what_is_under_it(
    name: str, grove: Grove, nodes: NodeRepository
) -> None:
    """A17: nothing under a node, and the node itself, are never of two positions."""
    asked = 0

    async def guard(_: Watermark | None) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:  # the first statement has found nothing
            new = row("new", score=0.5, seq=1)
            await grove.plant([new, row("below", new, score=0.9, seq=1)])
        return 1

    found = await UNDER[name](nodes, grove.project_id, guard)
    assert found is not None
    assert "below" in found["id"]
