"""Scores through the adapter, beside raw asyncpg: same rows, same table, same constraints, one run.

    python benchmarks/scores.py [--scores 1000000] [--rounds 3] [--servers bench]

Ten principles a node, one judge; nodes, rubric and `PrincipleScore` objects are made before the
clock. The table is emptied before each run, and each ends durable in PostgreSQL:

- *adapter*: one `update_scores_batch` and what `flush` acknowledges: checks, batches, journal and
  each node's `rubric_score` included. *until applied* goes on until the graph shows these too.
- *executemany*: the rows as tuples in one transaction, `INSERT … VALUES`. *unnest*: the same as
  columns, 5,000 rows a statement and transaction.

Then the look-up of a tenth of the nodes, beside one plain `SELECT` of the same rows. Runs take
turns; medians and spreads are printed, and the ratios to the raw driver of the same round.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
from bench import open_stores, read_options

from sapwood import (
    AsyncStorageAdapter,
    Node,
    Principle,
    PrincipleScore,
    Rubric,
    new_id,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sapwood.settings import Options

PRINCIPLES = 10
JUDGE = "closeness@1"
INSERT = (
    "INSERT INTO sapwood.principle_score (project_id, node_id, principle_id, judge, score)"
    " VALUES ($1, $2, $3, $4, $5)"
)
UNNEST = (
    "INSERT INTO sapwood.principle_score (project_id, node_id, principle_id, judge, score)"
    " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[])"
)
SELECT = (
    "SELECT node_id, principle_id, score FROM sapwood.principle_score"
    " WHERE project_id = $1 AND node_id = ANY($2) AND judge = $3"
)
COUNT = "SELECT count(*) FROM sapwood.principle_score WHERE project_id = $1"
Row = tuple[str, str, str, str, float]
Times = dict[str, list[float]]


class Bench(NamedTuple):
    """What all runs share."""

    store: AsyncStorageAdapter
    raw: asyncpg.Connection
    scores: list[PrincipleScore]
    rows: list[Row]

    async def empty(self) -> None:
        """Forget all scores, and let no run pay for what another one left to do."""
        await self.raw.execute("TRUNCATE sapwood.principle_score")
        await self.raw.execute("CHECKPOINT")
        gc.collect()


async def through_adapter(bench: Bench, times: Times) -> None:
    began = time.perf_counter()
    await bench.store.update_scores_batch(bench.scores)
    await bench.store.flush()
    times["adapter"].append(time.perf_counter() - began)
    await bench.store.nodes([])  # a read waits for the graph
    times["until applied"].append(time.perf_counter() - began)
    stored = await bench.raw.fetchval(COUNT, bench.store.project_id)
    assert stored == len(bench.rows), stored


async def through_executemany(bench: Bench, times: Times) -> None:
    began = time.perf_counter()
    await bench.raw.executemany(INSERT, bench.rows)
    times["executemany"].append(time.perf_counter() - began)


async def through_unnest(bench: Bench, times: Times) -> None:
    began = time.perf_counter()
    for start in range(0, len(bench.rows), 5_000):
        projects, *columns = zip(*bench.rows[start : start + 5_000], strict=True)
        await bench.raw.execute(UNNEST, projects[0], *columns)
    times["unnest"].append(time.perf_counter() - began)


async def look_up(bench: Bench, node_ids: list[str], times: Times) -> None:
    """Ask for the same scores in three ways."""

    async def clock(name: str, ask: Callable[[], Awaitable[int]]) -> None:
        gc.collect()
        began = time.perf_counter()
        found = await ask()
        times[name].append(time.perf_counter() - began)
        assert found == len(node_ids) * PRINCIPLES, (name, found)

    async def columns() -> int:
        return len((await bench.store.cached_scores(node_ids, judge=JUDGE)).scores)

    async def objects() -> int:
        hits, _ = await bench.store.cached_scores(node_ids, judge=JUDGE)
        return len(hits)

    async def select() -> int:
        return len(await bench.raw.fetch(SELECT, bench.store.project_id, node_ids, JUDGE))

    for name, ask in (("select", select), ("columns", columns), ("objects", objects)):
        await clock(name, ask)


async def make_scores(store: AsyncStorageAdapter, nodes: int) -> list[PrincipleScore]:
    """Save nodes and a rubric; return a score of each node under each principle."""
    ids = [new_id() for _ in range(nodes)]
    for start in range(0, nodes, 1_000):
        part = [Node(id=node_id, content=node_id) for node_id in ids[start : start + 1_000]]
        await store.save_nodes_batch(part)
    keys = [f"principle-{number}" for number in range(PRINCIPLES)]
    rubric = await store.rubrics.save(Rubric(principles=tuple(Principle(key=k) for k in keys)))
    await store.nodes([])
    rng = random.Random(1)
    return [
        PrincipleScore(node_id=node_id, principle_id=principle.id, judge=JUDGE, score=rng.random())
        for node_id in ids
        for principle in rubric.principles
    ]


def report(times: Times, over: str, names: Iterable[str], count: int) -> None:
    """Print a line for each name, with the ratio to `over`."""
    for name in names:
        found = times[name]
        ratios = [took / base for took, base in zip(found, times[over], strict=True)]
        middle = statistics.median(found)
        print(
            f"{name:14} {middle:8.3f} s ({min(found):.3f} to {max(found):.3f})"
            f" {count / middle:12,.0f} scores/s  {statistics.median(ratios):5.2f} x {over}"
            f" ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


async def measure(bench: Bench, rounds: int) -> None:
    """Run the rounds and print what came of them."""
    ways = [through_adapter, through_executemany, through_unnest]
    names = ["executemany", "unnest", "adapter", "until applied"]
    times: Times = {name: [] for name in [*names, "select", "columns", "objects"]}
    for number in range(rounds):
        for way in ways[number % 3 :] + ways[: number % 3]:  # none has always the same one before
            await bench.empty()
            await way(bench, times)
    report(times, "executemany", names, len(bench.rows))
    await bench.raw.execute("VACUUM ANALYZE sapwood.principle_score")
    node_ids = list({score.node_id: None for score in bench.scores})
    wanted = random.Random(2).sample(node_ids, max(1, len(node_ids) // 10))
    for _ in range(3 * rounds):
        await look_up(bench, wanted, times)
    report(times, "select", ["select", "columns", "objects"], len(wanted) * PRINCIPLES)


async def main(scores: int, rounds: int, name: str) -> None:
    """Open one project, fill it with nodes, and measure."""
    async with open_stores(name) as (servers, db, graph):
        raw = await asyncpg.connect(servers.database_url.get_secret_value())
        project_id = f"bench.{new_id()}"
        waits: Options = {"apply_wait_s": 0.0, "read_wait_s": 600.0}
        async with AsyncStorageAdapter(db, graph, project_id=project_id, **waits) as store:
            made = await make_scores(store, max(1, scores // PRINCIPLES))
            rows = [(project_id, s.node_id, s.principle_id, s.judge, s.score or 0.0) for s in made]
            gc.collect()
            gc.freeze()  # the objects are the caller's: collecting them is not what is measured
            await measure(Bench(store, raw, made, rows), rounds)
            await store.delete_project()
        await raw.close()


if __name__ == "__main__":
    options = read_options(__doc__, scores=1_000_000, rounds=3)
    asyncio.run(main(options.scores, options.rounds, options.servers))
