"""Many projects written at once by one process over a few connections, beside one project alone.

    python benchmarks/projects.py [--projects 200] [--seconds 15] [--rounds 3] [--servers bench]

Each project has a writer that saves 100 nodes of 200 bytes and flushes, again and again, until the
time is up; a flush ends when PostgreSQL has it (`apply_wait_s=0`). All share one `Database` and one
`Graph`, of ten connections each. A rate counts until the graph holds everything, as one clock. How
far each project came when the time was up says how fair it was: Jain's index is 1 if all came
equally far, and 1/n if one alone did. Rounds alternate; medians and spreads are printed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import open_stores, read_options, spread

from sapwood import AsyncStorageAdapter, Node, new_id

if TYPE_CHECKING:
    from bench import Stores

PER_FLUSH = 100
FAN_OUT = 8
CONTENT = "x" * 200


@dataclass
class Writer:
    """Grows one project's tree.

    Attributes:
        stored: Nodes that are known to be in PostgreSQL.
        took: Seconds of each flush.
    """

    store: AsyncStorageAdapter
    stored: int = 0
    took: list[float] = field(default_factory=list[float])
    _ids: list[str] = field(default_factory=list[str])

    async def write(self, until: float) -> None:
        """Save and flush until then."""
        while time.perf_counter() < until:
            await self.store.save_nodes_batch([self._node() for _ in range(PER_FLUSH)])
            began = time.perf_counter()
            await self.store.flush()
            self.took.append(time.perf_counter() - began)
            self.stored += PER_FLUSH

    async def follow(self) -> None:
        """Wait until the graph holds everything, and look at the last node there."""
        await self.store.nodes(self._ids[-1:], fields=["depth"])

    def _node(self) -> Node:
        parent = self._ids[(len(self._ids) - 1) // FAN_OUT] if self._ids else None
        node = Node(id=new_id(), parent_id=parent, content=CONTENT)
        self._ids.append(node.id)
        return node


async def play(stores: Stores, projects: int, seconds: float) -> dict[str, float]:
    """Let so many projects be written at once; return what came of it, by name."""
    async with AsyncExitStack() as stack:
        writers = [
            Writer(
                await stack.enter_async_context(
                    AsyncStorageAdapter(
                        stores.db,
                        stores.graph,
                        project_id=f"bench.{new_id()}",
                        apply_wait_s=0.0,
                        read_wait_s=600.0,
                    )
                )
            )
            for _ in range(projects)
        ]
        for writer in writers:
            await writer.store.flush()
        began = time.perf_counter()
        await asyncio.gather(*(writer.write(began + seconds) for writer in writers))
        stored = time.perf_counter() - began
        await asyncio.gather(*(writer.follow() for writer in writers))
        whole = time.perf_counter() - began
        found = figures(writers, stored, whole)
        await asyncio.gather(*(writer.store.delete_project() for writer in writers))
    return found


def figures(writers: list[Writer], stored: float, whole: float) -> dict[str, float]:
    """Return rates, latencies and fairness."""
    came = [writer.stored for writer in writers]
    took = sorted(seconds * 1000 for writer in writers for seconds in writer.took)
    return {
        "stored, nodes/s": sum(came) / stored,
        "in the graph, nodes/s": sum(came) / whole,
        "s until the graph followed": whole - stored,
        "flush p50, ms": statistics.median(took),
        "flush p99, ms": took[int(len(took) * 0.99)],
        "flush, longest, ms": took[-1],
        "nodes of the slowest project": min(came),
        "nodes of the median project": statistics.median(came),
        "nodes of the fastest project": max(came),
        "Jain's index": sum(came) ** 2 / (len(came) * sum(each**2 for each in came)),
    }


async def main(projects: int, seconds: float, rounds: int, name: str) -> None:
    """Run the rounds and print a table in Markdown."""
    found: dict[int, dict[str, list[float]]] = {count: defaultdict(list) for count in (1, projects)}
    async with open_stores(name) as stores:
        for _ in range(rounds):
            for count, columns in found.items():
                for what, value in (await play(stores, count, seconds)).items():
                    columns[what].append(value)
    print("| projects at once |", " | ".join(map(str, found)), "|")
    print("|---|" + "--:|" * len(found))
    for what in found[1]:
        print(f"| {what} |", " | ".join(shown(columns[what]) for columns in found.values()), "|")


def shown(values: list[float]) -> str:
    return f"{min(values):.3f} at least" if max(values) <= 1 else spread(values)


if __name__ == "__main__":
    options = read_options(__doc__, projects=200, seconds=15, rounds=3)
    asyncio.run(main(options.projects, options.seconds, options.rounds, options.servers))
