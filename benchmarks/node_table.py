"""A table of nodes in PostgreSQL, as one would make it without a graph: the peer of the reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from harness import Bench

    from sapwood.tree import Tree

SCHEMA: Final = "sapwood_bench"
TABLE: Final = """
CREATE TABLE sapwood_bench.node (
  project_id text NOT NULL,
  id text NOT NULL,
  parent_id text,
  content text NOT NULL,
  attributes text NOT NULL,
  status text NOT NULL,
  status_reason text,
  score double precision,
  rubric_score double precision,
  iteration bigint NOT NULL,
  depth bigint NOT NULL,
  created_at timestamptz NOT NULL,
  seq bigint NOT NULL
)
"""
INDEXES: Final = (
    "ALTER TABLE sapwood_bench.node ADD PRIMARY KEY (project_id, id)",
    "CREATE INDEX ON sapwood_bench.node (project_id, parent_id)",
    "CREATE INDEX ON sapwood_bench.node (project_id, status)",
    "CREATE INDEX ON sapwood_bench.node (project_id, score)",
    "VACUUM ANALYZE sapwood_bench.node",
)
SUBTREE: Final = """
WITH RECURSIVE below AS (
  SELECT * FROM sapwood_bench.node WHERE project_id = $1 AND id = $2
  UNION ALL
  SELECT n.* FROM below
  JOIN sapwood_bench.node n ON n.project_id = $1 AND n.parent_id = below.id
)
SELECT
  id, parent_id, content, attributes, status, status_reason, score, rubric_score, iteration,
  depth, created_at, seq
FROM below ORDER BY depth, id
"""
ALIVE: Final = """
SELECT id FROM sapwood_bench.node WHERE project_id = $1 AND status = 'alive' ORDER BY depth, id
"""
ALIVE_BELOW: Final = """
WITH RECURSIVE below AS (
  SELECT id, depth, status FROM sapwood_bench.node WHERE project_id = $1 AND id = $2
  UNION ALL
  SELECT n.id, n.depth, n.status FROM below
  JOIN sapwood_bench.node n ON n.project_id = $1 AND n.parent_id = below.id
)
SELECT id FROM below WHERE status = 'alive' ORDER BY depth, id
"""
ALIVE_NODES_BELOW: Final = """
WITH RECURSIVE below AS (
  SELECT * FROM sapwood_bench.node WHERE project_id = $1 AND id = $2
  UNION ALL
  SELECT n.* FROM below
  JOIN sapwood_bench.node n ON n.project_id = $1 AND n.parent_id = below.id
)
SELECT
  id, parent_id, content, attributes, status, status_reason, score, rubric_score, iteration,
  depth, created_at, seq
FROM below WHERE status = 'alive' ORDER BY depth, id
"""
BEST: Final = """
SELECT
  id, parent_id, content, attributes, status, status_reason, score, rubric_score, iteration,
  depth, created_at, seq
FROM sapwood_bench.node
WHERE project_id = $1 AND score IS NOT NULL ORDER BY score DESC, id LIMIT 100
"""
BEST_ALIVE: Final = """
SELECT
  id, parent_id, content, attributes, status, status_reason, score, rubric_score, iteration,
  depth, created_at, seq
FROM sapwood_bench.node
WHERE project_id = $1 AND status = 'alive' AND score IS NOT NULL
ORDER BY score DESC, id LIMIT 100
"""
ANCESTORS: Final = """
WITH RECURSIVE above AS (
  SELECT * FROM sapwood_bench.node WHERE project_id = $1 AND id = $2
  UNION ALL
  SELECT n.* FROM above
  JOIN sapwood_bench.node n ON n.project_id = $1 AND n.id = above.parent_id
)
SELECT
  id, parent_id, content, attributes, status, status_reason, score, rubric_score, iteration,
  depth, created_at, seq
FROM above WHERE id <> $2 ORDER BY depth DESC
"""
ANCESTOR_IDS: Final = """
WITH RECURSIVE above AS (
  SELECT id, parent_id, depth FROM sapwood_bench.node WHERE project_id = $1 AND id = $2
  UNION ALL
  SELECT n.id, n.parent_id, n.depth FROM above
  JOIN sapwood_bench.node n ON n.project_id = $1 AND n.id = above.parent_id
)
SELECT id FROM above WHERE id <> $2 ORDER BY depth DESC
"""


async def fill(bench: Bench, project_id: str, tree: Tree) -> None:
    """Make the table, with the nodes of a loaded tree; it is dropped at the end of the run."""
    await bench.pg.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    await bench.pg.execute(f"CREATE SCHEMA {SCHEMA}")
    bench.stack.push_async_callback(bench.pg.execute, f"DROP SCHEMA {SCHEMA} CASCADE")
    await bench.pg.execute(TABLE)
    places = range(len(tree))
    columns: dict[str, list[Any]] = {name: tree.take(name, places) for name in FIELDS}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    columns["created_at"] = [epoch + timedelta(microseconds=at) for at in columns["created_at"]]
    await bench.pg.copy_records_to_table(
        "node",
        schema_name=SCHEMA,
        records=zip([project_id] * len(tree), *columns.values(), strict=True),
    )
    for statement in INDEXES:
        await bench.pg.execute(statement)
