"""Connecting: what is checked, what is bounded, what is never shown."""

from __future__ import annotations

import asyncio
import logging
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from sapwood import Database, SapwoodError, SchemaError, StoreError, UnavailableError
from sapwood.relational import Journal, ProjectRepository

from .building import batch, node

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

    from ...conftest import RunSql
    from .building import Writer

SENTINEL = "sentinel-secret"


@asynccontextmanager
async def own_database(servers: Endpoints, *settings: str) -> AsyncGenerator[str]:
    """A database of its own on the same server, with these settings; yields its URL."""
    name = f"sapwood_{uuid4().hex[:12]}"
    url = servers.database_url.get_secret_value()
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        for setting in settings:
            await admin.execute(f"ALTER DATABASE {name} SET {setting}")
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@asynccontextmanager
async def without_tables(servers: Endpoints) -> AsyncGenerator[Database]:
    """A database of its own, open, in which nothing was made yet."""
    async with own_database(servers) as url:
        database = Database(url)
        yield database
        await database.close()


async def test_a_fresh_database_says_to_call_create_tables(servers: Endpoints) -> None:
    async with own_database(servers) as url:
        database = Database(url)
        with pytest.raises(SchemaError, match="create_tables"):
            await database.check()
        with pytest.raises(SchemaError, match="create_tables"):
            await ProjectRepository(database).get("p")

        await database.create_tables()
        await database.check()
        await database.create_tables()
        await ProjectRepository(database).ensure("p")
        await database.drop_tables()
        await database.drop_tables()

        with pytest.raises(SchemaError, match="create_tables"):
            await database.check()
        await database.close()


async def test_many_processes_may_create_the_tables_at_once(servers: Endpoints) -> None:
    async with own_database(servers) as url:
        databases = [Database(url) for _ in range(4)]
        await asyncio.gather(*(each.create_tables() for each in databases * 3))
        for each in databases:
            await each.check()
            await each.close()


async def test_tables_of_a_newer_release_are_left_alone(servers: Endpoints) -> None:
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        async with database.transaction() as connection:
            await connection.execute(
                text("UPDATE sapwood.alembic_version SET version_num = '9999'")
            )

        for refused in (database.check, database.create_tables, database.drop_tables):
            with pytest.raises(SchemaError, match="Upgrade sapwood"):
                await refused()
        await database.close()


async def test_a_database_that_gives_up_durability_is_refused(servers: Endpoints) -> None:
    """Hazards A9 and C11: at open, and again at each commit."""
    async with own_database(servers, "synchronous_commit = off") as url:
        database = Database(url)
        await database.create_tables()
        with pytest.raises(SchemaError, match="synchronous_commit = on"):
            await database.check()

        projects = ProjectRepository(database)
        await projects.ensure("p")
        epoch = await projects.claim_epoch("p")
        with pytest.raises(SchemaError, match="synchronous_commit = on"):
            await Journal(database).commit("p", epoch, batch(node()))
        assert (await projects.head("p")).seq == 0
        await database.close()


async def test_every_session_has_timeouts(database: Database) -> None:
    """Hazard C3."""
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    async with database.transaction() as connection:
        version = await connection.scalar(text("SELECT current_setting('server_version_num')::int"))
        if version >= 170000:
            names.append("transaction_timeout")
        for name in names:
            found = await connection.scalar(text("SELECT current_setting(:name)"), {"name": name})
            assert found not in {"0", ""}, name


async def test_a_project_that_is_locked_too_long_is_unavailable_not_lost(
    servers: Endpoints, writer: Writer, run_sql: RunSql
) -> None:
    assert run_sql is not None
    impatient = Database(servers.database_url, lock_timeout_s=0.05)
    async with Database.transaction(writer.journal._database) as connection:
        statement = text("SELECT 1 FROM sapwood.project WHERE id = :id FOR UPDATE")
        await connection.execute(statement, {"id": writer.project_id})
        with pytest.raises(UnavailableError) as refused:
            await Journal(impatient).commit(writer.project_id, writer.epoch, batch(node()))
    assert refused.value.code == "55P03"
    assert not refused.value.unknown_outcome
    await impatient.close()


async def test_a_statement_that_takes_too_long_is_unavailable(servers: Endpoints) -> None:
    impatient = Database(servers.database_url, statement_timeout_s=0.05)
    with pytest.raises(UnavailableError) as refused:
        async with impatient.transaction() as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))
    assert refused.value.code == "57014"
    await impatient.close()


