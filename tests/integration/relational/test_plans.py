"""What a flush reads, it finds by index: also by plans that were made for empty tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from sapwood import Database
from sapwood.relational import (
    branch_rows,
    branch_stats,
    journal,
    label_pairs,
    rubric_scores,
    score_cache,
)

from .test_database import own_database

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

DIALECT: Any = PGDialect_asyncpg
RUBRIC_SCORES = str(rubric_scores._OF_NODES.compile(dialect=DIALECT()))
STATS = str(branch_stats._READ.compile(dialect=DIALECT()))
CACHED = str(score_cache._CACHED.compile(dialect=DIALECT()))

PAIRS = str(label_pairs._PAIRS.compile(dialect=DIALECT()))


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
    ],
)
async def test_a_plan_for_empty_tables_looks_up_each_node(
    servers: Endpoints, query: str, index: str, column: str
) -> None:
    """Such a plan is kept by a session until the table is analysed, a minute or more."""
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        async with database.transaction() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            plan = await _generic_plan(driver, query)
        await database.close()
    uses = [at for at, line in enumerate(plan) if index in line.split()]
    assert uses
    for at in uses:
        assert "project_id" in plan[at + 1]
        assert column in plan[at + 1], "else it goes through all rows of the project"


async def _generic_plan(driver: Any, query: str) -> list[str]:
    """Return the lines of the plan that is kept for any parameters."""
    count = len(set(re.findall(r"\$\d+", query)))
    nothing = ", ".join(["NULL"] * count)
    await driver.execute("SET plan_cache_mode = force_generic_plan")
    await driver.execute(f"PREPARE explained AS {query}")
    return [row[0] for row in await driver.fetch(f"EXPLAIN EXECUTE explained ({nothing})")]
