"""Scores, and rubrics over them, beside plain asyncpg: same rows, same table, same constraints."""

from __future__ import annotations

import gc
import random
import time
from contextlib import asynccontextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Final, NamedTuple

from harness import Case, Ratio, seconds

from sapwood import Node, Principle, PrincipleScore, Rubric, new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from harness import Bench, Contenders

    from sapwood import AsyncStorageAdapter

PRINCIPLES: Final = 10
JUDGED: Final = 2
JUDGE: Final = "closeness@1"
ROWS: Final = 5_000
INSERT: Final = (
    "INSERT INTO sapwood.principle_score (project_id, node_id, principle_id, judge, score)"
    " VALUES ($1, $2, $3, $4, $5)"
)
UNNEST: Final = (
    "INSERT INTO sapwood.principle_score (project_id, node_id, principle_id, judge, score)"
    " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[])"
)
SELECT: Final = (
    "SELECT node_id, principle_id, score FROM sapwood.principle_score"
    " WHERE project_id = $1 AND node_id = ANY($2) AND judge = $3"
)
COPY: Final = """
DROP SCHEMA IF EXISTS bench_rubric CASCADE;
CREATE SCHEMA bench_rubric;
CREATE TABLE bench_rubric.node (
  project_id text NOT NULL, node_id text NOT NULL, rubric_score float8,
  PRIMARY KEY (project_id, node_id)
);
"""
FILL: Final = (
    "INSERT INTO bench_rubric.node (project_id, node_id)"
    " SELECT project_id, node_id FROM sapwood.node_ref WHERE project_id = $1"
)
SWITCH: Final = """
UPDATE bench_rubric.node n SET rubric_score = found.value
FROM (
  SELECT s.node_id, sum(w.weight * s.score) / sum(w.weight) AS value
  FROM sapwood.principle_score s
  JOIN unnest($2::text[], $3::float8[]) AS w (principle_id, weight) USING (principle_id)
  WHERE s.project_id = $1 AND s.judge = $4 AND s.score IS NOT NULL
  GROUP BY s.node_id HAVING count(*) = cardinality($2::text[])
) found
WHERE n.project_id = $1 AND n.node_id = found.node_id
  AND n.rubric_score IS DISTINCT FROM found.value
"""
OURS, APPLIED = "sapwood", "sapwood, until the graph shows it"
MANY, COLUMNS = "executemany", "unnest of 5,000"
ABOUT_SAVE = f"""
{PRINCIPLES} principles a node, one judge; nodes, rubric and `PrincipleScore`s, or rows, are made
before the clock, and out of the garbage collector's sight on both sides (`gc.freeze`). The table is
emptied before each run, and each ends durable in PostgreSQL.

- *sapwood*: `update_scores_batch` and `flush`: checks, batches, journal and each node's
  `rubric_score` included; *until the graph shows it* goes on until a read would see these too.
- *{MANY}*: the rows as tuples in one transaction, `INSERT … VALUES`. *{COLUMNS}*: as columns,
  {ROWS:,} rows a statement, a transaction each.
"""
ABOUT_LOOK_UP = f"""
Of a table of so many scores, those of a tenth of the nodes, under {PRINCIPLES} principles.
*sapwood*: `cached_scores`, hits as columns, misses sought too; *as objects*: a `PrincipleScore`
each. *SELECT*: one statement, asyncpg's records.
"""
ABOUT_SWITCH = f"""
Each node has scores under {JUDGED} principles; from one rubric to another with other weights and
back, so that the `rubric_score` of every node changes.

- *sapwood*: `rubrics.activate`, durable: the values are journalled. *{APPLIED}* goes on until a
  read sees all of them.
- *UPDATE*: one statement that sums up the same scores and sets a column of a plain table of
  nodes which has nothing but its key; no journal, no second store.
"""


class Scored(NamedTuple):
    """A project with a rubric, and a score of each node under each principle, not saved yet."""

    store: AsyncStorageAdapter
    rubric: Rubric
    scores: list[PrincipleScore]

    @property
    def node_ids(self) -> list[str]:
        return list({score.node_id: None for score in self.scores})


@asynccontextmanager
async def scored(bench: Bench, nodes: int, principles: int) -> AsyncGenerator[Scored]:
    """Lend it; it is deleted at the end."""
    async with bench.project(flush_at=1_000, apply_wait_s=600, read_wait_s=600) as store:
        ids = [new_id() for _ in range(nodes)]
        for start in range(0, nodes, 1_000):
            part = [Node(id=node_id, content=node_id) for node_id in ids[start : start + 1_000]]
            await store.save_nodes_batch(part)
        keys = [f"principle-{number}" for number in range(principles)]
        rubric = await store.rubrics.save(Rubric(principles=tuple(Principle(key=k) for k in keys)))
        await store.flush()
        numbers = random.Random(1)
        made = [
            PrincipleScore(
                node_id=node_id, principle_id=each.id, judge=JUDGE, score=numbers.random()
            )
            for node_id in ids
            for each in rubric.principles
        ]
        gc.collect()
        gc.freeze()  # the objects are the caller's: collecting them is not what is measured
        try:
            yield Scored(store, rubric, made)
        finally:
            gc.unfreeze()