async def test_a_pool_in_use_is_unavailable_after_its_time(servers: Endpoints) -> None:
    small = Database(servers.database_url, pool_size=1, pool_timeout_s=0.05)
    async with small.transaction() as connection:
        await connection.execute(text("SELECT 1"))
        with pytest.raises(UnavailableError, match="pool_size"):
            async with small.transaction():
                pass
    await small.close()


async def test_those_who_share_connections_take_turns(servers: Endpoints) -> None:
    """The pool let some come three times as far as others."""
    small = Database(servers.database_url, pool_size=4)
    came = [0] * 40

    async def ask(who: int) -> None:
        while max(came) < 20:
            async with small.transaction() as connection:
                await connection.execute(text("SELECT 1"))
            came[who] += 1

    await asyncio.gather(*(ask(who) for who in range(len(came))))
    assert min(came) >= 18
    await small.close()


async def test_a_snapshot_sees_one_instant_and_writes_nothing(
    database: Database, other_database: Database, project_id: str
) -> None:
    projects = ProjectRepository(other_database)
    count = text("SELECT count(*) FROM sapwood.project WHERE id = :id")
    async with database.transaction(read_only_snapshot=True) as connection:
        assert await connection.scalar(count, {"id": project_id}) == 0
        await projects.ensure(project_id)
        assert await connection.scalar(count, {"id": project_id}) == 0
    async with database.transaction() as connection:
        assert await connection.scalar(count, {"id": project_id}) == 1
    with pytest.raises(StoreError) as refused:
        async with database.transaction(read_only_snapshot=True) as connection:
            await connection.execute(text("DELETE FROM sapwood.project WHERE id = 'nobody'"))
    assert refused.value.code == "25006"


async def test_connections_come_back_clean_after_every_kind_of_end(database: Database) -> None:
    """Hazard C2: errors and cancellations leave nothing checked out and no open transaction."""
    for number in range(20):
        task = asyncio.create_task(_use(database, number))
        if number % 2:
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with database.transaction() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    assert database.engine.pool.status().split("Current Checked out connections: ")[1] == "0"


async def _use(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1"))
        await connection.execute(text("SELECT pg_sleep(0.001)"))
        if number % 4 == 0:
            raise RuntimeError("the caller's own")
        await connection.execute(text("SELECT 1 / 0"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:sentinel-secret@127.0.0.1:1/d",
        "postgresql://ann:sentinel-secret@127.0.0.1:port/d",
        "postgresql://ann:sentinel-secret@127.0.0.1:1/d?sslmode=sentinel-secret",
        "postgresql://ann:sentinel-secret@/d?host=/no/such/folder",
        "postgresql://h/d?host=127.0.0.1&port=sentinel-secret&user=u&password=sentinel-secret",
    ],
)
async def test_no_failure_to_connect_shows_the_password(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Hazard F5."""
    caplog.set_level(logging.DEBUG)
    database = Database(url, allow_insecure=True)
    with pytest.raises(SapwoodError) as refused:
        await database.check()

    shown = "".join(traceback.format_exception(refused.value))
    for text_ in (shown, repr(database), str(vars(database)), caplog.text):
        assert SENTINEL not in text_
    await database.close()


async def test_a_wrong_password_is_not_retryable(servers: Endpoints) -> None:
    url = urlsplit(servers.database_url.get_secret_value())
    user, host = url.username, f"{url.hostname}:{url.port}"
    wrong = Database(url._replace(netloc=f"{user}:{SENTINEL}@{host}").geturl())

    with pytest.raises(StoreError) as refused:
        await wrong.check()

    assert refused.value.code == "28P01"
    assert not refused.value.retryable
    assert SENTINEL not in "".join(traceback.format_exception(refused.value))
    await wrong.close()


async def test_no_refused_flush_shows_contents(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """Hazard F5: a failing row's contents are in PostgreSQL's details."""
    caplog.set_level(logging.DEBUG)
    bad = node(content=SENTINEL, id="n")._replace(digest=SENTINEL.encode())

    with pytest.raises(StoreError) as refused:
        await writer.commit(bad)

    assert refused.value.code == "23514"
    shown = "".join(traceback.format_exception(refused.value))
    assert "ck_node_ref_digest_length" in shown
    for text_ in (shown, caplog.text):
        assert SENTINEL not in text_
        assert SENTINEL.encode().hex() not in text_
