"""A server is away for a while under several writers; what is held then, and in how much memory."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

import psutil

from sapwood import AsyncStorageAdapter, Database, Graph, Node

from .table import Damage

if TYPE_CHECKING:
    from collections.abc import Generator

    from sapwood import Tree
    from sapwood.servers import EmbeddedServers, Endpoints
    from sapwood.settings import Options

    from .disk import Store

Form = Literal["killed", "silent"]
FORMS: Final[tuple[Form, ...]] = ("killed", "silent")
WRITERS: Final = 4
AT_ONCE: Final = 5
CONTENT: Final = 4_000
BUFFER: Final = 8 << 20
MOST_GROWTH: Final = BUFFER // 8
"""Most bytes by which the process may grow once its buffer is full: what is held is bounded by the
buffer, so whatever takes an eighth of it again is not in it."""
MOST_SAVED: Final = 20_000
"""More than the buffer and the lag may hold."""
LONGEST_S: Final = 300.0
OPTIONS: Final[Options] = {
    "max_pending_bytes": BUFFER,
    "max_lag_rows": 2_000,
    "read_wait_s": LONGEST_S,
    "apply_wait_s": LONGEST_S,
}
_STILL_S: Final = 0.5


@dataclass(frozen=True)
class OutageRun:
    """What came of one outage.

    Attributes:
        saved: How many nodes the savers were told of.
        damage: What is stored of these, held against them; a writer's nodes out of order are lost.
        growth: Bytes by which the process grew while the savers had to wait.
        seconds: From then until all is in the graph.
    """

    saved: int
    damage: Damage
    growth: int
    seconds: float


class Writers:
    """Save a chain of nodes each, for as long as they are wanted."""

    def __init__(self, store: AsyncStorageAdapter) -> None:
        self._store = store
        self._ended = False
        self._more = asyncio.Condition()
        self.ids: list[list[str]] = [[] for _ in range(WRITERS)]

    @property
    def saved(self) -> int:
        return sum(map(len, self.ids))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for writer in range(WRITERS):
                group.create_task(self._write(writer))

    def end(self) -> None:
        """Let each end after the call that it is in."""
        self._ended = True

    async def _write(self, writer: int) -> None:
        ids = self.ids[writer]
        while not self._ended:
            made: list[Node] = []
            for at in range(len(ids), len(ids) + AT_ONCE):
                above = made[-1].id if made else ids[-1] if ids else None
                made.append(Node(parent_id=above, content=content(writer, at)))
            await self._store.save_nodes_batch(made)
            ids += [node.id for node in made]
            # Here, since savers that never wait let nothing else come to its turn.
            assert self.saved <= MOST_SAVED, "nothing bounds what is accepted"
            async with self._more:
                self._more.notify_all()

    async def more(self, nodes: int) -> None:
        """Wait until so many more are saved."""
        enough = self.saved + nodes
        async with self._more:
            await self._more.wait_for(lambda: self.saved >= enough)

    async def still(self) -> None:
        """Wait until they all wait."""
        seen = -1
        while seen != self.saved:
            seen = self.saved
            await asyncio.sleep(_STILL_S)


def content(writer: int, at: int) -> str:
    return f"{writer} {at} ".ljust(CONTENT, ".")


@contextmanager
def silent(pid: int) -> Generator[None]:
    """Stop a server and its children: they keep their connections, and say nothing."""
    process = psutil.Process(pid)
    every = [process, *process.children(recursive=True)]
    for each in every:
        each.suspend()
    try:
        yield
    finally:
        for each in reversed(every):
            with suppress(psutil.NoSuchProcess):  # it may have been killed meanwhile
                each.resume()


async def run(
    servers: EmbeddedServers,
    endpoints: Endpoints,
    project_id: str,
    store: Store,
    form: Form,
    seconds: float,
) -> OutageRun:
    """Take one server away for so long, counted from when the writers have to wait."""
    db = Database(endpoints.database_url)
    graph = Graph(endpoints.neo4j_uri, auth=(endpoints.neo4j_username, endpoints.neo4j_password))
    adapter = AsyncStorageAdapter(db, graph, project_id=project_id, **OPTIONS)
    try:
        async with asyncio.timeout(LONGEST_S), adapter, asyncio.TaskGroup() as group:
            writers = Writers(adapter)
            group.create_task(writers.run())
            await writers.more(500)
            growth = await _away(servers, writers, store, form, seconds)
            began = monotonic()
            await asyncio.to_thread(servers.up)
            writers.end()
            assert (await adapter.flush()).applied
            took = monotonic() - began
        async with AsyncStorageAdapter(db, graph, project_id=project_id, mode="read") as reader:
            tree = (await reader.load_project()).tree
            verified = (await reader.verify()).ok
    finally:
        await graph.close()
        await db.close()
    return OutageRun(writers.saved, _damage(writers.ids, tree, verified), growth, took)


async def _away(
    servers: EmbeddedServers, writers: Writers, store: Store, form: Form, seconds: float
) -> int:
    """Take the server away; return by how many bytes this process grew while the writers waited."""
    status = servers.status()
    pid = (status.neo4j if store == "neo4j" else status.postgres).pid
    assert pid is not None
    with silent(pid):
        if form == "killed":
            psutil.Process(pid).kill()
        await writers.still()
        while True:  # it may be the machine that was busy
            before, saved = _resident(), writers.saved
            await asyncio.sleep(seconds)
            if writers.saved == saved:
                return _resident() - before


def _resident() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


def _damage(ids: list[list[str]], tree: Tree, verified: bool) -> Damage:
    lost, found = 0, {node.id: node for node in tree}
    for writer, chain in enumerate(ids):
        seq, above = 0, None
        for at, node_id in enumerate(chain):
            node = found.get(node_id)
            right = node is not None and (node.parent_id, node.content) == (
                above,
                content(writer, at),
            )
            if node is None or not right or (node.seq or 0) < seq:
                lost += 1
            else:
                seq = node.seq or 0
            above = node_id
    other = len(found.keys() - {node_id for chain in ids for node_id in chain})
    return Damage(lost, other, bool(lost or other) and verified)
