"""A program that begins a prune or a rebuild in a graph, to be killed half-way through it.

    SAPWOOD_FAILPOINTS=prune.after_part=kill python halfway.py prune PROJECT

It works on two nodes at a time, so that a few take several transactions.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

import sapwood


async def main(what: str, project_id: str) -> None:
    async with sapwood.open(project_id) as store:
        if what == "prune":
            await store.prune("root", reason="dull")
            await store.flush()
        else:
            await store.rebuild_graph()


if __name__ == "__main__":
    vars(import_module("sapwood.applying"))["APPLY_ROWS"] = 2  # of this process alone
    vars(import_module("sapwood.graph.clearing"))["STEP_ROWS"] = 2
    asyncio.run(main(*sys.argv[1:]))
