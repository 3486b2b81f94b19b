"""What a flush reads, it finds by index: also by plans that were made for empty tables."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from sapwood import Database
from sapwood.relational import (
    branch_rows,
    branch_stats,
    journal,
    label_pairs,
    labels,
    rubric_scores,
    score_cache,
    score_preview,
)

from .test_database import own_database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints

DIALECT: Any = PGDialect_asyncpg


def compiled(statement: Any) -> str:
    """Return a statement of SQLAlchemy as the driver gets it."""
    return str(statement.compile(dialect=DIALECT()))


RUBRIC_SCORES = rubric_scores._OF_NODES.text
STATS = compiled(branch_stats._READ)
CACHED = compiled(score_cache._CACHED)
LENT = compiled(score_cache._CACHED_BY_CONTENT)
PREVIEW = compiled(score_preview._PREVIEW_OF_NODES)
UNLABELLED = compiled(labels._UNLABELLED)
PAIRS = compiled(label_pairs._PAIRS)


@pytest.mark.parametrize(
    ("query", "index", "column"),
    [
        (journal._REGISTERED, "pk_node_ref", "node_id"),
        (RUBRIC_SCORES, "pk_principle_score", "node_id"),
        (CACHED, "pk_principle_score", "node_id"),
        (CACHED, "pk_node_ref", "node_id"),
        (STATS, "pk_branch_stats", "node_id"),
        (branch_rows._NEEDED, "pk_branch_stats", "node_id"),
        (branch_rows._NEEDED, "ix_branch_stats_project_id_parent_id", "parent_id"),
        (branch_rows._BEST_CHILDREN, "ix_branch_stats_project_id_parent_id", "parent_id"),
        (PAIRS, "pk_principle_score", "node_id"),
        (PAIRS, "ix_node_ref_project_id_content_digest", "content_digest"),
        (LENT, "pk_node_ref", "node_id"),
        (PREVIEW, "pk_principle_score", "node_id"),
        (PREVIEW, "pk_node_ref", "node_id"),
    ],
    ids=[
        "register",
        "rubric scores",
        "cached scores",
        "cached scores' nodes",
        "branch stats",
        "rows that changes need",
        "rows below a prune",
        "best children",
        "labelled scores",
        "labelled contents",
        "lent scores' nodes",
        "preview",
        "preview's nodes",
    ],
)
@pytest.mark.parametrize("emptied", [False, True], ids=["new", "emptied"])
async def test_a_plan_for_empty_tables_looks_up_each_node(
    servers: Endpoints, query: str, index: str, column: str, *, emptied: bool
) -> None:
    """Such a plan is kept by a session until the table is analysed, a minute or more."""
    async with fresh_tables(servers, emptied=emptied) as driver:
        plan = await _generic_plan(driver, query)
    uses = [at for at, line in enumerate(plan) if index in line.split()]
    assert uses
    for at in uses:
        assert "project_id" in plan[at + 1]
        assert column in plan[at + 1], "else it goes through all rows of the project"


OF_PROJECT = "SELECT FROM sapwood.node_ref WHERE project_id = $1"
OTHERS = """
INSERT INTO sapwood.node_ref
SELECT 'other', 'n' || i, 0, substring(d, 1, 16), substring(d, 1, 16)
FROM generate_series(1, 2000) i CROSS JOIN LATERAL (SELECT sha256(i::text::bytea) AS d) digests
"""


@pytest.mark.parametrize(
    ("query", "values", "index"),
    [
        (journal._REGISTERED, "'mine', 'a,b'", "pk_node_ref"),
        (f"{OF_PROJECT} AND node_id = $2", "'mine', 'a'", "pk_node_ref"),
        (
            f"{OF_PROJECT} AND content_digest = $2 AND octet_length(content_digest) = 16",
            r"'mine', '\x00'",
            "ix_node_ref_project_id_content_digest",
        ),
    ],
    ids=["register", "references", "contents"],
)
async def test_a_project_that_no_statistics_know_looks_up_each_node(
    servers: Endpoints, query: str, values: str, index: str
) -> None:
    """Two indexes begin with the project; of an unknown one, both would seem to hold no row."""
    async with fresh_tables(servers) as driver:
        await driver.execute(OTHERS)
        await driver.execute("ANALYZE sapwood.node_ref")
        await driver.execute("SET plan_cache_mode = force_custom_plan")
        await driver.execute(f"PREPARE explained AS {query}")
        plan = await driver.fetch(f"EXPLAIN EXECUTE explained ({values})")
    assert index in "\n".join(line[0] for line in plan)


async def test_scores_are_lent_by_one_look_up_of_each_content(servers: Endpoints) -> None:
    async with fresh_tables(servers) as driver:
        plan = await _generic_plan(driver, LENT)
    name = "ix_node_ref_project_id_content_digest"
    at = next(number for number, line in enumerate(plan) if name in line)
    assert "content_digest" in plan[at + 1]


@pytest.mark.parametrize("query", [PAIRS, UNLABELLED], ids=["pairs", "unlabelled"])
async def test_labels_are_never_held_each_against_each(servers: Endpoints, query: str) -> None:
    async with fresh_tables(servers) as driver:
        plan = await _generic_plan(driver, query)
    assert not [line for line in plan if "Join Filter" in line and "content_digest" in line]


@asynccontextmanager
async def fresh_tables(servers: Endpoints, *, emptied: bool = False) -> AsyncGenerator[Any]:
    """Lend the driver's connection of a session on new tables.

    Args:
        emptied: They look to PostgreSQL as if it knew that they have no row.
    """
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        if emptied:
            outside = await asyncpg.connect(url)  # VACUUM runs in no transaction
            await outside.execute("VACUUM ANALYZE")
            await outside.close()
        async with database.transaction() as connection:
            yield (await connection.get_raw_connection()).driver_connection
        await database.close()


async def _generic_plan(driver: Any, query: str) -> list[str]:
    """Return the lines of the plan that is kept for any parameters."""
    count = len(set(re.findall(r"\$\d+", query)))
    nothing = ", ".join(["NULL"] * count)
    await driver.execute("SET plan_cache_mode = force_generic_plan")
    await driver.execute(f"PREPARE explained AS {query}")
    return [row[0] for row in await driver.fetch(f"EXPLAIN EXECUTE explained ({nothing})")]
