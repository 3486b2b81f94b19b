"""The migrations make what the models say, and take it back."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import configure_mappers

from sapwood.relational import schema
from sapwood.relational.tables import Base

from .test_database import without_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood import Database
    from sapwood.servers import Endpoints

OBJECTS = text(
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'sapwood'"
)


@pytest.fixture
async def fresh(servers: Endpoints) -> AsyncIterator[Database]:
    async with without_tables(servers) as database:
        yield database


def test_there_is_one_head_and_a_line_to_it() -> None:
    scripts = ScriptDirectory.from_config(schema.config())

    assert scripts.get_heads() == [schema.head()]
    assert scripts.get_bases() == ["0001"]
    assert schema.revisions() == {script.revision for script in scripts.walk_revisions()}


async def test_the_migrations_make_what_the_models_say(fresh: Database) -> None:
    await fresh.create_tables()
    async with fresh.transaction() as connection:
        await connection.run_sync(lambda sync: command.check(schema.config(sync)))


async def test_checks_and_names_are_those_of_the_models(fresh: Database) -> None:
    """What Alembic does not compare: check constraints, collations, storage."""
    await fresh.create_tables()
    constraints = text(
        "SELECT conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace"
        " WHERE n.nspname = 'sapwood' AND contype <> 'n' AND conname NOT LIKE 'alembic%'"
    )
    collations = text(
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'sapwood' AND collation_name = 'C'"
    )
    payload = text(
        "SELECT attstorage FROM pg_attribute WHERE attname = 'payload'"
        " AND attrelid = 'sapwood.journal'::regclass"
    )
    async with fresh.transaction() as connection:
        names = set((await connection.scalars(constraints)).all())
        bytewise = set((await connection.scalars(collations)).all())
        storage = await connection.scalar(payload)

    tables = Base.metadata.sorted_tables
    assert names == {str(each.name) for table in tables for each in table.constraints}
    assert bytewise == {
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if getattr(column.type, "collation", None) == "C"
    }
    assert storage in {"e", b"e"}


async def test_every_migration_goes_down_and_up_again(fresh: Database) -> None:
    await fresh.create_tables()
    async with fresh.transaction() as connection:
        before = await connection.scalar(OBJECTS)
        await connection.run_sync(lambda sync: command.downgrade(schema.config(sync), "base"))
        left = await connection.scalar(OBJECTS)
        await connection.run_sync(lambda sync: command.upgrade(schema.config(sync), "head"))
        assert await connection.scalar(OBJECTS) == before
    assert left == 2, "the version table and its key"


async def test_the_sql_for_an_administrator_makes_the_same_tables(fresh: Database) -> None:
    out = StringIO()
    config = schema.config()
    config.output_buffer = out
    command.upgrade(config, "head", sql=True)
    sql = re.sub(r"\b(BEGIN|COMMIT);", "", out.getvalue())

    async with fresh.transaction() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await connection.execute(text("SELECT 1"))
        await raw.driver_connection.execute(sql)
    await fresh.check()


async def test_nothing_is_made_in_public(fresh: Database) -> None:
    await fresh.create_tables()
    async with fresh.transaction() as connection:
        found = await connection.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        )
        assert found.all() == []


def test_every_key_and_reference_begins_with_the_project() -> None:
    for table in Base.metadata.sorted_tables:
        owner = "id" if table.name == "project" else "project_id"
        assert next(iter(table.primary_key.columns)).name == owner
        for reference in table.foreign_key_constraints:
            assert reference.column_keys[0] == owner


def test_the_relationships_hold_together() -> None:
    configure_mappers()
