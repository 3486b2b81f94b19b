"""Ingest through the adapter, beside the raw driver: same nodes, same constraints, one run.

    python benchmarks/ingest.py [--nodes 20000] [--rounds 5] [--servers bench]

The adapter's clock covers making the `Node` objects, the journal in PostgreSQL, and stops when the
graph holds everything. The raw driver gets ready rows and writes them with `UNWIND … CREATE`, 2,500
a transaction, without journal, register or scores. Rounds alternate; medians and spreads are
printed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

from bench import open_stores, read_options
from neo4j import AsyncGraphDatabase

from sapwood import AsyncStorageAdapter, Database, Graph, Node, new_id

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

FAN_OUT = 8
CONTENT = "x" * 200
RAW = """
UNWIND $rows AS row
CREATE (n:Node:Alive {
  project_id: $project_id, id: row.id, parent_id: row.parent_id, content: row.content,
  attributes: '{}', status: 'alive', iteration: 0, depth: row.depth, created_at: datetime(), seq: 1
})
WITH n, row WHERE row.parent_id IS NOT NULL
MATCH (parent:Node {project_id: $project_id, id: row.parent_id})
CREATE (parent)-[:PARENT_OF {project_id: $project_id, child_id: n.id}]->(n)
"""


def tree(nodes: int) -> list[tuple[str, str | None]]:
    """Return ids and parents of a tree, parents first."""
    ids = [new_id() for _ in range(nodes)]
    return [(ids[i], ids[(i - 1) // FAN_OUT] if i else None) for i in range(nodes)]


async def through_adapter(db: Database, graph: Graph, nodes: int) -> float:
    """Return seconds until the graph holds all nodes."""
    edges = tree(nodes)
    async with AsyncStorageAdapter(db, graph, project_id=f"bench.{new_id()}") as store:
        await store.flush()
        began = time.perf_counter()
        for start in range(0, nodes, 100):
            await store.save_nodes_batch(
                [
                    Node(id=node_id, parent_id=parent_id, content=CONTENT)
                    for node_id, parent_id in edges[start : start + 100]
                ]
            )
        while not (await store.flush()).applied:
            pass
        return time.perf_counter() - began


async def through_driver(servers: Endpoints, nodes: int) -> float:
    """Return seconds until the raw driver has written the same nodes."""
    edges = tree(nodes)
    depths: dict[str | None, int] = {None: -1}
    for node_id, parent_id in edges:
        depths[node_id] = depths[parent_id] + 1
    rows = [
        {"id": node_id, "parent_id": parent_id, "content": CONTENT, "depth": depths[node_id]}
        for node_id, parent_id in edges
    ]
    auth = (servers.neo4j_username, servers.neo4j_password.get_secret_value())
    project_id = f"bench.{new_id()}"
    async with AsyncGraphDatabase.driver(servers.neo4j_uri, auth=auth) as driver:
        await driver.verify_connectivity()
        began = time.perf_counter()
        for start in range(0, nodes, 2500):
            await driver.execute_query(RAW, rows=rows[start : start + 2500], project_id=project_id)
        return time.perf_counter() - began


async def main(nodes: int, rounds: int, name: str) -> None:
    """Run the rounds and print nodes a second of both, and the ratio of the medians."""
    async with open_stores(name) as (servers, db, graph):
        rates: dict[str, list[float]] = {"adapter": [], "driver": []}
        for number in range(rounds + 1):
            adapter = nodes / await through_adapter(db, graph, nodes)
            driver = nodes / await through_driver(servers, nodes)
            if number:  # the first round warms both up
                rates["adapter"].append(adapter)
                rates["driver"].append(driver)
        for name, found in rates.items():
            middle = statistics.median(found)
            print(f"{name:8} {middle:8,.0f} nodes/s  ({min(found):,.0f} to {max(found):,.0f})")
        ratio = statistics.median(rates["adapter"]) / statistics.median(rates["driver"])
        print(f"adapter / driver: {ratio:.2f}")


if __name__ == "__main__":
    options = read_options(__doc__, nodes=20_000, rounds=5)
    asyncio.run(main(options.nodes, options.rounds, options.servers))
