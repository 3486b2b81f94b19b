"""A project's whole life: searched, its graph made again, deleted, and searched anew.

    python life.py SERVERS_FILE PROJECT

Begun again after it was cut short it comes to the same end. It takes small steps, so that a few
nodes pass each failpoint several times.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sapwood import AsyncStorageAdapter, ConflictError, Database, Graph, NotFoundError
from tests.faults.scenario import search

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL: Final = {"sapwood.applying.APPLY_ROWS": 2, "sapwood.graph.clearing.STEP_ROWS": 5}


def take_small_steps() -> None:
    """Let this process, and no other, go in small steps from now on."""
    for constant, value in SMALL.items():
        module, _, name = constant.rpartition(".")
        vars(import_module(module))[name] = value


async def live(make: Callable[[], AsyncStorageAdapter]) -> None:
    """Do all of it; `make` gives an adapter of the project."""
    with contextlib.suppress(ConflictError):  # its deletion was begun
        async with make() as store:
            await search(store)
            await store.prune("n0.0")
            await store.rebuild_graph()
    with contextlib.suppress(NotFoundError):
        await make().delete_project()
    async with make() as store:
        await search(store)


async def _main(given: dict[str, str], project_id: str) -> None:
    db = Database(given["database_url"])
    graph = Graph(given["neo4j_uri"], auth=(given["username"], given["password"]))
    await live(lambda: AsyncStorageAdapter(db, graph, project_id=project_id))
    await graph.close()
    await db.close()


if __name__ == "__main__":
    take_small_steps()
    asyncio.run(_main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]))
