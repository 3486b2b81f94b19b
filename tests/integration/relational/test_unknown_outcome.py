"""A commit whose reply was lost: what is said of it, and that it is stored once (A3)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest

from sapwood import Database, UnavailableError, failpoints
from sapwood.relational import Journal, ProjectRepository
from sapwood.relational import database as database_module

from ...faults.addresses import postgres_place, postgres_through
from ...faults.proxy import POSTGRES_COMMIT, Proxy
from .building import Writer, batch, node, state, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

    from ...conftest import RunSql

SLOW_COMMIT = (
    "CREATE OR REPLACE FUNCTION public.wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext(TG_NAME)); RETURN NULL; END $$"
)


@asynccontextmanager
async def behind_a_proxy(
    servers: Endpoints, project_id: str
) -> AsyncGenerator[tuple[Writer, Proxy]]:
    async with Proxy(*postgres_place(servers)) as proxy:
        database = Database(postgres_through(servers, proxy.port))
        try:
            projects = ProjectRepository(database)
            await projects.ensure(project_id)
            epoch = await projects.claim_epoch(project_id)
            yield Writer(Journal(database), project_id, epoch), proxy
        finally:
            await database.close()


async def test_a_commit_that_was_made_but_not_heard_of_is_found(
    servers: Endpoints, project_id: str, journal: Journal
) -> None:
    async with behind_a_proxy(servers, project_id) as (writer, proxy):
        await writer.commit(node())
        once = batch(node())
        proxy.cut_after = POSTGRES_COMMIT

        with pytest.raises(UnavailableError) as lost:
            await writer.journal.commit(project_id, writer.epoch, once)

        assert lost.value.unknown_outcome
        assert proxy.cuts == 1
        receipt = await writer.journal.outcome(project_id, once.id)
        assert receipt is not None
        assert receipt.seq == 2
        assert await writer.journal.commit(project_id, writer.epoch, once) == receipt
        assert (await journal.head(project_id)).seq == 2


async def test_a_connection_cut_before_the_commit_stores_nothing_and_the_batch_may_come_again(
    servers: Endpoints, project_id: str
) -> None:
    async with behind_a_proxy(servers, project_id) as (writer, proxy):
        once = batch(node())
        proxy.cut_after = b"INSERT INTO sapwood.journal"

        with pytest.raises(UnavailableError) as lost:
            await writer.journal.commit(project_id, writer.epoch, once)

        assert lost.value.unknown_outcome, "it could not know, so it must say so"
        assert await writer.journal.outcome(project_id, once.id) is None
        assert (await writer.journal.commit(project_id, writer.epoch, once)).seq == 1


async def test_a_backend_killed_before_its_commit_stores_nothing(
    writer: Writer, servers: Endpoints, run_sql: RunSql
) -> None:
    once = batch(node())
    async with _held(writer, servers):
        task = asyncio.create_task(writer.journal.commit(writer.project_id, writer.epoch, once))
        await until(lambda: _killed(run_sql, "UPDATE sapwood.project%"))
        with pytest.raises(UnavailableError) as lost:
            await task
    assert lost.value.unknown_outcome
    assert await writer.journal.outcome(writer.project_id, once.id) is None
    assert (await writer.journal.commit(writer.project_id, writer.epoch, once)).seq == 1


async def test_a_backend_killed_in_its_commit_is_in_doubt(writer: Writer, run_sql: RunSql) -> None:
    once = batch(node())
    async with _slow_commit(run_sql, writer.project_id):
        task = asyncio.create_task(writer.journal.commit(writer.project_id, writer.epoch, once))
        await until(lambda: _killed(run_sql, "COMMIT%"))
        with pytest.raises(UnavailableError) as lost:
            await task
    assert lost.value.unknown_outcome
    assert await writer.journal.outcome(writer.project_id, once.id) is None
    assert (await writer.journal.commit(writer.project_id, writer.epoch, once)).seq == 1


async def test_the_outcome_of_a_commit_cancelled_under_way_is_final(
    writer: Writer, run_sql: RunSql
) -> None:
    once = batch(node())
    async with _slow_commit(run_sql, writer.project_id):
        task = asyncio.create_task(writer.journal.commit(writer.project_id, writer.epoch, once))
        await until(lambda: _is_running(run_sql, "COMMIT%"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    receipt = await writer.journal.outcome(writer.project_id, once.id)
    again = await writer.journal.commit(writer.project_id, writer.epoch, once)

    assert again.seq == 1
    assert receipt in (None, again)


async def test_a_commit_cancelled_at_any_moment_is_stored_once_or_not_at_all(
    servers: Endpoints, project_id: str, run_sql: RunSql
) -> None:
    """Hazard C2: after each cancellation the pool is whole and the next call works."""
    database = Database(servers.database_url, pool_size=2)
    projects, journal = ProjectRepository(database), Journal(database)
    await projects.ensure(project_id)
    writer = Writer(journal, project_id, await projects.claim_epoch(project_id))
    target = node()
    await writer.commit(target)
    for moment in range(80):
        once = batch(node(target), state(moment))
        task = asyncio.create_task(journal.commit(project_id, writer.epoch, once))
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        found = await journal.outcome(project_id, once.id)
        receipt = await journal.commit(project_id, writer.epoch, once)
        assert receipt.seq == moment + 2
        assert found in (None, receipt)
    assert database.engine.pool.status().endswith("Current Checked out connections: 0")
    await database.close()
    await until(lambda: _no_transaction_left(run_sql, project_id))


async def test_the_outcome_waits_for_the_zombie(writer: Writer, run_sql: RunSql) -> None:
    once = batch(node())
    trap = failpoints.arm(failpoints.FLUSH_BEFORE_COMMIT, "hang")
    zombie = asyncio.create_task(writer.journal.commit(writer.project_id, writer.epoch, once))
    await trap.sprung.wait()
    answer = asyncio.create_task(writer.journal.outcome(writer.project_id, once.id))
    await until(lambda: _is_running(run_sql, "SELECT head_seq%FOR NO KEY UPDATE"))
    assert not answer.done()

    zombie.cancel()

    assert await answer is None
    await asyncio.gather(zombie, return_exceptions=True)


async def test_whoever_stops_right_after_the_commit_finds_it_made(writer: Writer) -> None:
    once = batch(node())
    failpoints.arm(failpoints.FLUSH_AFTER_COMMIT, "raise")

    with pytest.raises(failpoints.FailpointError):
        await writer.journal.commit(writer.project_id, writer.epoch, once)

    receipt = await writer.journal.outcome(writer.project_id, once.id)
    assert receipt is not None
    assert receipt.seq == 1


async def test_a_restart_between_two_commits_is_not_noticed(
    servers: Endpoints, writer: Writer, run_sql: RunSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hazard C8: every idle connection of the pool is ended, as a restart would."""
    name = f"restart.{writer.project_id[-16:]}"
    url = f"{servers.database_url.get_secret_value()}?application_name={name}"
    database = Database(url)
    writer = Writer(Journal(database), writer.project_id, writer.epoch)
    monkeypatch.setattr(database_module, "PING_AFTER_S", 0.0)
    await writer.commit(node())
    await run_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle'"
        " AND application_name = $1",
        name,
    )
    await until(lambda: _all_gone(run_sql, name))

    assert (await writer.commit(node())).seq == 2
    await database.close()


