"""A server's disk fills up while a search saves and flushes, and is freed; what is held then."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sqlalchemy import text

from sapwood import AsyncStorageAdapter, StaleReadError, StoreError, UnavailableError
from sapwood.servers import EmbeddedServers
from sapwood.servers.errors import DiskFullError
from sapwood.servers.folder import DataFolder

from .conftest import prepare
from .disk import SmallDisk
from .load import under_load

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sapwood import Database

    from .disk import Store
    from .load import LoadedRun, Running

Full = Literal["postgresql, tables", "postgresql, log", "neo4j"]
FULL: Final[tuple[Full, ...]] = ("postgresql, tables", "postgresql, log", "neo4j")
SIZE: Final = 100_000
"""Bytes of a content: Neo4j has room within its files, which has to be used up first."""
SIGNS: Final[dict[Full, str]] = {
    "postgresql, tables": "its disk is full",
    "postgresql, log": "cannot be reached",  # it ends itself, and cannot start again
    "neo4j": "the database has stopped itself",
}
"""What the errors say of it."""


class SmallServers(NamedTuple):
    """Servers on small disks."""

    embedded: EmbeddedServers
    disks: dict[Store, SmallDisk]


@asynccontextmanager
async def small_servers(beside: Path) -> AsyncGenerator[SmallServers]:
    """Run servers with their schemas, each on a disk of its own, beside another data folder."""
    data_dir = beside.with_name(f"{beside.name}-disk")
    servers = EmbeddedServers(data_dir, class_cache=False)
    DataFolder(data_dir).create()
    with SmallDisk(data_dir, "postgresql") as postgres, SmallDisk(data_dir, "neo4j") as neo4j:
        try:
            for store in await prepare(await asyncio.to_thread(servers.up)):
                await store.close()
            yield SmallServers(servers, {"postgresql": postgres, "neo4j": neo4j})
        finally:
            postgres.free()
            neo4j.free()
            servers.down()
    shutil.rmtree(data_dir)


async def run(servers: SmallServers, project_id: str, full: Full, after: int) -> LoadedRun:
    """Fill a disk after so many flushes, wait until that is felt, free it, and go on.

    Recovery counts from when the disk is free.
    """
    endpoints = await asyncio.to_thread(servers.embedded.up)
    disk = servers.disks["neo4j" if full == "neo4j" else "postgresql"]

    async def fill(running: Running) -> float:
        watcher = AsyncStorageAdapter(
            running.db, running.graph, project_id=project_id, mode="join", read_wait_s=1.0
        )
        async with watcher:
            await watcher.load_state()
            disk.fill()
            try:
                await _felt(watcher, running.db, full)
                if full != "postgresql, tables":  # that one answers
                    await asyncio.to_thread(_refused, servers.embedded)
            finally:
                disk.free()
            began = monotonic()
            await asyncio.to_thread(servers.embedded.up)
        return began

    size = SIZE if full == "neo4j" else 0
    return await under_load(endpoints, project_id, fill, after=after, content_size=size)


async def _felt(watcher: AsyncStorageAdapter, db: Database, full: Full) -> None:
    """Write until nothing goes on, and who reads or writes is told why.

    PostgreSQL has room within its tables, and files of its log in stock.
    """
    while True:
        await watcher.save_state({"noise": os.urandom(8_000).hex()})
        if full == "postgresql, log":
            with suppress(StoreError):
                async with db.transaction() as connection:
                    await connection.execute(text("SELECT pg_switch_wal()"))
        try:
            await (watcher.nodes(["n0"]) if full == "neo4j" else watcher.load_state())
        except (UnavailableError, StaleReadError) as exc:
            if SIGNS[full] in str(exc):
                return


def _refused(servers: EmbeddedServers) -> None:
    try:
        servers.up()
    except DiskFullError:
        return
    raise AssertionError("`up` takes a server for well whose disk is full")
