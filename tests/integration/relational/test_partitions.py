"""Tables that are divided by project: as the models say, kept so, and a project is in one part."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import delete, func, insert, select, text

from sapwood import Database, SchemaError, SettingsError
from sapwood.relational import branch_rows, entries, journal, projects, schema, scores
from sapwood.relational.partitions import GROWING
from sapwood.relational.tables import Base, NodeRef, ProjectRow

from .test_database import without_tables
from .test_plans import CACHED, LENT, PAIRS, PREVIEW, RUBRIC_SCORES, STATS, UNLABELLED, compiled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sapwood.servers import Endpoints

PARTITIONS = 8
PARTS = text(
    "SELECT whole.relname AS divided, count(*) AS parts,"
    " array_agg(DISTINCT coalesce(array_to_string(part.reloptions, ' '), '')) AS options"
    " FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid"
    " JOIN pg_class whole ON whole.oid = inhparent WHERE part.relkind = 'r' GROUP BY 1"
)
COLUMNS = text(
    "SELECT DISTINCT attstorage, coalesce(attstattarget, -1) FROM pg_attribute"
    " WHERE attname = :column AND attrelid IN (SELECT inhrelid FROM pg_inherits"
    " WHERE inhparent = CAST(:divided AS regclass))"
)
HOT = {
    "register": journal._REGISTERED,
    "link": compiled(journal._LINK),
    "advance": journal._ADVANCE,
    "entries": compiled(entries._ENTRIES),
    "receipt": compiled(entries._RECEIPT),
    "scores": compiled(scores._COLUMNS),
    "rubric scores": RUBRIC_SCORES,
    "cached scores": CACHED,
    "lent scores": LENT,
    "preview": PREVIEW,
    "stats": STATS,
    "rows that changes need": branch_rows._NEEDED,
    "best children": branch_rows._BEST_CHILDREN,
    "pairs": PAIRS,
    "unlabelled": UNLABELLED,
}


@pytest.fixture
async def fresh(servers: Endpoints) -> AsyncIterator[Database]:
    async with without_tables(servers) as database:
        yield database


async def divided(connection: AsyncConnection) -> dict[str, int]:
    """Return how many partitions each table has, of those that have any."""
    return {row.divided: row.parts for row in await connection.execute(PARTS)}


ALL = dict.fromkeys(GROWING, PARTITIONS)


async def test_the_tables_that_grow_are_divided_and_else_as_the_models_say(fresh: Database) -> None:
    await fresh.create_tables(partitions=PARTITIONS)
    await fresh.check()
    async with fresh.transaction() as connection:
        assert await divided(connection) == ALL
        await connection.run_sync(lambda sync: command.check(schema.config(sync)))
        options = {row.divided: row.options for row in await connection.execute(PARTS)}
        payload = {"column": "payload", "divided": "sapwood.journal"}
        register = {"column": "project_id", "divided": "sapwood.node_ref"}
        stored = (await connection.execute(COLUMNS, payload)).all()
        counted = (await connection.execute(COLUMNS, register)).all()
    assert options["branch_stats"] == ["fillfactor=80"]
    assert [row[0] for row in stored] == [b"e"]
    assert [row[1] for row in counted] == [0]


async def test_the_number_of_partitions_is_chosen_once(fresh: Database) -> None:
    await fresh.create_tables(partitions=PARTITIONS)
    await fresh.create_tables(partitions=PARTITIONS)
    await fresh.create_tables()
    with pytest.raises(SchemaError, match="have 8 partitions, and not 16"):
        await fresh.create_tables(partitions=16)
    await fresh.drop_tables()
    await fresh.create_tables()
    with pytest.raises(SchemaError, match="have no partitions, and not 8"):
        await fresh.create_tables(partitions=PARTITIONS)


@pytest.mark.parametrize("number", [-1, 0, 1, 257])
async def test_what_is_no_number_of_partitions_is_refused(fresh: Database, number: int) -> None:
    with pytest.raises(SettingsError, match="from 2 to 256"):
        await fresh.create_tables(partitions=number)
    with pytest.raises(SchemaError, match="no tables"):
        await fresh.check()


async def test_older_tables_keep_their_partitions_and_later_ones_get_as_many(
    fresh: Database,
) -> None:
    """`branch_stats` is made anew by 0003."""
    await fresh.create_tables(partitions=PARTITIONS)
    async with fresh.transaction() as connection:
        await connection.run_sync(lambda sync: command.downgrade(schema.config(sync), "0002"))
    with pytest.raises(SchemaError, match="not 16"):
        await fresh.create_tables(partitions=16)
    await fresh.create_tables()
    async with fresh.transaction() as connection:
        assert await divided(connection) == ALL
        await connection.run_sync(lambda sync: command.check(schema.config(sync)))


async def test_the_sql_for_an_administrator_divides_too(fresh: Database) -> None:
    out = StringIO()
    config = schema.config(partitions=PARTITIONS)
    config.output_buffer = out
    command.upgrade(config, "head", sql=True)
    sql = re.sub(r"\b(BEGIN|COMMIT);", "", out.getvalue())
    async with fresh.transaction() as connection:
        raw: Any = await connection.get_raw_connection()
        await connection.execute(text("SELECT 1"))
        await raw.driver_connection.execute(sql)
        assert await divided(connection) == ALL
    await fresh.check()


@pytest.fixture(scope="module")
async def parted(servers: Endpoints) -> AsyncIterator[Database]:
    async with without_tables(servers) as database:
        await database.create_tables(partitions=PARTITIONS)
        yield database


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("name", HOT)
async def test_a_plan_goes_to_one_partition(parted: Database, name: str, mode: str) -> None:
    async with parted.transaction() as connection:
        raw: Any = await connection.get_raw_connection()
        await connection.execute(text("SELECT 1"))
        driver = raw.driver_connection
        await driver.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await driver.execute(f"PREPARE explained AS {HOT[name]}")
        types = await driver.fetchval(
            "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'explained'"
        )
        values = ", ".join(VALUES[each] for each in types)
        lines = [row[0] for row in await driver.fetch(f"EXPLAIN EXECUTE explained ({values})")]
        await driver.execute("DEALLOCATE explained")
    scanned = [found for line in lines for found in re.findall(r" on (\w+?)_p(\d+)\b", line)]
    assert {table for table, _ in scanned} == GROWING & set(
        re.findall(r"sapwood\.(\w+)", HOT[name])
    )
    assert len({number for _, number in scanned}) == 1, "\n".join(lines)


VALUES = {
    "text": "'mine'",
    "character varying": "'mine'",
    "text[]": "'{a}'",
    "bytea[]": r"'{\\x00}'",
    "bigint": "1",
    "integer": "1",
    "bigint[]": "'{1}'",
    "double precision": "1",
}


async def test_deleting_a_project_takes_no_row_of_another(parted: Database) -> None:
    """A `ctid` names a row of each partition; by it alone, a deletion took those of others."""
    repository = projects.ProjectRepository(parted)
    names = [f"p{number}" for number in range(2 * PARTITIONS)]
    rows = [
        {"node_id": f"n{at}", "depth": 0, "digest": b"d" * 16, "content_digest": b"c" * 16}
        for at in range(100)
    ]
    for name in names:
        await repository.ensure(name)
        async with parted.transaction() as connection:
            await connection.execute(insert(NodeRef), [{"project_id": name, **row} for row in rows])
    await repository.mark_deleting("p0")
    await repository.delete_rows("p0")
    async with parted.transaction() as connection:
        left = select(NodeRef.project_id, func.count()).group_by(NodeRef.project_id)
        found = {row[0]: row[1] for row in await connection.execute(left)}
        await connection.execute(delete(NodeRef))
        await connection.execute(delete(ProjectRow))
    assert found == dict.fromkeys(names[1:], 100)


def test_the_tables_that_are_divided_are_the_models_own() -> None:
    assert {f"sapwood.{name}" for name in GROWING} <= Base.metadata.tables.keys()


def test_every_key_of_a_divided_table_holds_the_project() -> None:
    """PostgreSQL keeps a key unique within a partition only."""
    for name in GROWING:
        table = Base.metadata.tables[f"sapwood.{name}"]
        keys = [key for key in table.constraints if type(key).__name__ in KEYS]
        assert keys
        assert all("project_id" in key.columns for key in keys)  # type: ignore[attr-defined]


KEYS = {"PrimaryKeyConstraint", "UniqueConstraint"}
