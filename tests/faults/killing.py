"""A server is killed while a search saves and flushes, and comes back; what is held then."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import text

from sapwood import AsyncStorageAdapter, Database, Graph, Node

if TYPE_CHECKING:
    from sapwood.servers import EmbeddedServers, Endpoints

Victim = Literal["postmaster", "backend", "neo4j"]
VICTIMS: Final[tuple[Victim, ...]] = ("postmaster", "backend", "neo4j")
PER_FLUSH: Final = 20
LONGEST_S: Final = 120.0


@dataclass(frozen=True)
class KilledRun:
    """What came of one run.

    Attributes:
        acknowledged: How many nodes a flush acknowledged.
        lost: How many of those are not in the graph.
        other: Nodes in the graph that differ from the one saved, or were never saved.
        verified: Whether journal and graph are the same.
        seconds: From the kill to the end of the first flush begun after it, graph included.
    """

    acknowledged: int
    lost: int
    other: int
    verified: bool
    seconds: float


class Load:
    """Saves a chain of nodes, some a flush, for as long as it is wanted.

    Attributes:
        acknowledged: How many nodes were, from the first on.
    """

    def __init__(self, store: AsyncStorageAdapter) -> None:
        self._store = store
        self._flushed = asyncio.Condition()
        self.acknowledged = 0

    async def run(self) -> None:
        while True:
            start = self.acknowledged
            await self._store.save_nodes_batch(map(_node, range(start, start + PER_FLUSH)))
            receipt = await self._store.flush()
            assert receipt.applied
            async with self._flushed:
                self.acknowledged = start + PER_FLUSH
                self._flushed.notify_all()

    async def flushes(self, count: int) -> None:
        """Wait for the end of so many flushes from now on."""
        enough = self.acknowledged + count * PER_FLUSH
        async with self._flushed:
            await self._flushed.wait_for(lambda: self.acknowledged >= enough)


def _node(number: int) -> Node:
    parent = f"n{number - 1}" if number else None
    return Node(id=f"n{number}", parent_id=parent, content=f"content {number}")


async def run(
    servers: EmbeddedServers, endpoints: Endpoints, project_id: str, victim: Victim, after: int
) -> KilledRun:
    """Kill one server after so many flushes, start it, and go on with the same adapter."""
    db = Database(endpoints.database_url)
    graph = Graph(endpoints.neo4j_uri, auth=(endpoints.neo4j_username, endpoints.neo4j_password))
    store = AsyncStorageAdapter(
        db, graph, project_id=project_id, read_wait_s=LONGEST_S, apply_wait_s=LONGEST_S
    )
    try:
        async with asyncio.timeout(LONGEST_S), store, asyncio.TaskGroup() as group:
            load = Load(store)
            saving = group.create_task(load.run())
            await load.flushes(after)
            began = monotonic()
            os.kill(await pid_of(servers, db, victim), signal.SIGKILL)
            await asyncio.to_thread(servers.up)
            await load.flushes(2)  # the first may have been stored before the kill
            seconds = monotonic() - began
            await load.flushes(after)
            saving.cancel()
        # The next adapter knows nothing of the one before.
        async with AsyncStorageAdapter(db, graph, project_id=project_id, mode="read") as reader:
            tree = (await reader.load_project()).tree
            check = await reader.verify()
    finally:
        await graph.close()
        await db.close()
    saved = {f"n{number}": _node(number) for number in range(load.acknowledged + PER_FLUSH)}
    right = {
        each.id
        for each in tree
        if each.id in saved
        and (each.parent_id, each.content) == (saved[each.id].parent_id, saved[each.id].content)
    }
    lost = sum(f"n{number}" not in right for number in range(load.acknowledged))
    return KilledRun(load.acknowledged, lost, len(tree) - len(right), check.ok, seconds)


async def pid_of(servers: EmbeddedServers, db: Database, victim: Victim) -> int:
    """Return the process to kill: of a server, or of one of PostgreSQL's connections."""
    if victim == "backend":
        async with db.transaction() as connection:
            return int(await connection.scalar(text("SELECT pg_backend_pid()")))
    status = servers.status()
    pid = (status.neo4j if victim == "neo4j" else status.postgres).pid
    assert pid is not None
    return pid