@asynccontextmanager
async def saving(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    async with scored(bench, size // PRINCIPLES, PRINCIPLES) as (store, _, scores):
        project_id = store.project_id
        rows = [(project_id, s.node_id, s.principle_id, s.judge, s.score) for s in scores]

        async def empty() -> None:
            """Forget all scores, and let no run pay for what another one left to do."""
            await bench.pg.execute("TRUNCATE sapwood.principle_score")
            await bench.pg.execute("CHECKPOINT")
            gc.collect()

        async def save(*, applied: bool) -> float:
            await empty()
            began = time.perf_counter()
            await store.update_scores_batch(scores)
            await store.flush()
            durable = time.perf_counter() - began
            await store.nodes([])  # a read waits for the graph
            return time.perf_counter() - began if applied else durable

        async def many() -> float:
            await empty()
            return await seconds(bench.pg.executemany(INSERT, rows))

        async def columns() -> float:
            await empty()
            began = time.perf_counter()
            for start in range(0, len(rows), ROWS):
                _, *parts = zip(*rows[start : start + ROWS], strict=True)
                await bench.pg.execute(UNNEST, project_id, *parts)
            return time.perf_counter() - began

        yield {
            OURS: lambda: save(applied=False),
            APPLIED: lambda: save(applied=True),
            MANY: many,
            COLUMNS: columns,
        }


@asynccontextmanager
async def looking_up(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    async with scored(bench, size // PRINCIPLES, PRINCIPLES) as project:
        store = project.store
        await store.update_scores_batch(project.scores)
        await store.flush()
        await bench.pg.execute("VACUUM ANALYZE sapwood.principle_score")
        ids = project.node_ids
        wanted = random.Random(2).sample(ids, max(1, len(ids) // 10))
        count = len(wanted) * PRINCIPLES

        async def columns() -> float:
            began = time.perf_counter()
            found = await store.cached_scores(wanted, judge=JUDGE)
            took = time.perf_counter() - began
            assert len(found.scores) == count
            return took * 1000

        async def objects() -> float:
            began = time.perf_counter()
            hits, _ = await store.cached_scores(wanted, judge=JUDGE)
            took = time.perf_counter() - began
            assert len(hits) == count
            return took * 1000

        async def select() -> float:
            began = time.perf_counter()
            found = await bench.pg.fetch(SELECT, store.project_id, wanted, JUDGE)
            took = time.perf_counter() - began
            assert len(found) == count
            return took * 1000

        yield {OURS: columns, "as objects": objects, "SELECT": select}


@asynccontextmanager
async def switching(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    async with scored(bench, size, JUDGED) as project:
        store, principles = project.store, project.rubric.principles
        await store.update_scores_batch(project.scores)
        await store.flush()
        weights = {principles[0].key: 3.0}
        await store.rubrics.save(Rubric(principles=principles, weights=weights))
        await bench.pg.execute(COPY)
        await bench.pg.execute(FILL, store.project_id)
        await bench.pg.execute("VACUUM ANALYZE sapwood.principle_score, bench_rubric.node")
        versions, rubrics = cycle((2, 1)), cycle(([3.0, 1.0], [1.0, 1.0]))
        ids = [each.id for each in principles]

        async def activate(*, applied: bool) -> float:
            version = next(versions)
            began = time.perf_counter()
            await store.rubrics.activate(version)
            durable = time.perf_counter() - began
            await store.nodes([])
            return time.perf_counter() - began if applied else durable

        async def update() -> float:
            await bench.pg.execute("VACUUM bench_rubric.node")
            began = time.perf_counter()
            done = await bench.pg.execute(SWITCH, store.project_id, ids, next(rubrics), JUDGE)
            took = time.perf_counter() - began
            assert done == f"UPDATE {size}", done
            return took

        yield {
            OURS: lambda: activate(applied=False),
            APPLIED: lambda: activate(applied=True),
            "UPDATE": update,
        }
        await bench.pg.execute("DROP SCHEMA bench_rubric CASCADE")


CASES = (
    Case(
        name="scores-save",
        title="scores save",
        unit="s",
        counts="scores",
        about=ABOUT_SAVE,
        prepare=saving,
        quick={50_000: 5},
        full={1_000_000: 3},
        targets=(
            Ratio(over="asyncpg `executemany`, same table", ours=OURS, peer=MANY, most=1.3),
            Ratio(over="asyncpg `unnest`, 5,000 rows each", ours=OURS, peer=COLUMNS),
            Ratio(over="`executemany`, until the graph shows it", ours=APPLIED, peer=MANY),
        ),
    ),
    Case(
        name="scores-look-up",
        title="cached-score look-up",
        unit="ms",
        counts="scores",
        about=ABOUT_LOOK_UP,
        prepare=looking_up,
        quick={50_000: 15},
        full={1_000_000: 9},
        targets=(
            Ratio(over="asyncpg `SELECT`", ours=OURS, peer="SELECT", most=1.5),
            Ratio(over="asyncpg `SELECT`, an object each", ours="as objects", peer="SELECT"),
        ),
    ),
    Case(
        name="rubric-switch",
        title="rubric switch",
        unit="s",
        about=ABOUT_SWITCH,
        prepare=switching,
        quick={50_000: 5},
        full={500_000: 2},
        targets=(
            Ratio(over="one plain `UPDATE`", ours=OURS, peer="UPDATE"),
            Ratio(over="one plain `UPDATE`, until the graph shows it", ours=APPLIED, peer="UPDATE"),
        ),
    ),
)
