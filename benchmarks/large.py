"""Half a million nodes: pruned at the root, rebuilt, verified, deleted; each killed half-way first.

    python benchmarks/large.py [--nodes 500000] [--data-dir FOLDER]

On the embedded servers: a heap of 1 GiB, transactions of at most 512 MiB. Each operation is started
in a process of its own, which is killed in the middle, and then done by another one to its end.
What is then in the graph is held against the fold of the journal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sapwood
from sapwood import Node, NodeStatus, NotFoundError
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter
    from sapwood.servers import Endpoints

PROJECT = "large"
CONTENT = "x" * 200
FAN_OUT = 7


def open_store(at: Endpoints) -> AsyncStorageAdapter:
    return sapwood.open(
        PROJECT,
        mode="join",
        database_url=at.database_url.get_secret_value(),
        neo4j_uri=at.neo4j_uri,
        neo4j_username=at.neo4j_username,
        neo4j_password=at.neo4j_password.get_secret_value(),
        read_wait_s=600,
        apply_wait_s=600,
    )


def node(number: int) -> Node:
    parent = None if number == 0 else f"n{(number - 1) // FAN_OUT}"
    return Node(id=f"n{number}", parent_id=parent, content=CONTENT)


async def grow(at: Endpoints, count: int) -> None:
    async with open_store(at) as store:
        for start in range(0, count, 5_000):
            await store.save_nodes_batch(map(node, range(start, min(count, start + 5_000))))
        await store.flush()


async def prune(at: Endpoints, _: int) -> None:
    async with open_store(at) as store:
        if (await store.node("n0")).status == NodeStatus.ALIVE:
            await store.prune("n0", reason="all of it")
        await store.flush()
        await store.node("n0")


async def rebuild(at: Endpoints, _: int) -> None:
    async with open_store(at) as store:
        await store.rebuild_graph()


async def catch_up(at: Endpoints, _: int) -> None:
    """What any contact does: go on with what was left half-way."""
    async with open_store(at) as store:
        await store.node("n0")


async def delete(at: Endpoints, _: int) -> None:
    await open_store(at).delete_project()


async def check(at: Endpoints, count: int, status: NodeStatus) -> None:
    async with open_store(at) as store:
        found = await store.verify()
        assert found.ok, found.differences
        assert found.graph_nodes == count
        alive = len(await store.alive_nodes(fields=("id",)))
        assert alive == (count if status == NodeStatus.ALIVE else 0)


STEPS = {"grow": grow, "prune": prune, "rebuild": rebuild, "catch_up": catch_up, "delete": delete}


def run(step: str, options: argparse.Namespace, *, kill_after_s: float | None = None) -> float:
    """Run a step in a process of its own; return the seconds it took, or was left to live."""
    command = [sys.executable, __file__, "--step", step, "--nodes", str(options.nodes)]
    began = time.monotonic()
    with subprocess.Popen([*command, "--data-dir", str(options.data_dir)]) as child:
        try:
            code = child.wait(kill_after_s)
            assert kill_after_s is None, f"{step} ended before it was killed: take more nodes"
        except subprocess.TimeoutExpired:
            child.kill()
            code = 0
    assert code == 0, f"{step} ended with {code}"
    return time.monotonic() - began


def killed_and_resumed(step: str, resume: str, seconds: float, options: argparse.Namespace) -> str:
    run(step, options, kill_after_s=seconds)
    return f"killed after {seconds:.0f} s, then {run(resume, options):5.1f} s by {resume}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=500_000)
    parser.add_argument("--data-dir", type=Path, default=default_data_dir("benchmark"))
    parser.add_argument("--step", choices=STEPS)
    options = parser.parse_args()
    at = EmbeddedServers(options.data_dir).up()
    if options.step:
        asyncio.run(STEPS[options.step](at, options.nodes))
        return
    with contextlib.suppress(NotFoundError):
        asyncio.run(delete(at, 0))
    count = options.nodes
    grown = run("grow", options)
    print(f"grow    {count:,} nodes  {grown:5.1f} s, {count / grown:,.0f} nodes/s to the graph")
    print("prune  ", killed_and_resumed("prune", "prune", 4, options))
    began = time.monotonic()
    asyncio.run(check(at, count, NodeStatus.PRUNED))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"verify  {time.monotonic() - began:5.1f} s, at most {memory:,.0f} MiB; nothing differs")
    whole = run("rebuild", options)
    print(f"rebuild {whole:5.1f} s")
    print("rebuild", killed_and_resumed("rebuild", "catch_up", whole / 4, options))
    asyncio.run(check(at, count, NodeStatus.PRUNED))
    print("verify  nothing differs")
    print("delete ", killed_and_resumed("delete", "delete", 3, options))
    try:
        asyncio.run(catch_up(at, 0))
    except NotFoundError:
        print("deleted")


if __name__ == "__main__":
    main()
