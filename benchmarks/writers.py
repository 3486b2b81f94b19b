"""Ways to write a tree into the graph: Sapwood's, and a plain driver's."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sapwood import Node, NodeStatus, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness import Bench
    from neo4j import AsyncManagedTransaction
    from sources import Edge, Source

    from sapwood import AsyncStorageAdapter

PER_CALL: Final = 100
CREATE: Final = """
UNWIND $rows AS row
CREATE (n:Node:$(row.label) {
  project_id: $project_id, id: row.id, parent_id: row.parent_id, content: row.content,
  attributes: row.attributes, status: row.status, iteration: row.iteration, depth: row.depth,
  created_at: datetime({epochSeconds: row.second, nanosecond: row.nanosecond}), seq: row.seq
})
WITH n, row.parent_id AS parent_id WHERE parent_id IS NOT NULL
MATCH (parent:Node {project_id: $project_id, id: parent_id})
CREATE (parent)-[:PARENT_OF {project_id: $project_id, child_id: n.id}]->(n)
"""


class Planted(NamedTuple):
    """A project that stays until the end of the run."""

    project_id: str
    source: Source
    ids: list[str]


async def save(store: AsyncStorageAdapter, edges: Sequence[Edge]) -> None:
    """Save nodes, a hundred a call; return once the graph holds them.

    Each node draws its own id, as an orchestrator's does; the ids of `edges` say who is whose.
    """
    ids: dict[str | None, str | None] = {None: None}
    for start in range(0, len(edges), PER_CALL):
        part = edges[start : start + PER_CALL]
        made = []
        for edge in part:
            node = Node(parent_id=ids[edge.parent_id], content=edge.content)
            ids[edge.id] = node.id
            made.append(node)
        await store.save_nodes_batch(made)
    while not (await store.flush()).applied:
        pass


async def through_adapter(bench: Bench, source: Source) -> float:
    """Return nodes a second, from ids and contents to a graph that has applied the head."""
    edges = source.edges()
    async with bench.project(flush_at=100) as store:
        began = time.perf_counter()
        await save(store, edges)
        return len(edges) / (time.perf_counter() - began)


async def create(bench: Bench, edges: Sequence[Edge], rows: int, project_id: str) -> None:
    """Write nodes with the plain driver, so many a transaction."""

    async def write(transaction: AsyncManagedTransaction, part: list[dict[str, Any]]) -> None:
        await (await transaction.run(CREATE, rows=part, project_id=project_id)).consume()

    async with bench.driver.session(database=bench.at.neo4j_database) as session:
        for start in range(0, len(edges), rows):
            seq = 1 + start // rows
            part = [as_map(edge, seq) for edge in edges[start : start + rows]]
            await session.execute_write(write, part)


async def through_driver(bench: Bench, source: Source, rows: int) -> float:
    """Return nodes a second of transactions of so many rows."""
    edges = source.edges()
    project_id = f"raw.{new_id()}"
    began = time.perf_counter()
    await create(bench, edges, rows, project_id)
    took = time.perf_counter() - began
    await bench.clear(project_id)
    return len(edges) / took


def as_map(edge: Edge, seq: int) -> dict[str, Any]:
    """Return the properties that Sapwood gives such a node.

    The time as integers, since a date as such takes the driver longer than the rest together.
    """
    micros = time.time_ns() // 1_000
    return {
        "id": edge.id,
        "parent_id": edge.parent_id,
        "content": edge.content,
        "attributes": "{}",
        "status": "alive",
        "label": "Alive",
        "iteration": 0,
        "depth": edge.depth,
        "second": micros // 1_000_000,
        "nanosecond": micros % 1_000_000 * 1_000,
        "seq": seq,
    }


async def plant(bench: Bench, source: Source, alive: float = 0.1) -> Planted:
    """Save a tree in a project of its own, for reads to measure on, deleted after the run.

    Args:
        alive: The share of nodes that are alive; the others are pruned. All have a score.
    """
    edges, numbers = source.edges(), random.Random(1)
    async with bench.open(flush_at=1_000, apply_wait_s=600) as store:
        for start in range(0, len(edges), 1_000):
            await store.save_nodes_batch(
                [
                    Node(
                        id=edge.id,
                        parent_id=edge.parent_id,
                        content=edge.content,
                        score=numbers.random(),
                        status=NodeStatus.ALIVE if numbers.random() < alive else NodeStatus.PRUNED,
                    )
                    for edge in edges[start : start + 1_000]
                ]
            )
        await store.flush()
    bench.stack.push_async_callback(bench.open(store.project_id).delete_project)
    return Planted(store.project_id, source, [edge.id for edge in edges])