@asynccontextmanager
async def _held(writer: Writer, servers: Endpoints) -> AsyncGenerator[None]:
    """Somebody else holds the project's row."""
    connection = await asyncpg.connect(servers.database_url.get_secret_value())
    try:
        async with connection.transaction():
            lock = "SELECT 1 FROM sapwood.project WHERE id = $1 FOR UPDATE"
            await connection.fetch(lock, writer.project_id)
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def _slow_commit(run_sql: RunSql, project_id: str) -> AsyncGenerator[None]:
    """COMMIT waits for a lock that we hold: a deferred trigger on this project's entries."""
    trigger = f"wait_{project_id[-16:]}"
    await run_sql(SLOW_COMMIT)
    await run_sql(
        f"CREATE CONSTRAINT TRIGGER {trigger} AFTER INSERT ON sapwood.journal"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        f" WHEN (NEW.project_id = '{project_id}') EXECUTE FUNCTION public.wait_at_commit()"
    )
    await run_sql("SELECT pg_advisory_lock(hashtext($1))", trigger)
    try:
        yield
    finally:
        await run_sql("SELECT pg_advisory_unlock(hashtext($1))", trigger)
        await run_sql(f"DROP TRIGGER {trigger} ON sapwood.journal")


async def _killed(run_sql: RunSql, query: str) -> bool:
    """End the backend that runs `query` and waits for a lock, once there is one."""
    found = await run_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1"
        " AND wait_event_type = 'Lock' AND datname = current_database()",
        query,
    )
    return bool(found)


async def _is_running(run_sql: RunSql, query: str) -> bool:
    found = await run_sql(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE $1 AND wait_event_type = 'Lock'"
        " AND datname = current_database()",
        query,
    )
    return bool(found)


async def _no_transaction_left(run_sql: RunSql, project_id: str) -> bool:
    """Nobody holds a lock on the project's row."""
    return bool(
        await run_sql(
            "SELECT 1 FROM sapwood.project WHERE id = $1 FOR UPDATE SKIP LOCKED", project_id
        )
    )


async def _all_gone(run_sql: RunSql, name: str) -> bool:
    found = await run_sql("SELECT pid FROM pg_stat_activity WHERE application_name = $1", name)
    return not found
