"""One of several workers of a project, in a process of its own, that goes on when it is fenced.

    python worker.py SERVERS_FILE PROJECT NAME SECONDS

It joins the project, saves nodes one below the other, flushes every few, and rejoins after a
takeover. A statement may take it two seconds, so that a worker that is stopped inside of its
transaction does not hold up the others for long. It prints what it did, one JSON document.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path

from sapwood import AsyncStorageAdapter, Database, FencedError, Graph, Node


class Worker:
    """Counts what was accepted, and how often it was told to stop."""

    def __init__(self, store: AsyncStorageAdapter, name: str) -> None:
        self.store = store
        self.name = name
        self.accepted = 0
        self.fenced = 0
        self.pending_when_fenced = 0

    async def step(self, numbers: random.Random) -> None:
        """Save some nodes, each below the one before, and flush now and then."""
        for _ in range(numbers.randint(1, 5)):
            parent = f"{self.name}.{self.accepted - 1}" if self.accepted else "root"
            node = Node(id=f"{self.name}.{self.accepted}", parent_id=parent, content=self.name)
            await self.store.save_nodes_batch([node])
            self.accepted += 1
        if numbers.random() < 0.3:
            await self.store.flush()

    async def work(self, seconds: float) -> None:
        """Work for so long, and store what is pending at the end."""
        numbers = random.Random(self.name)
        ends = time.monotonic() + seconds
        while True:
            try:
                while time.monotonic() < ends:
                    await self.step(numbers)
                await self.store.flush()
            except FencedError as exc:
                self.fenced += 1
                self.pending_when_fenced += len(exc.pending)
                await self.store.rejoin()
            else:
                return


async def main(given: dict[str, str], project_id: str, name: str, seconds: float) -> None:
    db = Database(given["database_url"], statement_timeout_s=2, pool_size=2)
    graph = Graph(given["neo4j_uri"], auth=(given["username"], given["password"]), pool_size=2)
    store = AsyncStorageAdapter(
        db,
        graph,
        project_id=project_id,
        mode="join",
        apply_wait_s=0,
        flush_at=7,
        flush_interval_s=0.05,
        max_pending=50,
    )
    async with store:
        worker = Worker(store, name)
        await worker.work(seconds)
    await graph.close()
    await db.close()
    done = {name: value for name, value in vars(worker).items() if isinstance(value, int)}
    print(json.dumps({"name": name, **done}))


if __name__ == "__main__":
    asyncio.run(
        main(
            json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3], float(sys.argv[4])
        )
    )
