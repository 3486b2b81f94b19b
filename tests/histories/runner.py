"""Runs the clients and the nemesis, collects what was recorded, and has it checked."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import AsyncExitStack
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Final

from sapwood import AsyncStorageAdapter, Database, Graph, Node, new_id
from tests.faults.addresses import neo4j_place, neo4j_through, postgres_place, postgres_through
from tests.faults.proxy import Proxy

from .calls import FOUND, RUBRIC, perform
from .checker import check
from .holding import read_commits, read_held
from .nemesis import Nemesis
from .oracle import ROOT
from .program import Config
from .records import History, Life, Recorder, read_operations
from .summary import Summary, summarize

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from sapwood.servers import EmbeddedServers, Endpoints
    from sapwood.settings import Mode

PROCESSES: Final[tuple[dict[str, Mode], ...]] = (
    {"c1": "own", "c2": "join"},
    {"c3": "join", "c4": "join"},
    {"c5": "join", "c6": "read"},
    {"c7": "own", "c8": "join"},
    {"c9": "join", "c10": "join"},
    {"c11": "join", "c12": "read"},
    {"c13": "own", "c14": "join"},
    {"c15": "join", "c16": "read"},
)
"""The clients of each process."""
LIVES: Final = 1000
"""More than the lives that a client has in one process."""
ENDS_S: Final = 90.0
"""How long the clients may take to store and read all once their time is over."""


class Worker:
    """A process of clients, which reaches both servers through proxies of its own.

    Attributes:
        clients: Their modes, by name.
        proxies: By server.
    """

    def __init__(self, clients: dict[str, Mode], proxies: dict[str, Proxy]) -> None:
        self.clients = clients
        self.proxies = proxies
        self._config: Path | None = None
        self._ends = 0.0
        self._starts = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, config: Path) -> None:
        """Start the process, and wait until it is ready to begin."""
        self._config = config
        clients = [f"{name}:{mode}" for name, mode in self.clients.items()]
        lives = str(self._starts * LIVES)
        program = (sys.executable, "-m", "tests.histories.program", str(config), lives, *clients)
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
        self._starts += 1
        assert self._process.stdout is not None
        await self._process.stdout.readline()

    def begin(self, ends: float) -> None:
        """Let the clients work until then."""
        self._ends = ends
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{ends}\n".encode())

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):  # its time may be over
            self._process.send_signal(number)

    async def kill(self) -> None:
        """Kill it, and start another in its place."""
        assert self._process is not None
        assert self._config is not None
        self.end()
        await self._process.wait()
        await self.start(self._config)
        self.begin(self._ends)

    async def done(self) -> None:
        """Wait until its time is over.

        Raises:
            RuntimeError: It ended otherwise.
        """
        assert self._process is not None
        code = await self._process.wait()
        if code != 0:
            raise RuntimeError(f"the process of {', '.join(self.clients)} ended with {code}")

    def end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


class _Usurper:
    """Takes the project over with one write, by way of no proxy; also makes its first nodes."""

    def __init__(self, db: Database, graph: Graph, project_id: str, out: Recorder) -> None:
        self._stores = (db, graph)
        self._project_id = project_id
        self._out = out
        self._life = Life("c0", 0)

    async def take_over(self) -> None:
        self._life = life = Life("c0", self._life.number + 1)
        store = AsyncStorageAdapter(*self._stores, project_id=self._project_id)
        witness = Node(parent_id=ROOT, content=f"c0.{life.number}.0")
        calls = [FOUND, ["nodes", [[witness.id, ROOT, witness.content, {}]]]]
        asked = {"calls": calls, "witness": witness.id}

        async def flush() -> int:
            return (await store.flush()).seq

        async with store:
            await self._out.run(life, 0, "write", asked, lambda: perform(store, calls, witness))
            await self._out.run(life, 1, "flush", None, flush)

    async def begin(self) -> None:
        async with AsyncStorageAdapter(*self._stores, project_id=self._project_id) as store:
            await store.rubrics.save(RUBRIC)
        await self.take_over()


async def run(
    servers: Endpoints,
    folder: Path,
    *,
    seconds: float,
    seed: int,
    between_s: float = 4.0,
    to_kill: EmbeddedServers | None = None,
) -> Summary:
    """Let the clients work for so long under faults; return what it came to.

    Args:
        folder: Where the history is left: a file a process.
        seed: Of what is drawn. What happens depends on timing too, and never is the same twice.
        between_s: Mean time between the end of one fault and the next.
        to_kill: The servers, if they are nobody else's and may be killed.
    """
    auth = (servers.neo4j_username, servers.neo4j_password)
    db, graph = Database(servers.database_url), Graph(servers.neo4j_uri, auth=auth)
    out = Recorder(folder / "c0.jsonl")
    project_id = new_id()
    usurper = _Usurper(db, graph, project_id, out)
    try:
        await usurper.begin()
        async with AsyncExitStack() as stack:
            workers = [await _worker(stack, servers, each) for each in PROCESSES]
            killed = None if to_kill is None else (to_kill, db)
            nemesis = Nemesis(
                Random(seed), workers, usurper.take_over, between_s, killed, folder / "faults.jsonl"
            )
            for number, worker in enumerate(workers):
                stack.callback(worker.end)
                config = _config(servers, worker, project_id, folder, seed)
                config.write(folder / f"config-{number}.json")
            await asyncio.gather(
                *(
                    worker.start(folder / f"config-{number}.json")
                    for number, worker in enumerate(workers)
                )
            )
            ends = monotonic() + seconds
            for worker in workers:
                worker.begin(ends)
            await nemesis.rage(ends)
            async with asyncio.timeout(max(0.0, ends - monotonic()) + ENDS_S):
                await asyncio.gather(*(worker.done() for worker in workers))
        history = History(
            read_operations(folder),
            await read_commits(db, project_id),
            await read_held(db, graph, project_id),
            tuple(nemesis.faults),
        )
    finally:
        out.close()
        await graph.close()
        await db.close()
    return summarize(history, check(history), seconds, seed)


async def _worker(stack: AsyncExitStack, servers: Endpoints, clients: dict[str, Mode]) -> Worker:
    postgres, neo4j = Proxy(*postgres_place(servers)), Proxy(*neo4j_place(servers))
    for proxy in (postgres, neo4j):
        await stack.enter_async_context(proxy)
    return Worker(clients, {"postgresql": postgres, "neo4j": neo4j})


def _config(servers: Endpoints, worker: Worker, project_id: str, folder: Path, seed: int) -> Config:
    return Config(
        postgres_through(servers, worker.proxies["postgresql"].port),
        neo4j_through(worker.proxies["neo4j"].port),
        servers.neo4j_username,
        servers.neo4j_password.get_secret_value(),
        project_id,
        str(folder),
        seed,
    )
