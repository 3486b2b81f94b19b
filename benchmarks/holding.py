"""What a process holds of a tree, and what it needs to get there; run by `cases/memory.py`.

    python benchmarks/holding.py FOLDER PROJECT WAY COLUMNS

Prints a line of JSON: nodes, bytes held, bytes at the peak, both beyond what the process had with
everything imported and the project open. FOLDER is the data folder of embedded servers that run.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import networkx  # noqa: F401 # pyright: ignore[reportUnusedImport] - no import is part of a tree
import psutil
from sources import even
from writers import PER_CALL

from sapwood import AsyncStorageAdapter, Database, Graph, Node
from sapwood.nodes import FIELDS, as_fields
from sapwood.servers import EmbeddedServers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BARE: Final = tuple(name for name in FIELDS if name != "content")
CREATED: Final = ("id", "parent_id", "content", "score")
GROWN_AT_ONCE: Final = 10_000


async def as_tree(store: AsyncStorageAdapter, fields: tuple[str, ...]) -> Any:
    return (await store.load_project(fields=fields)).tree


async def as_graph(store: AsyncStorageAdapter, fields: tuple[str, ...]) -> Any:
    return (await store.load_project(fields=fields)).tree.to_networkx()


async def as_nodes(store: AsyncStorageAdapter, fields: tuple[str, ...]) -> Any:
    """Every field is given, as a read gives them."""
    return [Node(**row) async for row in rows(store, fields)]


async def as_created(store: AsyncStorageAdapter, fields: tuple[str, ...]) -> Any:
    """Only what an orchestrator gives; the ids of parents are not copied."""
    ids: dict[str, str] = {}
    nodes: list[Node] = []
    async for row in rows(store, fields):
        given = {name: row[name] for name in CREATED}
        ids[given["id"]] = given["id"]
        given["parent_id"] = ids.get(given["parent_id"], given["parent_id"])
        nodes.append(Node(**given))
    return nodes


async def rows(
    store: AsyncStorageAdapter, fields: tuple[str, ...]
) -> AsyncIterator[dict[str, Any]]:
    async for page in store.iter_nodes(fields=fields).pages():
        for values in zip(*(page.column(name) for name in fields), strict=True):
            row = as_fields(dict(zip(fields, values, strict=True)))
            yield row if "content" in row else row | {"content": ""}


async def grow(store: AsyncStorageAdapter, _fields: tuple[str, ...], nodes: int) -> Any:
    """Save a tree, node by node made as it is saved, and keep nothing but the ids of parents."""
    contents = even(GROWN_AT_ONCE).contents
    for start in range(0, nodes, PER_CALL):
        await store.save_nodes_batch(
            [
                Node(
                    id=f"{at:036}",
                    parent_id=f"{(at - 1) // 8:036}" if at else None,
                    content=contents[at % GROWN_AT_ONCE],
                )
                for at in range(start, min(nodes, start + PER_CALL))
            ]
        )
    await store.flush()
    return range(nodes)


WAYS: Final[dict[str, Callable[..., Awaitable[Any]]]] = {
    "tree": as_tree,
    "graph": as_graph,
    "nodes": as_nodes,
    "created": as_created,
    "grow": grow,
}


async def hold(folder: Path, project_id: str, way: str, columns: str) -> dict[str, int]:
    """Do it; return the figures."""
    at = EmbeddedServers(folder).up()
    graph = Graph(at.neo4j_uri, auth=(at.neo4j_username, at.neo4j_password))
    db = Database(at.database_url)
    arguments = (FIELDS if columns == "whole" else BARE,)
    if way == "grow":
        arguments = (FIELDS, int(columns))  # type: ignore[assignment]
    try:
        store = AsyncStorageAdapter(
            db,
            graph,
            project_id=project_id,
            mode="join" if way == "grow" else "read",
            read_wait_s=600,
            apply_wait_s=600,
        )
        async with store:
            await store.alive_nodes(limit=10)
            gc.collect()
            before = psutil.Process().memory_info().rss
            kept = await WAYS[way](store, *arguments)
            gc.collect()
            held = psutil.Process().memory_info().rss - before
            return {"nodes": len(kept), "held": held, "peak": peak() - before}
    finally:
        await graph.close()
        await db.close()


def peak() -> int:
    """Return the most bytes that this process ever had.

    Linux counts what the parent had into `ru_maxrss`, since a child begins as its copy.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold(Path(sys.argv[1]), *sys.argv[2:]))))
