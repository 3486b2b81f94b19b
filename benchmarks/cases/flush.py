"""How long a flush takes until it is durable."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import asyncpg
import sources
from harness import Case, Ratio

from sapwood import Node, new_id
from sapwood.relational.entries import _APPEND, _REGISTER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from harness import Bench, Contenders
    from sources import Edge

FLUSHES: Final = 200
WAL_FILE_BYTES: Final = 16 << 20
ABOUT = f"""
{FLUSHES} flushes a round, each of as many new nodes as the size says, contents of 200 bytes.

- *flush, graph idle*: `flush()` of nodes that were accepted before, not waiting for the graph,
  which has caught up before the next one. *graph busy*: the same, one right after the other, while
  Neo4j applies those before. *save and flush, graph busy*: `save_nodes_batch` inside the clock too.
- *transaction*: one asyncpg transaction of two statements, `INSERT … SELECT … unnest` of the same
  register rows, run together as Sapwood's are, and an `INSERT` of the same journal row, payload and
  receipt included, into the same tables, in a project of its own. Prepared statements, ready
  values. One right after the other, or *graph idle*: each after the read that the flush of an idle
  graph comes after, since whatever begins after a pause finds caches cold and processors asleep.
  Sapwood sends both as one statement, as *transaction of one statement* does. Neo4j is at work
  beside none of them.
- *fdatasync*: as many bytes as the transaction carries, written to a file of 16 MiB that is there
  already, on the same disk, and `fdatasync`.
