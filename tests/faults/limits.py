"""Neo4j has little memory for a transaction: what is too big is halved, refused in words, or waits.

Each case returns what is wrong with what is stored in the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from sapwood import AsyncStorageAdapter, Node, NotFoundError, StalledError, StoreError
from sapwood.servers import neo4j_settings

from .outages import silent
from .table import Damage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sapwood.servers import EmbeddedServers

    Make = Callable[[], AsyncStorageAdapter]

SETTING: Final = "db.memory.transaction.max"
USUAL: Final = neo4j_settings.MEMORY[SETTING]
SMALL: Final = "2m"
DEEP: Final = 2_000
WIDE: Final = 2_000
FLUSH: Final = 200
"""Nodes of a flush: it fits, and what a prune or a deletion takes at a time does not."""
READS: Final[dict[str, Callable[[AsyncStorageAdapter], Awaitable[Any]]]] = {
    "load_project": lambda store: store.load_project(),
    "subtree": lambda store: store.subtree("root"),
    "path": lambda store: store.path(f"deep{DEEP - 1}"),
    "children": lambda store: store.children("root"),
    "alive_nodes": lambda store: store.alive_nodes(),
    "leaves": lambda store: store.leaves(),
    "best_nodes": lambda store: store.best_nodes(10),
    "branch_stats": lambda store: store.branch_stats("root"),
    "verify": lambda store: store.verify(),
}


def restart(servers: EmbeddedServers, limit: str) -> None:
    """Have those servers, and whichever this process starts from now on, run with that limit."""
    servers.down()
    neo4j_settings.MEMORY[SETTING] = limit
    servers.up()


def tree() -> list[Node]:
    """A root with a deep branch and a wide one."""
    deep = [
        Node(id=f"deep{at}", parent_id=f"deep{at - 1}" if at else "root", content="deep")
        for at in range(DEEP)
    ]
    wide = [Node(id=f"wide{at}", parent_id="root", content="wide" * 25) for at in range(WIDE)]
    return [Node(id="root", content=""), *deep, *wide]


async def halved(make: Make, servers: EmbeddedServers) -> Damage:
    """Let entries that each fit wait for Neo4j, and be applied in one transaction, which does not.

    What makes the adapter has it not wait for the graph. Another one applies them: it finds all of
    them, while the first may have begun with a few.
    """
    every, pid = tree(), servers.status().neo4j.pid
    assert pid is not None
    async with make() as store:
        await store.load_project()
        with silent(pid):
            for at in range(0, len(every), FLUSH):
                await store.save_nodes_batch(every[at : at + FLUSH])
                await store.flush()
            await store.close()
    async with make() as other:
        done = await _damage(other, ((node.id, "alive") for node in every))
        assert other.counts.get("apply_halvings", 0) > 0, "all of it fitted"
    return done


async def lived(make: Make) -> Damage:
    """Read, prune, rebuild and delete the tree that `halved` has stored."""
    every = tree()
    pruned = [(node.id, "alive" if node.id.startswith("wide") else "pruned") for node in every]
    pruned[0] = ("root", "alive")
    async with make() as store:
        for read in READS:
            await _ask(store, read)
        await store.prune("deep0")
        done = await _damage(store, pruned)
        await store.rebuild_graph()
        again = await _damage(store, pruned)
    await make().delete_project()
    with pytest.raises(NotFoundError):
        await make().delete_project()
    return done if done != Damage() else again


async def stalled(make: Make, servers: EmbeddedServers) -> Damage:
    """Flush an entry that does not fit alone; then raise the limit."""
    big = [Node(id=f"big{at}", content="." * 1_000_000) for at in range(3)]
    async with make() as store:
        await store.save_nodes_batch(big)
        for _ in range(2):
            await store.flush()
            with pytest.raises(StalledError, match=rf"at journal position 1: .*{SETTING}"):
                await store.load_project()
            await store.save_nodes_batch([Node(id="behind", content="")])
        await asyncio.to_thread(restart, servers, USUAL)
        return await _damage(store, [("behind", "alive"), *((node.id, "alive") for node in big)])


async def _ask(store: AsyncStorageAdapter, read: str) -> None:
    """Read; an answer is fine, and so is an error that names the setting."""
    try:
        await READS[read](store)
    except StoreError as exc:
        if not exc.too_big or SETTING not in str(exc):
            raise


async def _damage(store: AsyncStorageAdapter, expected: Iterable[tuple[str, str]]) -> Damage:
    held = Counter((node.id, str(node.status)) for node in (await store.load_project()).tree)
    wanted = Counter(expected)
    lost, doubled = (wanted - held).total(), (held - wanted).total()
    return Damage(lost, doubled, silent=False)
