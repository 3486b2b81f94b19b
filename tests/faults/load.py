"""A search that saves and flushes while something is done to its servers; what is held then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from sapwood import AsyncStorageAdapter, Database, Graph, Node

from .table import Damage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sapwood.servers import Endpoints

PER_FLUSH: Final = 20
LONGEST_S: Final = 180.0


@dataclass(frozen=True)
class LoadedRun:
    """What came of one run.

    Attributes:
        acknowledged: How many nodes a flush acknowledged.
        lost: How many of those are not in the graph.
        other: Nodes in the graph that differ from the one saved, or were never saved.
        verified: Whether journal and graph are the same.
        seconds: From the time that the disturbance gives to the end of the first flush begun after
            it, graph included.
    """

    acknowledged: int
    lost: int
    other: int
    verified: bool
    seconds: float

    def damage(self) -> Damage:
        """Return it as a row of the table has it; a graph that differs otherwise is an error."""
        wrong = bool(self.lost or self.other)
        assert self.verified or wrong, "the graph is not that of the journal"
        return Damage(self.lost, self.other, wrong and self.verified)


class Load:
    """Saves a chain of nodes, some a flush, for as long as it is wanted.

    Attributes:
        acknowledged: How many nodes were, from the first on.
    """

    def __init__(self, store: AsyncStorageAdapter, content_size: int = 0) -> None:
        self._store = store
        self._size = content_size
        self._flushed = asyncio.Condition()
        self.acknowledged = 0

    async def run(self) -> None:
        while True:
            start = self.acknowledged
            await self._store.save_nodes_batch(map(self.node, range(start, start + PER_FLUSH)))
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

    def node(self, number: int) -> Node:
        """Return the node of that number, always the same."""
        parent = f"n{number - 1}" if number else None
        content = f"content {number}".ljust(self._size, ".")
        return Node(id=f"n{number}", parent_id=parent, content=content)


class Running(NamedTuple):
    """What a disturbance finds."""

    db: Database
    graph: Graph
    store: AsyncStorageAdapter


async def under_load(
    endpoints: Endpoints,
    project_id: str,
    disturb: Callable[[Running], Awaitable[float]],
    *,
    after: int,
    content_size: int = 0,
) -> LoadedRun:
    """Disturb after so many flushes, and go on with the same adapter for as many.

    Args:
        disturb: Does it, and mends it; returns since when recovery counts, of `monotonic`.
    """
    db = Database(endpoints.database_url)
    graph = Graph(endpoints.neo4j_uri, auth=(endpoints.neo4j_username, endpoints.neo4j_password))
    store = AsyncStorageAdapter(
        db, graph, project_id=project_id, read_wait_s=LONGEST_S, apply_wait_s=LONGEST_S
    )
    try:
        async with asyncio.timeout(LONGEST_S), store, asyncio.TaskGroup() as group:
            load = Load(store, content_size)
            saving = group.create_task(load.run())
            await load.flushes(after)
            began = await disturb(Running(db, graph, store))
            await load.flushes(2)  # the first may have been stored before
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
    saved = {f"n{number}": load.node(number) for number in range(load.acknowledged + PER_FLUSH)}
    right = {
        each.id
        for each in tree
        if each.id in saved
        and (each.parent_id, each.content) == (saved[each.id].parent_id, saved[each.id].content)
    }
    lost = sum(f"n{number}" not in right for number in range(load.acknowledged))
    return LoadedRun(load.acknowledged, lost, len(tree) - len(right), check.ok, seconds)
