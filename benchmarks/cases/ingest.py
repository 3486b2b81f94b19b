"""Ingest through the adapter, beside the plain driver."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness import Case, Ratio

from sapwood import Node, new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from harness import Bench, Contenders
    from neo4j import AsyncManagedTransaction

FAN_OUT = 8
CONTENT = "x" * 200
PER_CALL = 100
RAW = """
UNWIND $rows AS row
CREATE (n:Node:$(row.label) {
  project_id: $project_id, id: row.id, parent_id: row.parent_id, content: row.content,
  attributes: row.attributes, status: row.status, iteration: row.iteration, depth: row.depth,
  created_at: row.created_at, seq: row.seq
})
WITH n, row.parent_id AS parent_id WHERE parent_id IS NOT NULL
MATCH (parent:Node {project_id: $project_id, id: parent_id})
CREATE (parent)-[:PARENT_OF {project_id: $project_id, child_id: n.id}]->(n)
"""
ABOUT = f"""
Both sides begin with ids, parents and contents of a tree (fan-out {FAN_OUT}, contents of
{len(CONTENT)} bytes), parents first, and write the same properties, labels and edges under the same
constraints. *sapwood*: `Node` objects made inside the clock, `save_nodes_batch` of {PER_CALL},
`flush_at=100`, journal and register in PostgreSQL; the clock stops when the graph has applied the
journal's head. *UNWIND of 2,500* and *of 100*: the plain async driver with `neo4j-rust-ext`, a list
of maps a transaction, `UNWIND … CREATE`, the maps made inside the clock; no journal.
"""
Edge = tuple[str, str | None, int]


def tree(nodes: int) -> list[Edge]:
    """Return ids, parents and depths of a tree, parents first."""
    edges: list[Edge] = []
    for number in range(nodes):
        if number:
            parent, _, depth = edges[(number - 1) // FAN_OUT]
            edges.append((new_id(), parent, depth + 1))
        else:
            edges.append((new_id(), None, 0))
    return edges


async def through_adapter(bench: Bench, nodes: int) -> float:
    """Return nodes a second until the graph holds all of them."""
    edges = tree(nodes)
    async with bench.project(flush_at=100) as store:
        began = time.perf_counter()
        for start in range(0, nodes, PER_CALL):
            await store.save_nodes_batch(
                [
                    Node(id=node_id, parent_id=parent_id, content=CONTENT)
                    for node_id, parent_id, _ in edges[start : start + PER_CALL]
                ]
            )
        while not (await store.flush()).applied:
            pass
        return nodes / (time.perf_counter() - began)


async def through_driver(bench: Bench, nodes: int, rows: int) -> float:
    """Return nodes a second of transactions of so many rows."""
    edges = tree(nodes)
    project_id = f"raw.{new_id()}"

    async def write(transaction: AsyncManagedTransaction, part: list[dict[str, Any]]) -> None:
        await (await transaction.run(RAW, rows=part, project_id=project_id)).consume()

    async with bench.driver.session(database=bench.at.neo4j_database) as session:
        began = time.perf_counter()
        for start in range(0, nodes, rows):
            part = [
                {
                    "id": node_id,
                    "parent_id": parent_id,
                    "content": CONTENT,
                    "attributes": "{}",
                    "status": "alive",
                    "label": "Alive",
                    "iteration": 0,
                    "depth": depth,
                    "created_at": datetime.now(UTC),
                    "seq": 1 + start // rows,
                }
                for node_id, parent_id, depth in edges[start : start + rows]
            ]
            await session.execute_write(write, part)
        took = time.perf_counter() - began
    await bench.clear(project_id)
    return nodes / took


@asynccontextmanager
async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    yield {
        "sapwood": lambda: through_adapter(bench, size),
        "UNWIND of 2,500": lambda: through_driver(bench, size, 2_500),
        "UNWIND of 100": lambda: through_driver(bench, size, 100),
    }


CASES = (
    Case(
        name="ingest",
        title="ingest",
        unit="nodes/s",
        better="more",
        about=ABOUT,
        prepare=prepare,
        quick={50_000: 5},
        full={100_000: 5},
        targets=(
            Ratio(
                over="driver, UNWIND of 2,500",
                ours="sapwood",
                peer="UNWIND of 2,500",
                least=0.80,
                aim=0.90,
            ),
            Ratio(over="driver, UNWIND of 100", ours="sapwood", peer="UNWIND of 100", least=1.2),
        ),
    ),
)
