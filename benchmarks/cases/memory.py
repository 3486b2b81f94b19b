"""What a loaded tree takes, and what loading and ingesting need on the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sources
from harness import CannotDoError, Case, Ratio
from writers import plant

from sapwood import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from harness import Bench, Contenders
    from writers import Planted

PROGRAM: Final = Path(__file__).parents[1] / "holding.py"
TREE, CREATED, READ, GRAPH = "sapwood Tree", "Node objects", "Node objects as read", "NetworkX"
WAYS: Final = {TREE: "tree", CREATED: "created", READ: "nodes", GRAPH: "graph"}
LOAD, LOAD_NODES, LOAD_GRAPH, INGEST = "load a Tree", "load Node objects", "load NetworkX", "ingest"
QUICK: Final = {200_000: 1}
FULL: Final = {1_000_000: 1}
ABOUT = """
An even tree, ids of 36 characters, contents of 200 bytes, a score each. Each in a fresh process:
what is resident after a garbage collection, less what was before the first node came. What the C
library keeps of freed memory counts, some 30 MB in each process.

- *sapwood Tree*: `load_project().tree` with all columns{but}.
- *Node objects*: a list of pydantic `Node`s, as an orchestrator makes them: id, parent, content and
  score given, the text of a parent's id shared with the parent. *as read*: all twelve fields.
- *NetworkX*: the `DiGraph` of `tree.to_networkx()`, the same columns as attributes.
"""
ABOUT_PEAK = """
The most that was ever resident, less what was before, in a fresh process. *ingest*: `Node`s made as
they are saved, a hundred a call, none kept, until the graph has applied the head. Who keeps the
nodes of a search in a list has that list besides, so ingesting is held against making it. *load
NetworkX*: by way of a `Tree`. The tree as in *memory*.
"""


async def run(bench: Bench, project_id: str, way: str, columns: str) -> dict[str, int]:
    """Run `holding.py` in a process of its own; return what it prints."""
    command = [sys.executable, str(PROGRAM), str(bench.folder), project_id, way, columns]
    done = await asyncio.to_thread(
        subprocess.run, command, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise CannotDoError(f"{PROGRAM.name} {way} ended with {done.returncode}")
    found: dict[str, int] = json.loads(done.stdout)
    return found


async def planted(bench: Bench, size: int) -> Planted:
    return await bench.once(f"even {size}", lambda: plant(bench, sources.even(size)))


def held_with(columns: str) -> Callable[[Bench, int], Any]:
    """Return what lends the ways to hold some columns."""

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        project = await planted(bench, size)

        def held(way: str) -> Callable[[], Awaitable[float]]:
            async def contend() -> float:
                found = await run(bench, project.project_id, way, columns)
                assert found["nodes"] == size, found
                return found["held"] / size

            return contend

        yield {name: held(way) for name, way in WAYS.items()}

    return prepare


@asynccontextmanager
async def peaks(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    project = await planted(bench, size)

    async def peak(project_id: str, way: str, columns: str) -> float:
        found = await run(bench, project_id, way, columns)
        assert found["nodes"] == size, found
        return found["peak"] / (1 << 20)

    async def ingest() -> float:
        project_id = f"bench.{new_id()}"
        try:
            return await peak(project_id, "grow", str(size))
        finally:
            await bench.open(project_id).delete_project()

    yield {
        LOAD: lambda: peak(project.project_id, "tree", "whole"),
        INGEST: ingest,
        LOAD_NODES: lambda: peak(project.project_id, "created", "whole"),
        LOAD_GRAPH: lambda: peak(project.project_id, "graph", "whole"),
    }


def _held(name: str, title: str, but: str, columns: str, most: float) -> Case:
    def beside(over: str, peer: str, most: float | None = None) -> Ratio:
        return Ratio(over=over, ours=TREE, peer=peer, most=most)

    return Case(
        name=name,
        title=title,
        unit="bytes/node",
        about=ABOUT.replace("{but}", but),
        prepare=held_with(columns),
        quick=QUICK,
        full=FULL,
        targets=(
            beside("list of pydantic `Node`s", CREATED, most),
            beside("list of pydantic `Node`s as read", READ),
            beside("NetworkX `DiGraph`", GRAPH),
        ),
        packages=("networkx",),
    )


CASES = (
    _held("memory", "memory of a loaded tree, contents of 200 bytes", "", "whole", 1 / 3),
    _held(
        "memory-bare",
        "memory of a loaded tree without contents",
        " but the contents",
        "bare",
        1 / 8,
    ),
    Case(
        name="memory-peak",
        title="peak memory",
        unit="MiB",
        about=ABOUT_PEAK,
        prepare=peaks,
        quick=QUICK,
        full=FULL,
        targets=(
            Ratio(over="loading a list of pydantic `Node`s", ours=LOAD, peer=LOAD_NODES),
            Ratio(over="loading a NetworkX `DiGraph`", ours=LOAD, peer=LOAD_GRAPH),
            Ratio(over="a list of `Node`s, while ingesting", ours=INGEST, peer=LOAD_NODES),
        ),
        packages=("networkx",),
    ),
)
