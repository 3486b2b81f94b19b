"""Some clients of a project in one process, which record all that they ask and hear.

    python -m tests.histories.program CONFIG LIVES CLIENT:MODE…

CONFIG is a file of `Config`. LIVES is the number of lives that these clients had before, in
processes that were killed. It says `ready`, and begins once a line of its standard input says until
when to work, by the monotonic clock. A client works until then, with one adapter after the other;
then it stores what is pending and reads once more. Whatever a fault lets it raise, it goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sapwood import AsyncStorageAdapter, Database, FencedError, Graph, Node, SapwoodError

from .calls import FOUND, READS, Writes, perform
from .oracle import ROOT
from .records import Life, Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sapwood.settings import Mode

    from .records import Kind

RESTS_S: Final = 0.08
"""Mean rest between two operations of a client, so that 16 of them leave room on two cores."""
PATIENCE_S: Final = 3.0
"""Timeout of statements, so that who is stopped or cut off holds up the others for no longer."""
LIVES_S: Final = 20.0
"""Mean length of a life."""


@dataclass(frozen=True)
class Config:
    """What the clients are told.

    Attributes:
        folder: Where they record.
    """

    database_url: str
    neo4j_uri: str
    username: str
    password: str
    project_id: str
    folder: str
    seed: int

    def write(self, path: Path) -> Path:
        """Write it for this user's eyes; it holds passwords."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))
        return path


class Client:
    """One client: a writer that owns or joins, or a reader.

    Attributes:
        life: Its present one.
    """

    def __init__(
        self, config: Config, name: str, mode: Mode, lives: int, ends: float, out: Recorder
    ) -> None:
        self._config = config
        self._ends = ends
        self._mode: Mode = mode
        self._out = out
        self.life = Life(name, lives)
        self._numbers = Random(f"{config.seed} {name} {lives}")
        self._writes = Writes(self._numbers)
        self._next = 0
        self._own: list[str] = []
        self._fenced = False

    async def work(self) -> None:
        """Live until the time is over."""
        while monotonic() < self._ends:
            self.life = Life(self.life.client, self.life.number + 1)
            self._next, self._own, self._fenced = 0, [], False
            db = Database(
                self._config.database_url,
                statement_timeout_s=PATIENCE_S,
                connect_timeout_s=PATIENCE_S,
                pool_size=4,
            )
            auth = (self._config.username, self._config.password)
            graph = Graph(
                self._config.neo4j_uri,
                auth=auth,
                timeout_s=2 * PATIENCE_S,
                connect_timeout_s=PATIENCE_S,
                acquire_timeout_s=PATIENCE_S,
                pool_size=4,
            )
            try:
                await self._live(db, graph)
            finally:
                await graph.close()
                await db.close()

    async def _live(self, db: Database, graph: Graph) -> None:
        store = AsyncStorageAdapter(
            db,
            graph,
            project_id=self._config.project_id,
            mode=self._mode,
            flush_at=25,
            flush_interval_s=0.5,
            read_wait_s=20,
            apply_wait_s=20,
            close_wait_s=20,
        )
        dies = monotonic() + self._numbers.expovariate(1 / LIVES_S)
        try:
            while not await self._heard("open", None, store.load_state):
                await self._rest()
            while monotonic() < min(self._ends, dies):
                await self._rest()
                if not await self._step(store):
                    return
            if monotonic() >= self._ends:
                await self._finish(store)
        finally:
            await self._heard("close", None, store.close)

    async def _step(self, store: AsyncStorageAdapter) -> bool:
        """Do one thing; return whether this life goes on after it."""
        chance = self._numbers.random()
        if self._mode == "read" or chance < 0.35:
            await self._read(store)
        elif chance < 0.6:
            await self._flush(store)
        else:
            await self._write(store)
        return not self._fenced or await self._goes_on(store)

    async def _goes_on(self, store: AsyncStorageAdapter) -> bool:
        """Rejoin, as another writer came; or end this life, and with it what was pending."""
        if self._mode == "own":
            await self._rest(10)  # an owner comes back, and takes over, only after a while
            if self._numbers.random() < 0.5:
                return False
        await self._rejoin(store)
        return True

    async def _rejoin(self, store: AsyncStorageAdapter) -> None:
        while not await self._heard("rejoin", None, store.rejoin):
            await self._rest()
        self._fenced = False

    async def _finish(self, store: AsyncStorageAdapter) -> None:
        """Store all, whoever takes over meanwhile, and read all."""
        done = self._mode == "read"
        while not (done and await self._read(store, "project")):
            done = done or await self._heard("flush", None, self._flushed(store))
            if self._fenced:
                await self._rejoin(store)

    async def _write(self, store: AsyncStorageAdapter) -> None:
        tag = f"{self.life.client}.{self.life.number}.{self._next}"
        parent = self._numbers.choice(self._own[-3:] or [ROOT])
        witness = Node(parent_id=parent, content=tag)
        calls = [FOUND]
        if self._own:
            number = int(self.life.client[1:]) * 10**11 + self.life.number * 10**6 + self._next
            own = self._numbers.choice(self._own[-9:])
            calls = self._writes.draw(tag, own, float(number))
        calls = [*calls, ["nodes", [[witness.id, parent, tag, {}]]]]
        asked = {"calls": calls, "witness": witness.id}
        if await self._heard("write", asked, lambda: perform(store, calls, witness)):
            self._own.append(witness.id)

    async def _flush(self, store: AsyncStorageAdapter) -> bool:
        patience = self._numbers.choice([0.5, 5, 60])
        return await self._heard("flush", None, self._flushed(store, patience))

    def _flushed(
        self, store: AsyncStorageAdapter, patience_s: float = 60
    ) -> Callable[[], Awaitable[int]]:
        async def flush() -> int:
            async with asyncio.timeout(patience_s):
                return (await store.flush()).seq

        return flush

    async def _read(self, store: AsyncStorageAdapter, name: str = "") -> bool:
        names = [each for each in READS if self._own or each != "life"]
        weights = [READS[each][1] for each in names]
        name = name or self._numbers.choices(names, weights)[0]
        top = self._own[0] if self._own else ROOT
        read, _ = READS[name]
        return await self._heard("read", name, lambda: read(store, top))

    async def _heard(self, kind: Kind, asked: Any, action: Callable[[], Awaitable[Any]]) -> bool:
        """Do and record an operation; return whether it succeeded."""
        number, self._next = self._next, self._next + 1
        try:
            await self._out.run(self.life, number, kind, asked, action)
        except FencedError:
            self._fenced = True
            return False
        except (SapwoodError, TimeoutError):
            return False
        return True

    async def _rest(self, times: float = 1) -> None:
        await asyncio.sleep(self._numbers.expovariate(1 / (RESTS_S * times)))


def _silence() -> None:
    """Here there is nothing but faults, and each would be told in the log."""
    for name in ("neo4j", "sapwood", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def main(config: Config, lives: int, ends: float, clients: dict[str, Mode]) -> None:
    _silence()
    out = Recorder(Path(config.folder) / f"{'.'.join(clients)}.{lives}.jsonl")
    async with asyncio.TaskGroup() as group:
        for name, mode in clients.items():
            group.create_task(Client(config, name, mode, lives, ends, out).work())
    out.close()


if __name__ == "__main__":
    given = Config(**json.loads(Path(sys.argv[1]).read_text()))
    modes: Any = dict(each.split(":") for each in sys.argv[3:])
    print("ready", flush=True)
    asyncio.run(main(given, int(sys.argv[2]), float(sys.stdin.readline()), modes))
