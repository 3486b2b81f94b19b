"""Reads through the adapter, beside the raw driver: same answers, one record a node, one run.

    python benchmarks/reads.py [--nodes 500000] [--rounds 5] [--servers bench]

The tree has a fan-out of 8, contents of 200 bytes and a tenth of its nodes alive; beside it stand a
chain of 10,000 nodes and a node with 50,000 children. The adapter's clock covers all that a call
does: the barrier, the lock, the order, the columns. The raw driver runs a plain statement without
any of that, and takes each record's values. Both get the same columns of the same nodes in the same
order. Rounds alternate; medians and spreads are printed.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import open_stores, read_options, spread
from neo4j import AsyncGraphDatabase
from neo4j.exceptions import Neo4jError

from sapwood import AsyncStorageAdapter, Node, NodeStatus, new_id
from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neo4j import AsyncDriver

FAN_OUT = 8
WHOLE = ", ".join(f"n.{name} AS {name}" for name in FIELDS)
IDS = "n.id AS id, n.score AS score"
EVERYWHERE = "MATCH (n:Node) WHERE n.project_id = $p AND n.id IS NOT NULL"
BELOW = "MATCH (:Node {project_id: $p, id: $id})-[:PARENT_OF*0..]->(n:Node)"


class Case(NamedTuple):
    """A read, and the statement that a user of the driver would write for it."""

    name: str
    call: Callable[[AsyncStorageAdapter], Awaitable[int]]
    raw: str
    node_id: str = ""


class Tree(NamedTuple):
    """Names of nodes to ask for."""

    root: str
    branch: str
    deep: str
    chain: str
    hub: str


async def plant(store: AsyncStorageAdapter, nodes: int) -> Tree:
    """Save the nodes."""
    rng = random.Random(1)
    ids = [new_id() for _ in range(nodes)]
    others = [NodeStatus.PRUNED, NodeStatus.COMPLETE, NodeStatus.FAILED]

    async def save(parents: list[tuple[str, str | None]]) -> None:
        for start in range(0, len(parents), 1000):
            await store.save_nodes_batch(
                [
                    Node(
                        id=node_id,
                        parent_id=parent_id,
                        content="x" * 200,
                        score=rng.random(),
                        status=NodeStatus.ALIVE if rng.random() < 0.1 else rng.choice(others),
                    )
                    for node_id, parent_id in parents[start : start + 1000]
                ]
            )

    await save([(ids[i], ids[(i - 1) // FAN_OUT] if i else None) for i in range(nodes)])
    chain = [new_id() for _ in range(10_000)]
    await save(list(zip(chain, [ids[0], *chain[:-1]], strict=True)))
    hub = new_id()
    await save([(hub, ids[0]), *((new_id(), hub) for _ in range(50_000))])
    while not (await store.flush()).applied:
        pass
    return Tree(ids[0], ids[1], ids[-1], chain[0], hub)


def cases(tree: Tree, chain_end: str) -> list[Case]:
    """Return what is measured."""

    def every(**options: Any) -> Callable[[AsyncStorageAdapter], Awaitable[int]]:
        async def call(store: AsyncStorageAdapter) -> int:
            seen = 0
            async for page in store.iter_nodes(**options).pages():
                seen += len(page)
            return seen

        return call

    async def one(store: AsyncStorageAdapter) -> int:
        await store.node(tree.deep)
        return 1

    async def load(store: AsyncStorageAdapter) -> int:
        return len((await store.load_project()).tree)

    def counted(find: Callable[[AsyncStorageAdapter], Awaitable[Any]]) -> Callable[..., Any]:
        async def call(store: AsyncStorageAdapter) -> int:
            return len(await find(store))

        return call

    up = "MATCH (:Node {project_id: $p, id: $id})<-[:PARENT_OF*0..]-(n:Node)"
    down = "MATCH (:Node {project_id: $p, id: $id})-[:PARENT_OF]->(n:Node)"
    order = " ORDER BY n.depth, n.id"
    leaf = " AND NOT (n)-[:PARENT_OF]->()"
    alive = "MATCH (n:Node) WHERE n.project_id = $p AND n.status = 'alive'"
    best = " AND n.score IS NOT NULL"
    top = " ORDER BY n.score DESC, n.id LIMIT 100"
    return [
        Case("load_project", load, f"{EVERYWHERE} RETURN {WHOLE}{order}"),
        Case("iter_nodes", every(), f"{EVERYWHERE} RETURN {WHOLE} ORDER BY n.id"),
        Case(
            "iter_nodes, score only",
            every(fields=["score"]),
            f"{EVERYWHERE} RETURN {IDS} ORDER BY n.id",
        ),
        Case(
            "iter_nodes, under a branch",
            every(under=tree.branch),
            f"{BELOW} RETURN {WHOLE} ORDER BY n.id",
            tree.branch,
        ),
        Case(
            "iter_nodes, alive",
            every(status="alive"),
            f"{alive} RETURN {WHOLE} ORDER BY n.id",
        ),
        Case(
            "subtree, all of it",
            counted(lambda store: store.subtree(tree.root)),
            f"{BELOW} RETURN {WHOLE}{order}",
            tree.root,
        ),
        Case(
            "subtree, a branch, score only",
            counted(lambda store: store.subtree(tree.branch, fields=["score"])),
            f"{BELOW} RETURN {IDS}{order}",
            tree.branch,
        ),
        Case(
            "children of 50,000",
            counted(lambda store: store.children(tree.hub)),
            f"{down} RETURN {WHOLE} ORDER BY n.id",
            tree.hub,
        ),
        Case(
            "children of 50,000, limit 100",
            counted(lambda store: store.children(tree.hub, limit=100)),
            f"{down} RETURN {WHOLE} ORDER BY n.id LIMIT 100",
            tree.hub,
        ),
        Case(
            "path of 10,001",
            counted(lambda store: store.path(chain_end)),
            f"{up} RETURN {WHOLE}{order}",
            chain_end,
        ),
        Case(
            "ancestors, depth 6",
            counted(lambda store: store.ancestors(tree.deep)),
            f"{up.replace('*0..', '*1..')} RETURN {WHOLE} ORDER BY n.depth DESC",
            tree.deep,
        ),
        Case(
            "alive_nodes",
            counted(lambda store: store.alive_nodes()),
            f"{alive} RETURN {WHOLE}{order}",
        ),
        Case(
            "leaves, score only",
            counted(lambda store: store.leaves(fields=["score"])),
            f"{EVERYWHERE}{leaf} RETURN {IDS}{order}",
        ),
        Case(
            "leaves, alive, limit 100",
            counted(lambda store: store.leaves(status="alive", limit=100)),
            f"{alive}{leaf} RETURN {WHOLE}{order} LIMIT 100",
        ),
        Case(
            "best_nodes, 100",
            counted(lambda store: store.best_nodes(100)),
            f"{EVERYWHERE}{best} RETURN {WHOLE}{top}",
        ),
        Case(
            "best_nodes, 100 alive",
            counted(lambda store: store.best_nodes(100, status="alive")),
            f"{alive}{best} RETURN {WHOLE}{top}",
        ),
        Case(
            "best_nodes, 100 of a branch",
            counted(lambda store: store.best_nodes(100, under=tree.branch)),
            f"{BELOW} WHERE n.score IS NOT NULL RETURN {WHOLE}{top}",
            tree.branch,
        ),
        Case(
            "node",
            one,
            f"MATCH (n:Node {{project_id: $p, id: $id}}) RETURN {WHOLE}",
            tree.deep,
        ),
    ]


async def row_by_row(driver: AsyncDriver, case: Case, project_id: str) -> int:
    """Run the plain statement; take each record."""
    async with driver.session() as session:
        parameters = {"p": project_id, "id": case.node_id}
        result = await session.run(case.raw, parameters)  # pyright: ignore[reportArgumentType]
        return len([record.values() async for record in result])


async def seconds(call: Awaitable[int]) -> tuple[float, int]:
    began = time.perf_counter()
    found = await call
    return time.perf_counter() - began, found


async def compare(store: AsyncStorageAdapter, driver: AsyncDriver, case: Case, rounds: int) -> None:
    """Print one line."""
    ours: list[float] = []
    raw: list[float] = []
    count, problem = 0, ""
    for number in range(rounds + 1):
        took, count = await seconds(case.call(store))
        try:
            took_raw, count_raw = await seconds(row_by_row(driver, case, store.project_id))
            assert count == count_raw, f"{case.name}: {count} and {count_raw} nodes"
        except Neo4jError as exc:  # such as a sort that its memory has no room for
            took_raw, problem = 0.0, str(exc.code).rpartition(".")[2]
        if number:  # the first round warms both up
            ours.append(took * 1000)
            raw.append(took_raw * 1000)
    ratio = "" if problem else f"{statistics.median(raw) / statistics.median(ours):.2f}"
    print(
        f"{case.name:30} {count:8,}  {spread(ours):>26}  {problem or spread(raw):>29}  {ratio:>6}",
        flush=True,
    )


async def print_memory(store: AsyncStorageAdapter, branch: str) -> None:
    """Print the most memory that Python held at a time."""
    for name, under in (("all", None), ("under a branch", branch)):
        tracemalloc.start()
        async for _ in store.iter_nodes(under=under).pages():
            pass
        print(f"iter_nodes, {name}: {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB at most")
        tracemalloc.stop()


async def main(nodes: int, rounds: int, name: str) -> None:
    """Build the tree once, then measure read after read."""
    async with open_stores(name) as (servers, db, graph):
        auth = (servers.neo4j_username, servers.neo4j_password.get_secret_value())
        async with (
            AsyncGraphDatabase.driver(
                servers.neo4j_uri, auth=auth, notifications_min_severity="OFF"
            ) as driver,
            AsyncStorageAdapter(db, graph, project_id=f"bench.{new_id()}", flush_at=500) as store,
        ):
            tree = await plant(store, nodes)
            chain_end = (await store.leaves(under=tree.chain)).ids[0]
            print(
                f"{'':30} {'nodes':>8}  {'adapter, ms':>26}  {'driver row by row, ms':>29}   ratio"
            )
            for case in cases(tree, chain_end):
                await compare(store, driver, case, rounds)
            await print_memory(store, tree.branch)


if __name__ == "__main__":
    options = read_options(__doc__, nodes=500_000, rounds=5)
    asyncio.run(main(options.nodes, options.rounds, options.servers))
