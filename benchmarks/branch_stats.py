"""Kept branch stats, beside two ways to count a branch anew, in one run.

    python benchmarks/branch_stats.py [--nodes 100000] [--rounds 5] [--servers bench]

Three trees: one root with all other nodes below it, one where each parent is drawn at random, and
a chain of 10,000 nodes with the others hung below nodes of it at random. What is asked for is
always the whole tree, the most there is to count. In each round: the first pass, over an empty
table; 100 nodes at random get another score (one of them was the best) and a status, and are
flushed; the refresh that follows; a read while nothing changed; then the two others. *From Neo4j*
is what `branch_stats` did before: five columns of the subtree and a plain count. *Plain SQL* is a
recursive aggregate over the own columns of table `branch_stats`. Medians and spreads are printed.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from bench import open_stores, read_options, spread

from sapwood import AsyncStorageAdapter, Node, NodeStatus, new_id
from sapwood.branches import BRANCH_FIELDS, branch_stats
from sapwood.nodes import Columns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


def wide(number: int, _: random.Random) -> int:
    return 0


def drawn(number: int, rng: random.Random) -> int:
    return rng.randrange(number)


def deep(number: int, rng: random.Random) -> int:
    return number - 1 if number < DEEP else rng.randrange(DEEP)


async def plant(store: AsyncStorageAdapter, nodes: int, parent: Callable[..., int]) -> list[Node]:
    """Save the tree."""
    rng = random.Random(1)
    ids = [new_id() for _ in range(nodes)]
    tree = [
        Node(
            id=node_id,
            parent_id=ids[parent(number, rng)] if number else None,
            content="x" * 200,
            score=rng.random(),
        )
        for number, node_id in enumerate(ids)
    ]
    for start in range(0, nodes, 1000):
        await store.save_nodes_batch(tree[start : start + 1000])
    while not (await store.flush()).applied:
        pass
    return tree


async def change(store: AsyncStorageAdapter, tree: list[Node], rng: random.Random) -> None:
    """Change some nodes; the best one gets worse."""
    root = tree[0].id
    best = (await store.branch_stats(root)).best_node_id
    chosen = [node for node in tree if node.id == best] + rng.sample(tree[1:], CHANGED - 1)
    await store.save_nodes_batch(
        [
            Node(
                id=node.id,
                parent_id=node.parent_id,
                content=node.content,
                score=rng.random() / 2,
                status=rng.choice(list(NodeStatus)),
            )
            for node in chosen
        ]
    )
    while not (await store.flush()).applied:
        pass


async def milliseconds(call: Awaitable[Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = await call
    return (time.perf_counter() - began) * 1000, found


async def measure(
    store: AsyncStorageAdapter, raw: asyncpg.Connection, parent: Callable[..., int], nodes: int
) -> Callable[[], Awaitable[dict[str, float]]]:
    """Plant a tree; return what measures one round of it."""
    tree = await plant(store, nodes, parent)
    root, rng = tree[0].id, random.Random(2)

    async def from_neo4j() -> Any:
        found = await store.subtree(root, fields=FIELDS)
        return branch_stats(root, Columns({name: found.column(name) for name in FIELDS}), "score")

    async def one_round() -> dict[str, float]:
        for statement in FORGET:
            await raw.execute(statement, store.project_id)
        took: dict[str, float] = {}
        took["first pass"], _ = await milliseconds(store.branch_stats(root))
        await raw.execute("VACUUM ANALYZE sapwood.branch_stats")
        await change(store, tree, rng)
        took["refresh"], kept = await milliseconds(store.branch_stats(root))
        took["nothing changed"], again = await milliseconds(store.branch_stats(root))
        took["from Neo4j"], counted = await milliseconds(from_neo4j())
        took["plain SQL"], row = await milliseconds(raw.fetchrow(PLAIN_SQL, store.project_id, root))
        assert kept == again == counted, (kept, counted)
        assert (kept.nodes, kept.alive, kept.leaves, kept.max_depth) == tuple(row[:4])
        assert (kept.scored, kept.best, kept.best_node_id) == (row[4], row[6], row[7])
        return took

    return one_round


async def main(nodes: int, rounds: int, name: str) -> None:
    """Plant the trees once, then measure them in turn."""
    async with open_stores(name) as (servers, db, graph):
        raw = await asyncpg.connect(servers.database_url.get_secret_value())
        cases: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {}
        stores: list[AsyncStorageAdapter] = []
        for shape in (wide, drawn, deep):
            store = AsyncStorageAdapter(db, graph, project_id=f"bench.{new_id()}", flush_at=1000)
            stores.append(store)
            cases[shape.__name__] = await measure(store, raw, shape, nodes)
        found: dict[tuple[str, str], list[float]] = {}
        for number in range(rounds + 1):
            for name, one_round in cases.items():
                took = await one_round()
                if number:  # the first round warms everything up
                    for what, each in took.items():
                        found.setdefault((name, what), []).append(each)
        print(f"{nodes:,} nodes, {rounds} rounds, milliseconds")
        for (name, what), milliseconds_ in found.items():
            print(f"{name:8} {what:20} {spread(milliseconds_):>28}")
        for store in stores:
            await store.delete_project()
        await raw.close()


if __name__ == "__main__":
    options = read_options(__doc__, nodes=100_000, rounds=5)
    asyncio.run(main(options.nodes, options.rounds, options.servers))
