"""Kept branch stats, beside two ways to count a branch anew."""

from __future__ import annotations

import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from harness import Case, Ratio
from sources import ROOT, Source, prose
from writers import plant

from sapwood import Node, NodeStatus
from sapwood.branches import BRANCH_FIELDS, branch_stats
from sapwood.nodes import Columns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from harness import Bench, Contenders
    from harness.case import Rounds

    from sapwood import AsyncStorageAdapter, BranchStats

CHANGED: Final = 100
DEEP: Final = 10_000
FIELDS: Final = (*BRANCH_FIELDS, "score")
PLAIN_SQL: Final = (
    "WITH RECURSIVE down AS ("
    " SELECT node_id, depth, status, score FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND node_id = $2"
    " UNION ALL"
    " SELECT b.node_id, b.depth, b.status, b.score FROM down JOIN sapwood.branch_stats b"
    " ON b.project_id = $1 AND b.parent_id = down.node_id"
    ") SELECT count(*), count(*) FILTER (WHERE status = 'alive'),"
    " count(*) FILTER (WHERE NOT EXISTS (SELECT FROM sapwood.branch_stats c"
    " WHERE c.project_id = $1 AND c.parent_id = down.node_id)),"
    " max(depth), count(score), avg(score), max(score),"
    " (array_agg(node_id ORDER BY score DESC NULLS LAST, node_id))[1] FROM down"
)
FORGET: Final = (
    "DELETE FROM sapwood.branch_stats WHERE project_id = $1",
    "DELETE FROM sapwood.branch_stats_mark WHERE project_id = $1",
)
REFRESH, KEPT, FIRST = "sapwood, refresh", "sapwood, nothing changed", "sapwood, first pass"
SQL, COUNTED = "plain SQL", "columns from Neo4j"
ABOUT = f"""
{{shape}} What is asked for is always the whole tree, the most there is to count.

- *{REFRESH}*: `branch_stats` after {CHANGED} nodes at random got another score (one of them was the
  best) and a status, and were flushed before the clock. *nothing changed*: the next read. *first
  pass*: over an empty table.
- *{SQL}*: a recursive aggregate over the own columns of table `branch_stats`, which are there.
- *{COUNTED}*: five columns of the subtree, and a plain count.
"""


def wide(_number: int, _numbers: random.Random) -> int:
    return 0


def drawn(number: int, numbers: random.Random) -> int:
    return numbers.randrange(number)


def deep(number: int, numbers: random.Random) -> int:
    return number - 1 if number < DEEP else numbers.randrange(DEEP)


def tree(nodes: int, parent: Callable[[int, random.Random], int]) -> Source:
    numbers = random.Random(1)
    parents = [parent(number, numbers) if number else ROOT for number in range(nodes)]
    return Source(parents, list(prose(nodes, 200)))


async def change(store: AsyncStorageAdapter, ids: list[str], numbers: random.Random) -> None:
    """Change some nodes; the best one gets worse."""
    best = (await store.branch_stats(ids[0])).best_node_id
    chosen = {node_id for node_id in (best, *numbers.sample(ids[1:], CHANGED - 1)) if node_id}
    found = await store.nodes(chosen)
    await store.save_nodes_batch(
        [
            Node(
                id=node.id,
                parent_id=node.parent_id,
                content=node.content,
                score=numbers.random() / 2,
                status=numbers.choice(list(NodeStatus)),
            )
            for node in found
        ]
    )
    while not (await store.flush()).applied:
        pass


def prepare_of(parent: Callable[[int, random.Random], int]) -> Callable[[Bench, int], Any]:
    """Return what lends the counters of a tree of this shape."""

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        planted = await plant(bench, tree(size, parent), alive=0.5)
        root, numbers = planted.ids[0], random.Random(2)
        async with bench.open(  # the first pass over 500,000 takes longer than a read may wait
            planted.project_id, flush_at=1_000, apply_wait_s=600, read_wait_s=600
        ) as store:
            await store.branch_stats(root)
            await bench.pg.execute("VACUUM ANALYZE sapwood.branch_stats")

            async def refresh() -> float:
                await change(store, planted.ids, numbers)
                return await milliseconds(store.branch_stats(root))

            async def first() -> float:
                for statement in FORGET:
                    await bench.pg.execute(statement, store.project_id)
                took = await milliseconds(store.branch_stats(root))
                await bench.pg.execute("VACUUM ANALYZE sapwood.branch_stats")
                return took

            async def sql() -> float:
                kept = await store.branch_stats(root)
                began = time.perf_counter()
                row = await bench.pg.fetchrow(PLAIN_SQL, store.project_id, root)
                took = time.perf_counter() - began
                assert row is not None
                check(kept, tuple(row))
                return took * 1000

            async def counted() -> float:
                kept = await store.branch_stats(root)
                began = time.perf_counter()
                found = await store.subtree(root, fields=FIELDS)
                columns = Columns({name: found.column(name) for name in FIELDS})
                stats = branch_stats(root, columns, "score")
                took = time.perf_counter() - began
                assert stats == kept
                return took * 1000

            yield {
                REFRESH: refresh,
                KEPT: lambda: milliseconds(store.branch_stats(root)),
                FIRST: first,
                SQL: sql,
                COUNTED: counted,
            }

    return prepare


def check(kept: BranchStats, row: tuple[Any, ...]) -> None:
    """Hold what was kept against what SQL counts."""
    assert row[:4] == (kept.nodes, kept.alive, kept.leaves, kept.max_depth)
    assert (row[4], row[6], row[7]) == (kept.scored, kept.best, kept.best_node_id)


async def milliseconds(call: Awaitable[Any]) -> float:
    began = time.perf_counter()
    await call
    return (time.perf_counter() - began) * 1000


def _case(
    name: str, title: str, shape: str, parent: Callable[..., int], quick: Rounds, full: Rounds
) -> Case:
    return Case(
        name=f"branch-stats{name}",
        title=f"branch stats{title}",
        unit="ms",
        about=ABOUT.replace("{shape}", shape),
        prepare=prepare_of(parent),
        quick=quick,
        full=full,
        targets=(
            Ratio(over="plain SQL, counted anew", ours=REFRESH, peer=SQL),
            Ratio(over="plain SQL, nothing changed", ours=KEPT, peer=SQL),
            Ratio(over="plain SQL, first pass", ours=FIRST, peer=SQL),
            Ratio(over="columns from Neo4j, refresh", ours=REFRESH, peer=COUNTED),
        ),
    )


CASES = (
    _case("", "", "Each parent is drawn at random.", drawn, {50_000: 5}, {500_000: 3}),
    _case("-wide", ", wide", "One root, all others below it.", wide, {50_000: 3}, {100_000: 5}),
    _case(
        "-deep",
        ", deep",
        f"A chain of {DEEP:,} nodes, the others hung below nodes of it at random.",
        deep,
        {50_000: 3},
        {100_000: 5},
    ),
)
