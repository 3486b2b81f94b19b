"""What is done to the clients and to their servers: drawn by a seed, and recorded."""

from __future__ import annotations

import asyncio
import os
import signal
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING, Final

from tests.faults.killing import VICTIMS, pid_of
from tests.faults.proxy import BOLT_COMMIT, POSTGRES_COMMIT, Proxy

from .records import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path
    from random import Random

    from sapwood import Database
    from sapwood.servers import EmbeddedServers
    from tests.faults.killing import Victim

    from .runner import Worker

LASTS_S: Final = (0.2, 1.0, 3.0, 7.0)
"""How long faults last that have an end. The longest is longer than the clients' timeouts."""


class Nemesis:
    """Injects one fault after the other.

    Attributes:
        faults: Those that happened, in order.
    """

    def __init__(
        self,
        numbers: Random,
        workers: Sequence[Worker],
        take_over: Callable[[], Awaitable[None]],
        between_s: float,
        servers: tuple[EmbeddedServers, Database] | None,
        file: Path,
    ) -> None:
        """Faults are noted in `file`. `servers`, if they are nobody else's, are killed too."""
        self._numbers = numbers
        self._workers = workers
        self._take_over = take_over
        self._between_s = between_s
        self._servers = servers
        self._file = file
        self.faults: list[Fault] = []

    async def rage(self, ends: float) -> None:
        """Inject faults until then; in the end everything is healed."""
        faults: list[Callable[[], Awaitable[None]]] = [
            self._cut,
            self._delay,
            self._black_hole,
            self._lose_reply,
            self._kill,
            self._stop,
            self._usurp,
        ]
        if self._servers is not None:
            faults += [self._kill_server] * 2
        while True:
            # Each kind comes before any comes again, so that a short run has them too.
            for fault in self._numbers.sample(faults, len(faults)):
                rest = self._numbers.expovariate(1 / self._between_s)
                if monotonic() + rest >= ends:
                    return
                await asyncio.sleep(rest)
                await fault()

    async def _last(self) -> None:
        await asyncio.sleep(self._numbers.choice(LASTS_S))

    def _note(self, kind: str, workers: Sequence[Worker], began: int) -> None:
        clients = tuple(name for worker in workers for name in worker.clients)
        self.faults.append(Fault(kind, clients, began, monotonic_ns()))
        self.faults[-1].note(self._file)

    def _lines(self) -> tuple[list[Worker], list[Proxy], str]:
        """Choose whose connections are disturbed, and those to which server."""
        count = self._numbers.choice([1, 1, 2, len(self._workers)])
        workers = self._numbers.sample(list(self._workers), count)
        to = self._numbers.choice(["postgresql", "neo4j", "both"])
        proxies = [each.proxies[name] for each in workers for name in each.proxies]
        if to != "both":
            proxies = [each.proxies[to] for each in workers]
        return workers, proxies, to

    async def _disturb(
        self, kind: str, begin: Callable[[Proxy], None], end: Callable[[Proxy], None]
    ) -> None:
        workers, proxies, to = self._lines()
        began = monotonic_ns()
        for proxy in proxies:
            begin(proxy)
        await self._last()
        for proxy in proxies:
            end(proxy)
        self._note(f"{kind}, {to}", workers, began)

    async def _cut(self) -> None:
        await self._disturb("cut", Proxy.refuse, Proxy.restore)

    async def _delay(self) -> None:
        """Hold everything back, and let it through late."""
        await self._disturb("late delivery", Proxy.hold, Proxy.release)

    async def _black_hole(self) -> None:
        """Hold everything back, and never let it through."""
        await self._disturb("black hole", Proxy.hold, _lose)

    async def _lose_reply(self) -> None:
        """Lose the answer to the next commit, of each of some."""
        workers = self._numbers.sample(list(self._workers), 2)
        to = self._numbers.choice(["postgresql", "neo4j"])
        began = monotonic_ns()
        proxies = [worker.proxies[to] for worker in workers]
        for proxy in proxies:
            proxy.cut_after = POSTGRES_COMMIT if to == "postgresql" else BOLT_COMMIT
        await self._last()
        if any(proxy.cut_after is None for proxy in proxies):
            self._note(f"lost reply to a commit, {to}", workers, began)
        for proxy in proxies:
            proxy.cut_after = None

    async def _kill(self) -> None:
        workers = self._numbers.sample(list(self._workers), self._numbers.choice([1, 1, 3]))
        began = monotonic_ns()
        for worker in workers:
            await worker.kill()
        self._note("kill -9, clients", workers, began)

    async def _stop(self) -> None:
        workers = self._numbers.sample(list(self._workers), self._numbers.choice([1, 2]))
        began = monotonic_ns()
        for worker in workers:
            worker.signal(signal.SIGSTOP)
        await self._last()
        for worker in workers:
            worker.signal(signal.SIGCONT)
        self._note("SIGSTOP, clients", workers, began)

    async def _usurp(self) -> None:
        began = monotonic_ns()
        await self._take_over()
        self._note("take-over", self._workers, began)

    async def _kill_server(self) -> None:
        assert self._servers is not None
        servers, db = self._servers
        victim: Victim = self._numbers.choice(VICTIMS)
        began = monotonic_ns()
        os.kill(await pid_of(servers, db, victim), signal.SIGKILL)
        if self._numbers.random() < 0.5:
            await self._last()
        await asyncio.to_thread(servers.up)
        self._note(f"kill -9, {victim}", self._workers, began)


def _lose(proxy: Proxy) -> None:
    proxy.refuse()
    proxy.release()
    proxy.restore()