"""
ENTRY: Final = (
    "SELECT chain, incarnation, epoch, format, payload, crc, receipt, rows"
    " FROM sapwood.journal WHERE project_id = $1 AND rows = $2 ORDER BY seq DESC LIMIT 1"
)
APPEND: Final = (
    "INSERT INTO sapwood.journal (project_id, seq, batch_id, chain, incarnation, epoch,"
    " format, payload, crc, receipt, rows) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)


def batches(size: int) -> list[list[Edge]]:
    """Return nodes for a round, and one batch more, parents first."""
    edges = sources.even((FLUSHES + 1) * size).edges()
    return [edges[start : start + size] for start in range(0, len(edges), size)]


def nodes(edges: list[Edge]) -> list[Node]:
    return [Node(id=e.id, parent_id=e.parent_id, content=e.content) for e in edges]


def since(began: float) -> float:
    """Return milliseconds."""
    return (time.perf_counter() - began) * 1_000


async def flushes(bench: Bench, size: int, *, idle: bool, saving: bool) -> list[float]:
    """Return what each flush took."""
    first, *rest = map(nodes, batches(size))
    found: list[float] = []
    async with bench.project(flush_at=5_000, flush_interval_s=60, apply_wait_s=0) as store:
        await store.save_nodes_batch(first)
        await store.flush()
        for part in rest:
            if idle:
                await store.node(first[0].id)  # a read waits for the graph
            began = time.perf_counter()
            await store.save_nodes_batch(part)
            if not saving:
                began = time.perf_counter()
            await store.flush()
            found.append(since(began))
        await store.node(first[0].id)
    return found


async def transactions(
    bench: Bench,
    pg: asyncpg.Connection,
    size: int,
    entry: asyncpg.Record,
    *,
    idle: bool,
    one: bool = False,
) -> list[float]:
    """Return what each transaction took, one right after the other or each after a read.

    Args:
        one: Whether it has one statement, not two.
    """
    async with bench.project() as store:
        root = Node(content="")
        await store.save_nodes_batch([root])
        await store.flush()
        project_id = f"flush.{new_id()}"
        before = partial(store.node, root.id) if idle else pause
        try:
            return await insert(pg, project_id, size, entry, before, one=one)
        finally:
            await bench.open(project_id).delete_project()


async def pause() -> None:
    """Go on at once."""


async def insert(
    pg: asyncpg.Connection,
    project_id: str,
    size: int,
    entry: asyncpg.Record,
    before: Callable[[], Awaitable[object]],
    *,
    one: bool,
) -> list[float]:
    """Return what each transaction took, without what is awaited before it."""
    await pg.execute(
        "INSERT INTO sapwood.project (id, incarnation) VALUES ($1, $2)", project_id, new_id()
    )
    register, append = await pg.prepare(_REGISTER), await pg.prepare(APPEND)
    both = await pg.prepare(_APPEND)
    found: list[float] = []
    for seq, edges in enumerate(batches(size), 1):
        ids = ",".join(edge.id for edge in edges)
        depths = ",".join(str(edge.depth) for edge in edges)
        values = (ids, depths, os.urandom(16 * len(edges)), os.urandom(16 * len(edges)))
        await before()
        began = time.perf_counter()
        async with pg.transaction():
            if one:
                await both.fetch(project_id, seq, new_id(), *entry, *values)
            else:
                await register.fetch(project_id, *values)
                await append.fetch(project_id, seq, new_id(), *entry)
        found.append(since(began))
    return found[1:]


def syncs(bench: Bench, size: int) -> list[float]:
    """Return what each write to the disk took."""
    sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
    data, file = os.urandom(size), bench.folder / "bench.fdatasync"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, bytes(WAL_FILE_BYTES), 0)
        os.fsync(descriptor)
        found: list[float] = []
        for number in range(FLUSHES):
            began = time.perf_counter()
            os.pwrite(descriptor, data, number * size % (WAL_FILE_BYTES - size))
            sync(descriptor)
            found.append(since(began))
        return found
    finally:
        os.close(descriptor)
        file.unlink()


async def example(bench: Bench, size: int) -> asyncpg.Record:
    """Return the journal row of one flush, without its place."""
    first, second, *_ = batches(size)
    async with bench.project(flush_at=5_000) as store:
        for part in (first, second):
            await store.save_nodes_batch(nodes(part))
            await store.flush()
        row = await bench.pg.fetchrow(ENTRY, store.project_id, size)
    assert row is not None
    return row


@asynccontextmanager
async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    entry = await example(bench, size)
    ids_and_digests = size * (36 + 64 + 4 + 32)
    carried = len(entry["payload"]) + ids_and_digests
    pg = await asyncpg.connect(bench.at.database_url.get_secret_value())
    try:
        yield {
            IDLE: lambda: flushes(bench, size, idle=True, saving=False),
            BUSY: lambda: flushes(bench, size, idle=False, saving=False),
            SAVING: lambda: flushes(bench, size, idle=False, saving=True),
            IDLE_PEER: lambda: transactions(bench, pg, size, entry, idle=True),
            IDLE_ONE: lambda: transactions(bench, pg, size, entry, idle=True, one=True),
            PEER: lambda: transactions(bench, pg, size, entry, idle=False),
            ONE: lambda: transactions(bench, pg, size, entry, idle=False, one=True),
            DISK: lambda: asyncio.to_thread(syncs, bench, carried),
        }
    finally:
        await pg.close()


IDLE, BUSY, SAVING = "flush, graph idle", "flush, graph busy", "save and flush, graph busy"
IDLE_PEER, PEER, DISK = "transaction, graph idle", "transaction", "fdatasync"
IDLE_ONE, ONE = "transaction of one statement, graph idle", "transaction of one statement"
TRANSACTION, SYNC = "an asyncpg transaction of the same bytes", "`fdatasync` of the same bytes"
CASES = (
    Case(
        name="flush",
        title="durable flush",
        unit="ms",
        about=ABOUT,
        prepare=prepare,
        quick={100: 3},
        full={100: 9},
        counts="nodes a flush",
        targets=(
            Ratio(over=f"{TRANSACTION}, graph idle", ours=IDLE, peer=IDLE_PEER, most=3),
            Ratio(over=f"{TRANSACTION}, graph busy", ours=BUSY, peer=PEER, most=3),
            Ratio(over=f"{TRANSACTION}, graph idle", ours=IDLE, peer=IDLE_PEER, of="p99"),
            Ratio(over=f"{TRANSACTION}, graph busy", ours=BUSY, peer=PEER, of="p99"),
            Ratio(over=f"{TRANSACTION}, one statement, graph idle", ours=IDLE, peer=IDLE_ONE),
            Ratio(over=f"{TRANSACTION}, one statement, graph busy", ours=BUSY, peer=ONE),
            Ratio(over=f"{TRANSACTION}, graph idle and one after the other", ours=IDLE, peer=PEER),
            Ratio(over=f"{TRANSACTION}, save too", ours=SAVING, peer=PEER),
            Ratio(over=f"{SYNC}, graph idle", ours=IDLE, peer=DISK),
        ),
    ),
)
