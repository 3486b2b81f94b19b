"""A small orchestrator in a process of its own, made to be killed.

    python orchestrator.py SERVERS_FILE PROJECT NODES

It goes on from what is stored, saves ten nodes an iteration, changes the status of one, prunes
below one and scores one, flushes, asks for the stats, and then prints how many nodes were
acknowledged, one line a flush. A prune is applied two nodes at a time, so that these few take
several transactions.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path

from sapwood import (
    AsyncStorageAdapter,
    Database,
    Graph,
    Node,
    NodeStatus,
    Principle,
    PrincipleScore,
    Rubric,
)

STEP = 10


def node(number: int) -> Node:
    """The number-th node of the tree: always the same, its parent saved before it."""
    parent = None if number == 0 else f"n{(number - 1) // 3}"
    return Node(id=f"n{number}", parent_id=parent, content=f"content {number}")


async def grow(store: AsyncStorageAdapter, nodes: int) -> None:
    rubric = await store.rubrics.save(Rubric(principles=(Principle(key="even"),)))
    done = len((await store.load_project()).tree)
    print("found", done, flush=True)
    while done < nodes:
        # An iteration that was cut short is saved again from its start: saving twice is safe.
        start = done - done % STEP
        await store.save_nodes_batch([node(number) for number in range(start, start + STEP)])
        await store.update_status_batch({f"n{start + 2}": NodeStatus.FAILED})
        await store.prune(f"n{start}", reason="dull")
        await store.update_scores_batch(
            [
                PrincipleScore(
                    node_id=f"n{start + 1}",
                    principle_id=rubric["even"].id,
                    judge="parity@1",
                    score=float(start),
                )
            ]
        )
        await store.save_state({"done": start + STEP})
        await store.flush()
        await store.branch_stats("n0")
        done = start + STEP
        print("acknowledged", done, flush=True)


async def main(given: dict[str, str], project_id: str, nodes: int) -> None:
    db = Database(given["database_url"])
    graph = Graph(given["neo4j_uri"], auth=(given["username"], given["password"]))
    async with AsyncStorageAdapter(db, graph, project_id=project_id) as store:
        await grow(store, nodes)
    await graph.close()
    await db.close()


if __name__ == "__main__":
    vars(import_module("sapwood.applying"))["APPLY_ROWS"] = 2  # of this process alone
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], int(sys.argv[3])))
