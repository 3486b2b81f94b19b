"""The rounds of the torture in which a resource runs out: disk, memory, a server for a minute."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from sapwood import AsyncStorageAdapter, new_id

from . import filling, limits, outages
from .conftest import prepare
from .disk import why_none
from .rounds import of
from .table import Damage, Label

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .disk import Store
    from .rounds import Case, Rounds

FILLINGS: Final = 2
OUTAGE_S: Final = 60.0
STORES: Final[tuple[Store, ...]] = ("postgresql", "neo4j")


async def disk(rounds: Rounds) -> None:
    """Fill each store's disk under load; the servers are of this round alone."""
    none = why_none()
    if none is not None:
        rounds.table.say(f"No disk was filled: {none}.")
        return

    async def fill(full: filling.Full, after: int) -> tuple[bool, Damage, float]:
        found = await filling.run(small, new_id(), full, after)
        return True, found.damage(), found.seconds

    async with filling.small_servers(rounds.embedded.data_dir) as small:
        cases: list[Case] = [
            (Label("full disk", full), of(fill, full, after), after)
            for full in filling.FULL
            for after in range(1, FILLINGS + 1)
        ]
        await rounds.go("full disks", cases, 1)


async def memory(rounds: Rounds) -> None:
    """Give Neo4j little memory for a transaction."""
    db, graph = await prepare(rounds.servers)

    def make(name: str) -> AsyncStorageAdapter:
        return AsyncStorageAdapter(
            db, graph, project_id=name, apply_wait_s=0, close_wait_s=0.2, read_wait_s=60
        )

    async def timed(run: Callable[[], Awaitable[Damage]]) -> tuple[bool, Damage, float]:
        began = monotonic()
        return True, await run(), monotonic() - began

    try:
        limits.restart(rounds.embedded, limits.SMALL)
        tree, big, own = partial(make, new_id()), partial(make, new_id()), rounds.embedded
        runs: dict[str, Callable[[], Awaitable[Damage]]] = {
            "neo4j, apply of many entries": lambda: limits.halved(tree, own),
            "neo4j, read, prune, rebuild, delete": lambda: limits.lived(tree),
            "neo4j, an entry too big alone": lambda: limits.stalled(big, own),
        }
        cases: list[Case] = [
            (Label("little memory", where), of(timed, run), limits.SMALL)
            for where, run in runs.items()
        ]
        await rounds.go("little memory", cases, 1)
    finally:
        await graph.close()
        await db.close()
        limits.restart(rounds.embedded, limits.USUAL)


async def away(rounds: Rounds) -> None:
    """Take each server away for a minute under several writers."""
    most = 0

    async def take(store: Store, form: outages.Form) -> tuple[bool, Damage, float]:
        nonlocal most
        found = await outages.run(rounds.embedded, rounds.servers, new_id(), store, form, OUTAGE_S)
        most = max(most, found.growth)
        assert found.growth < outages.MOST_GROWTH, f"it grew by {found.growth} bytes"
        return True, found.damage, found.seconds

    cases: list[Case] = [
        (Label("outage", f"{store}, {form}"), of(take, store, form), form)
        for store in STORES
        for form in outages.FORMS
    ]
    await rounds.go("outages", cases, 1)
    rounds.table.say(
        f"In the outages, each of {OUTAGE_S:.0f} s in which {outages.WRITERS} writers had to wait, "
        f"the process grew by {max(most, 0) / 2**20:.2f} MiB at most; {outages.BUFFER >> 20} MiB "
        f"may wait, and {outages.MOST_GROWTH >> 20} MiB more would be an error."
    )
