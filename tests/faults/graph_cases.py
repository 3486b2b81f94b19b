"""Faults of those who apply, clear and read the graph: each case is one, at one place."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sapwood import (
    DivergedError,
    Graph,
    Node,
    NodeStatus,
    NotFoundError,
    SapwoodError,
    failpoints,
)

from .addresses import neo4j_place, neo4j_through
from .bench import refuses, stopped_at_a_failpoint
from .life import take_small_steps
from .proxy import BOLT_COMMIT, Proxy
from .writer_cases import complete, fail, fail_and_prune, plant, prune

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter
    from sapwood.failpoints import Trap
    from sapwood.testing.interface import Store

    from .bench import Bench


async def slow_applier(bench: Bench) -> tuple[AsyncStorageAdapter, Trap]:
    """Return an adapter whose applier has read what `plant` stored, and hangs."""
    trap = bench.arm(failpoints.APPLY_AFTER_READ, "hang")
    store = bench.adapter(waits_for_the_graph=False)
    await plant(store)
    await trap.sprung.wait()
    return store, trap


async def a_cut_in_an_apply(bench: Bench) -> str:
    """An applier ends after its writes and before its commit; the next one begins again."""
    store = bench.adapter()
    bench.arm(failpoints.APPLY_IN_TRANSACTION, "raise")
    async with stopped_at_a_failpoint():
        await plant(store)
    return await bench.compare(plant)


async def a_lost_reply_of_neo4j(bench: Bench) -> str:
    """Neo4j commits entries, and the connection ends before it has said so."""
    async with Proxy(*neo4j_place(bench.servers)) as proxy:
        auth = (bench.servers.neo4j_username, bench.servers.neo4j_password)
        graph = Graph(neo4j_through(proxy.port), auth=auth)
        try:
            store = bench.adapter(graph=graph)
            await plant(store)
            proxy.cut_after = BOLT_COMMIT
            await complete(store)
            await store.close()
        finally:
            await graph.close()
    return await bench.compare(plant, complete)


async def an_applier_that_comes_late(bench: Bench) -> str:
    """An applier has read an entry, and comes to the graph after the next one; then it ends."""
    slow, trap = await slow_applier(bench)
    reader = bench.adapter("read")
    await reader.load_project()
    await fail(slow)
    await reader.load_project()
    bench.arm(failpoints.APPLY_AFTER_COMMIT, "raise")
    trap.released.set()
    async with stopped_at_a_failpoint():
        await slow.load_project()
    failpoints.disarm()
    return await bench.compare(plant, fail)


async def two_appliers_at_one_lock(bench: Bench) -> str:
    """An applier with an older entry waits for the watermark that one with newer ones holds."""
    slow, quick = bench.adapter(waits_for_the_graph=False), bench.adapter("read")
    await plant(slow)
    await slow.load_project()
    await quick.load_project()
    late = bench.arm(failpoints.APPLY_AFTER_READ, "hang")
    await fail(slow)
    await late.sprung.wait()
    holder = bench.arm(failpoints.APPLY_IN_TRANSACTION, "hang")
    await complete(slow)
    reading = asyncio.create_task(quick.load_project())
    await holder.sprung.wait()
    bench.arm(failpoints.APPLY_AFTER_COMMIT, "raise", 2)
    late.released.set()
    await bench.somebody_waits_in_neo4j()
    holder.released.set()
    await reading
    async with stopped_at_a_failpoint():
        await slow.load_project()
    failpoints.disarm()
    return await bench.compare(plant, fail, complete)


async def entries_that_are_applied_at_once(bench: Bench) -> str:
    """The graph is slow, so the next flushes are one transaction of it; a prune is among them."""
    slow, trap = await slow_applier(bench)
    for step in (fail, complete, prune):
        await step(slow)
    trap.released.set()
    await slow.load_project()
    return await bench.compare(plant, fail, complete, prune)


async def a_read_between_the_entries_of_a_flush(bench: Bench) -> str:
    """A flush is three entries, of which the graph has one when an older read goes on."""
    store, reader = bench.adapter(waits_for_the_graph=False), bench.adapter("read")
    await plant(store)
    pages = reader.iter_nodes(page=3).pages()
    await anext(pages)
    trap = bench.arm(failpoints.APPLY_AFTER_READ, "hang", 2)
    await fail_and_prune(store)
    await trap.sprung.wait()
    page = await anext(pages)
    half = NodeStatus.ALIVE in page.column("status")
    trap.released.set()
    return "lost" if half else await bench.compare(plant, fail_and_prune)


async def a_clearing_whose_end_comes_late(bench: Bench) -> str:
    """Who has cleared the graph stops before the end; others end it, and begin another clearing."""
    first, second = bench.adapter(), bench.adapter()
    await plant(first)
    await second.load_project()
    end = bench.arm(failpoints.CLEAR_AFTER_STEP, "hang", 2)  # the step that finds nothing
    rebuilding = asyncio.create_task(first.rebuild_graph())
    await end.sprung.wait()
    await second.alive_nodes()
    begun = bench.arm(failpoints.CLEAR_AFTER_BEGIN, "hang")
    again = asyncio.create_task(second.rebuild_graph())
    await begun.sprung.wait()
    end.released.set()
    await rebuilding
    begun.released.set()
    await again
    return await bench.compare(plant)


async def a_project_made_again_before_an_old_applier_comes(bench: Bench) -> str:
    """An applier has read an entry of a project, which is deleted, and made again."""
    slow, trap = await slow_applier(bench)
    await bench.adapter().delete_project()
    new = bench.adapter()
    await new.load_project()
    trap.released.set()
    with contextlib.suppress(SapwoodError):
        await slow.load_project()

    async def sow(store: Store) -> None:
        await store.save_nodes_batch([Node(id="other", content="")])
        await store.flush()

    await sow(new)
    return await bench.compare(sow)


async def a_project_deleted_before_an_applier_comes(bench: Bench) -> str:
    """An applier has read an entry of a project, which is deleted."""
    trap = bench.arm(failpoints.APPLY_AFTER_READ, "hang")
    store = bench.adapter()
    planting = asyncio.create_task(refuses(NotFoundError, plant(store)))
    await trap.sprung.wait()
    await bench.adapter().delete_project()
    trap.released.set()
    if not await planting:  # it waits for its applier
        return "not refused"
    with contextlib.suppress(SapwoodError):  # what it says of the deletion was heard
        await store.close()  # its applier's next try makes a watermark, and takes it away again
    left = await bench.cypher("MATCH (n {project_id: $id}) RETURN count(n)")
    return "doubled" if left else ""


async def a_rebuild_that_comes_into_a_deletion(bench: Bench) -> str:
    """Who rebuilds the graph comes to the watermark after a deletion has marked it."""
    store, deleter = bench.adapter(), bench.adapter()
    await plant(store)
    held = bench.arm(failpoints.CLEAR_BEFORE_BEGIN, "hang")
    rebuilding = asyncio.create_task(refuses(NotFoundError, store.rebuild_graph()))
    await held.sprung.wait()
    begun = bench.arm(failpoints.CLEAR_AFTER_BEGIN, "hang")
    deleting = asyncio.create_task(deleter.delete_project())
    await begun.sprung.wait()
    held.released.set()
    refused = await rebuilding
    begun.released.set()
    await deleting
    if not refused:
        return "not refused"
    left = await bench.cypher("MATCH (n {project_id: $id}) RETURN count(n)")
    return "doubled" if left else ""


async def an_edited_graph(bench: Bench) -> str:
    """A foreign hand removes a node from the graph, and a child of it is saved."""
    store = bench.adapter()
    await plant(store)
    await bench.cypher("MATCH (n:Node {project_id: $id, id: 'n1'}) DETACH DELETE n")
    await store.save_nodes_batch([Node(id="late", parent_id="n1", content="")])
    return "" if await refuses(DivergedError, store.flush()) else "not refused"


async def an_older_graph_under_a_reader(bench: Bench) -> str:
    """Neo4j is set back under an adapter that has seen it further on."""
    store = bench.adapter()
    await plant(store)
    restore = await bench.back_up_graph()
    await complete(store)
    await restore()
    count = len((await store.load_project()).tree)
    return "lost" if count != 7 else await bench.compare(plant, complete)


async def an_older_graph_in_the_middle_of_a_prune(bench: Bench) -> str:
    """Neo4j is set back to before a prune by whose applier a part of it was made."""
    take_small_steps()
    store = bench.adapter(waits_for_the_graph=False)
    await plant(store)
    await store.load_project()
    restore = await bench.back_up_graph()
    trap = bench.arm(failpoints.PRUNE_AFTER_PART, "hang")
    await prune(store)
    await trap.sprung.wait()
    await restore()
    trap.released.set()
    await store.load_project()
    return await bench.compare(plant, prune)


async def an_older_postgresql_in_the_middle_of_a_prune(bench: Bench) -> str:
    """PostgreSQL forgets a prune of which the graph has a part; somebody who was there reads."""
    take_small_steps()
    store, reader = bench.adapter(waits_for_the_graph=False), bench.adapter("read")
    await plant(store)
    await reader.load_project()
    restore = await bench.back_up_postgresql()
    trap = bench.arm(failpoints.PRUNE_AFTER_PART, "hang")
    await prune(store)
    await trap.sprung.wait()
    await restore()
    for each in (reader, bench.adapter("read")):
        if not await refuses(DivergedError, each.load_project()):
            return "not refused"
    return ""


async def a_prune_in_parts(bench: Bench) -> str:
    """A prune of more nodes than a transaction takes."""
    take_small_steps()
    store = bench.adapter()
    await plant(store)
    await prune(store)
    return await bench.compare(plant, prune)


async def a_clearing_that_stops_half_way(bench: Bench) -> str:
    """Who makes the graph again stops within; another goes on to the end, then the first does."""
    take_small_steps()
    store, reader = bench.adapter(), bench.adapter("read")
    await plant(store)
    await reader.load_project()
    trap = bench.arm(failpoints.CLEAR_AFTER_STEP, "hang")
    rebuilding = asyncio.create_task(store.rebuild_graph())
    await trap.sprung.wait()
    count = len(await reader.alive_nodes())
    trap.released.set()
    await rebuilding
    return "lost" if count != 6 else await bench.compare(plant)
