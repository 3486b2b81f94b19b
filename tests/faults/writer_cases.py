"""Faults of those who write to PostgreSQL: each case is one, at one place, and says what it did."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import text

from sapwood import (
    Database,
    DivergedError,
    FencedError,
    Node,
    NodeStatus,
    RejectedItemsError,
    failpoints,
)
from sapwood.batch import Batch, StateDraft
from sapwood.relational import Journal, ProjectRepository

from .addresses import postgres_place, postgres_through
from .bench import refuses, stopped_at_a_failpoint
from .proxy import POSTGRES_COMMIT, Proxy

if TYPE_CHECKING:
    from sapwood.testing.interface import Store

    from .bench import Bench


async def plant(store: Store) -> None:
    """Store a root and five nodes below it."""
    await store.save_nodes_batch([Node(id="root", content="")])
    await store.save_nodes_batch([Node(id=f"n{n}", parent_id="root", content="") for n in range(5)])
    await store.flush()


async def fail(store: Store) -> None:
    """Give a node a status, which `complete` changes."""
    await store.update_status_batch({"n1": NodeStatus.FAILED}, reason="first")
    await store.flush()


async def complete(store: Store) -> None:
    """Give the same node another status, and store a new one."""
    await store.update_status_batch({"n1": NodeStatus.COMPLETE}, reason="second")
    await store.save_nodes_batch([Node(id="late", parent_id="n1", content="")])
    await store.flush()


async def fail_and_prune(store: Store) -> None:
    """Store three entries by one flush."""
    await store.update_status_batch({"n1": NodeStatus.FAILED}, reason="first")
    await store.prune("root", reason="dull")
    await store.save_nodes_batch([Node(id="later", parent_id="n1", content="")])
    await store.flush()


async def a_lost_reply_to_a_commit(bench: Bench) -> str:
    """PostgreSQL commits a flush, and the connection ends before it has said so."""
    async with Proxy(*postgres_place(bench.servers)) as proxy:
        db = Database(postgres_through(bench.servers, proxy.port))
        try:
            # Its applier hangs, so the next commit is the flush's.
            trap = bench.arm(failpoints.APPLY_AFTER_READ, "hang")
            store = bench.adapter(db=db, waits_for_the_graph=False)
            await plant(store)
            await trap.sprung.wait()
            proxy.cut_after = POSTGRES_COMMIT
            await fail(store)
            trap.released.set()
            await store.close()
        finally:
            await db.close()
    entries = "SELECT count(*) FROM sapwood.journal WHERE project_id = :id"
    return "doubled" if await bench.sql(entries) != 2 else await bench.compare(plant, fail)


async def a_writer_that_is_replaced(bench: Bench) -> str:
    """A newer writer comes between two flushes; the older one rejoins and goes on."""
    old, new = bench.adapter(), bench.adapter()
    await plant(old)
    await fail(new)
    if not await refuses(FencedError, complete(old)):
        return "not refused"
    await old.rejoin()
    await old.save_nodes_batch([Node(id="late", parent_id="n1", content="")])
    await old.flush()
    return await bench.compare(plant, fail, complete)


async def a_take_over_while_a_flush_waits(bench: Bench) -> str:
    """The older writer's flush has begun, and waits for the row that a newer one takes."""
    old = bench.adapter()
    await plant(old)
    take = text("UPDATE sapwood.project SET epoch = epoch + 1, owner = 'new' WHERE id = :id")
    async with bench.db.transaction() as connection:
        await connection.execute(take, {"id": bench.project_id})
        flushing = asyncio.create_task(refuses(FencedError, fail(old)))
        await bench.somebody_waits_in_postgresql()
    return await bench.compare(plant) if await flushing else "not refused"


async def a_claim_that_a_restore_took_back(bench: Bench) -> str:
    """PostgreSQL is set back to before a claim, and gives its number to another writer."""
    await plant(bench.adapter())
    projects, journal = ProjectRepository(bench.db), Journal(bench.db)
    restore = await bench.back_up_postgresql()
    old = await projects.claim_epoch(bench.project_id)
    await restore()
    new = await projects.claim_epoch(bench.project_id)
    batch = Batch("of-the-old-one", (StateDraft(b"{}"),))
    refused = await refuses(FencedError, journal.commit(bench.project_id, old, batch))
    return await bench.compare(plant) if refused and new.number == old.number else "not refused"


async def an_older_postgresql_under_its_writer(bench: Bench) -> str:
    """PostgreSQL forgets a flush of a writer, which goes on, and the graph had it not yet."""
    store = bench.adapter(waits_for_the_graph=False)
    await plant(store)
    await store.load_project()
    restore = await bench.back_up_postgresql()
    trap = bench.arm(failpoints.APPLY_AFTER_READ, "hang")
    await fail(store)
    await trap.sprung.wait()
    await restore()
    return "" if await refuses(DivergedError, complete(store)) else "not refused"


async def an_older_postgresql_under_another_writer(bench: Bench) -> str:
    """The same; who goes on had written nothing, and its positions come for the second time."""
    first, store = bench.adapter(), bench.adapter()
    await plant(first)
    restore = await bench.back_up_postgresql()
    await fail(first)
    await complete(first)
    await store.load_project()
    await restore()
    for number in range(3):
        await store.save_nodes_batch([Node(id=f"new-{number}", content="")])
        if not await refuses(DivergedError, store.flush()):
            return "not refused"
    return ""


async def two_who_save_one_id(bench: Bench) -> str:
    """Two workers save different nodes under one id; the later one refers to its own."""
    first, second = bench.adapter("join"), bench.adapter("join")
    await first.save_nodes_batch([Node(id="root", content="first")])
    await second.save_nodes_batch([Node(id="root", content="second")])
    await second.save_nodes_batch([Node(id="child", parent_id="root", content="")])
    await second.update_status_batch({"root": NodeStatus.FAILED})

    async def save(store: Store) -> None:
        await store.save_nodes_batch([Node(id="root", content="first")])
        await store.flush()

    await first.flush()
    if not await refuses(RejectedItemsError, second.flush()):
        return "not refused"
    return await bench.compare(save)


async def a_flush_of_several_entries(bench: Bench) -> str:
    """A prune makes three entries of one flush, and another flush follows them."""
    store = bench.adapter()
    for step in (plant, fail_and_prune, complete):
        await step(store)
    return await bench.compare(plant, fail_and_prune, complete)


async def prune(store: Store) -> None:
    """Close everything that is alive."""
    await store.prune("root", reason="dull")
    await store.flush()


async def a_refresh_of_stats_that_is_cut(bench: Bench) -> str:
    """A refresh of the stats ends before its commit; the next one has to do all of it."""
    store = bench.adapter()
    await plant(store)
    await store.branch_stats("root")
    await fail(store)
    bench.arm(failpoints.STATS_BEFORE_COMMIT, "raise")
    async with stopped_at_a_failpoint():
        await store.branch_stats("root")
    return await bench.compare(plant, fail)


async def a_refresh_of_stats_in_portions(bench: Bench) -> str:
    """The stats take in several flushes, an entry a transaction."""
    module = vars(import_module("sapwood.relational.branch_stats"))
    module.update(MOST_ROWS=1, _PORTION_ROWS=1)
    store = bench.adapter()
    await plant(store)
    await store.branch_stats("root")
    await fail(store)
    await prune(store)
    return await bench.compare(plant, fail, prune)
