"""What of each process's CPU time a node takes while it is stored, beside the plain driver.

    python benchmarks/processes.py [--nodes 50000] [--rounds 8] [--servers bench]

The contenders are those of the case `ingest`, which says what is faster; this says why. Time of the
user and of the kernel, of this process (Python), of PostgreSQL with its backends and of Neo4j,
beside what a node takes by the clock: what runs side by side adds up to more. The first round warms
up; of the others the medians and spreads are printed, in microseconds a node.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

import psutil
import sources
from bench import read_options, spread
from harness import open_bench
from writers import create, save

from sapwood import new_id
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness import Bench
    from sources import Edge

    Now = Callable[[], dict[str, float]]
    Way = Callable[[Bench, list[Edge], Now], Awaitable[tuple[dict[str, float], ...]]]

CLOCK: Final = "clock"


def processes(name: str) -> dict[str, psutil.Process]:
    """Return the processes to look at, by name."""
    status = EmbeddedServers(default_data_dir(name)).status()
    servers = {"PostgreSQL": status.postgres.pid, "Neo4j": status.neo4j.pid}
    return {each: psutil.Process(pid) for each, pid in {"Python": os.getpid(), **servers}.items()}


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of a process; of a server with its children, those that ended too."""
    times = process.cpu_times()
    seconds = times.user + times.system
    if process.pid == os.getpid():  # its children are the servers, if it started them
        return seconds
    for child in process.children(recursive=True):
        own = child.cpu_times()
        seconds += own.user + own.system
    return seconds + times.children_user + times.children_system


def taken_s(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU time of each so far, with the clock."""
    return {CLOCK: time.perf_counter()} | {name: cpu_s(each) for name, each in processes.items()}


async def sapwood(bench: Bench, edges: list[Edge], now: Now) -> tuple[dict[str, float], ...]:
    """Save the nodes; return what was taken before and after that."""
    async with bench.project(flush_at=100) as store:
        before = now()
        await save(store, edges)
        return before, now()


async def driver(
    rows: int, bench: Bench, edges: list[Edge], now: Now
) -> tuple[dict[str, float], ...]:
    """Create the nodes, so many rows a transaction; return what was taken before and after that."""
    project_id = f"raw.{new_id()}"
    before = now()
    await create(bench, edges, rows, project_id)
    after = now()
    await bench.clear(project_id)
    return before, after


WAYS: Final[dict[str, Way]] = {
    "sapwood": sapwood,
    "UNWIND of 2,500": partial(driver, 2_500),
    "UNWIND of 100": partial(driver, 100),
}


async def main(nodes: int, rounds: int, name: str) -> None:
    """Print a table in Markdown."""
    source, found = sources.even(nodes), defaultdict[tuple[str, str], list[float]](list)
    order = list(WAYS)
    async with open_bench(name, full=False) as bench:
        looked_at = processes(name)
        now = partial(taken_s, looked_at)
        for number in range(rounds + 1):
            order.append(order.pop(0))
            for way in order:
                edges = source.edges()
                gc.collect()
                before, after = await WAYS[way](bench, edges, now)
                if number > 0:
                    for each in after:
                        found[way, each].append((after[each] - before[each]) * 1e6 / nodes)
    columns = [CLOCK, *looked_at]
    print("| µs a node |", " | ".join(columns), "|")
    print("|---|" + "--:|" * len(columns))
    for way in WAYS:
        print("|", way, "|", " | ".join(spread(found[way, each]) for each in columns), "|")


if __name__ == "__main__":
    options = read_options(__doc__, nodes=50_000, rounds=8)
    asyncio.run(main(options.nodes, options.rounds, options.servers))
