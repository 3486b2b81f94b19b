"""A server is killed while a search saves and flushes, and comes back; what is held then."""

from __future__ import annotations

import asyncio
import os
import signal
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import text

from .load import under_load

if TYPE_CHECKING:
    from sapwood import Database
    from sapwood.servers import EmbeddedServers, Endpoints

    from .load import LoadedRun, Running

Victim = Literal["postmaster", "backend", "neo4j"]
VICTIMS: Final[tuple[Victim, ...]] = ("postmaster", "backend", "neo4j")


async def run(
    servers: EmbeddedServers, endpoints: Endpoints, project_id: str, victim: Victim, after: int
) -> LoadedRun:
    """Kill one server after so many flushes, start it, and go on with the same adapter."""

    async def kill(running: Running) -> float:
        began = monotonic()
        os.kill(await pid_of(servers, running.db, victim), signal.SIGKILL)
        await asyncio.to_thread(servers.up)
        return began

    return await under_load(endpoints, project_id, kill, after=after)


async def pid_of(servers: EmbeddedServers, db: Database, victim: Victim) -> int:
    """Return the process to kill: of a server, or of one of PostgreSQL's connections."""
    if victim == "backend":
        async with db.transaction() as connection:
            return int(await connection.scalar(text("SELECT pg_backend_pid()")))
    status = servers.status()
    pid = (status.neo4j if victim == "neo4j" else status.postgres).pid
    assert pid is not None
    return pid
