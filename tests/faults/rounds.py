"""The rounds of the torture: each goes through the faults of one kind and fills in the table.

Those of resources are in `resource_rounds`.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from sapwood import AsyncStorageAdapter, failpoints, new_id

from . import breaking, cancelling, killing, sweep
from .interceptor import KINDS, Fault
from .life import live, take_small_steps
from .table import Damage, Label, Table, damage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from rich.progress import Progress

    from sapwood import Database, Graph
    from sapwood.servers import EmbeddedServers, Endpoints

    from .breaking import Action

    Case = tuple[Label, Callable[[], Awaitable[tuple[bool, Damage, float]]], object]

AT_ONCE: Final = 6
KILLS: Final = 3
MANY: Final = 1_000_000


class Rounds:
    """Runs cases beside each other, since most of them wait, and bars show how far they are.

    Attributes:
        embedded: The servers, which a round may kill; `servers` is where they are, and
            `servers_file` tells programs of it.
        table: What came of the cases.
    """

    def __init__(
        self,
        embedded: EmbeddedServers,
        servers: Endpoints,
        clean: tuple[Database, Graph],
        servers_file: Path,
        oracle: dict[str, Any],
        table: Table,
        bars: Progress,
    ) -> None:
        self.embedded = embedded
        self.servers = servers
        self._clean = clean
        self.servers_file = servers_file
        self._oracle = oracle
        self.table = table
        self._bars = bars

    async def messages(self, every: int) -> None:
        """Disturb each message of an undisturbed search, in each way."""
        plain = await sweep.run(self.servers, self._clean, new_id(), {})

        async def disturb(server: sweep.Server, fault: Fault) -> tuple[bool, Damage, float]:
            found = await sweep.run(self.servers, self._clean, new_id(), {server: fault})
            return found.happened, damage(found.held, self._oracle), found.seconds

        cases: list[Case] = []
        for kind in KINDS:
            for (server, way), seen in plain.seen.items():
                for at in range(1, seen + 1, every):
                    fault = Fault(way, at, kind)
                    cases.append((Label(kind, f"{server}, {way}"), of(disturb, server, fault), at))
        await self.go("messages", cases, AT_ONCE)

    async def awaits(self, every: int) -> None:
        """Cancel at each await of the caller."""

        async def cancel(form: cancelling.Form, at: int) -> tuple[bool, Damage, float]:
            found = await cancelling.run(self.servers, new_id(), at, form)
            done = damage(found.held, self._oracle)
            assert found.left == 0, f"{found.left} connections, transactions or tasks are left"
            return found.happened, done, found.seconds

        for form in cancelling.FORMS:
            label = Label("cancellation", f"await, {form} goes on")
            cases = ((label, of(cancel, form, at), at) for at in count(1, every))
            await self.go(f"awaits, {form}", cases, AT_ONCE)

    async def failpoints(self, every: int) -> None:
        """Stop at each visit of each failpoint; one after the other, as they are the process's."""
        take_small_steps()
        traps = {name: failpoints.arm(name, "raise", MANY) for name in failpoints.NAMES}
        db, graph, name = *self._clean, new_id()
        await live(lambda: AsyncStorageAdapter(db, graph, project_id=name))
        failpoints.disarm()

        async def stop(name: str, action: Action, visit: int) -> tuple[bool, Damage, float]:
            armed = (name, action, visit)
            found = await breaking.run(self._clean, self.servers_file, new_id(), armed)
            heard = action != "raise" or breaking.names_its_cause(name, found.error)
            assert heard, f"the caller heard {found.error!r}"
            return found.happened, damage(found.held, self._oracle), found.seconds

        for action in breaking.ACTIONS:
            cases: list[Case] = [
                (Label(action, name), of(stop, name, action, visit), visit)
                for name, trap in traps.items()
                for visit in range(1, MANY - trap.visits_left + 1, every)
            ]
            await self.go(f"failpoints, {action}", cases, 4 if action == "kill" else 1)

    async def kills(self) -> None:
        """Kill each server under load; one after the other, as they are everybody's."""

        async def kill(victim: killing.Victim, after: int) -> tuple[bool, Damage, float]:
            found = await killing.run(self.embedded, self.servers, new_id(), victim, after)
            return True, found.damage(), found.seconds

        cases: list[Case] = [
            (Label("kill -9", f"{victim}, under load"), of(kill, victim, after), after)
            for victim in killing.VICTIMS
            for after in range(1, KILLS + 1)
        ]
        await self.go("kills of servers", cases, 1)

    async def go(self, name: str, cases: Iterable[Case], at_once: int) -> None:
        """Run the cases; those of an endless iterable until one does not happen any more."""
        bar = self._bars.add_task(name, total=len(cases) if isinstance(cases, list) else None)
        waiting = iter(cases)
        ended = False

        async def work() -> None:
            nonlocal ended
            for label, run, case in waiting:
                if ended:
                    return
                try:
                    happened, done, seconds = await run()
                except Exception as exc:  # it is one fault that was not got over
                    self.table.fail(label, case, exc)
                else:
                    if happened:
                        self.table.add(label, case, done, seconds)
                    ended = not happened and not isinstance(cases, list)
                self._bars.advance(bar)

        await asyncio.gather(*(work() for _ in range(at_once)))


def of(
    run: Callable[..., Awaitable[tuple[bool, Damage, float]]], *arguments: object
) -> Callable[[], Awaitable[tuple[bool, Damage, float]]]:
    """Return a case's run, to be called later."""
    return lambda: run(*arguments)
