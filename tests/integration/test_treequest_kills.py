"""A searching process is killed again and again: what is stored stays, and is gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sapwood.integrations.treequest import TreeQuestStore

from ..unit.integrations.searches import ALGORITHMS, facts, grow_repeatably

if TYPE_CHECKING:
    from ..conftest import OpenStore

pytestmark = pytest.mark.once

NODES = 120
ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
import sapwood
from sapwood.integrations.treequest import TreeQuestStore
from tests.unit.integrations.searches import ALGORITHMS, grow_repeatably

async def main(project_id, data_dir, name, batch, nodes):
    options = {"flush_at": 3, "flush_interval_s": 0.003, "apply_wait_s": 0}
    async with sapwood.open(project_id, data_dir=Path(data_dir), **options) as store:
        search = TreeQuestStore(store, "s")
        algorithm = ALGORITHMS[name]()
        state = await search.restore(algorithm)
        for state in grow_repeatably(algorithm, state, int(nodes), int(batch)):
            await search.save(state)
            if len(state.tree) % 4 == 0:
                await store.flush()
                print(len(state.tree) - 1, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def run_and_kill(
    data_dir: Path, project_id: str, name: str, batch: int, promises: int
) -> tuple[int, bool]:
    """Search until so many flushes are acknowledged, then SIGKILL.

    Returns:
        The nodes of the last acknowledged flush, and whether the process was killed at work.
    """
    command = [sys.executable, "-c", PROGRAM, project_id, str(data_dir), name, str(batch)]
    command.append(str(NODES))
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "HOME": str(Path.home())}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [line for _, line in zip(range(promises), child.stdout, strict=False)]
        child.kill()
        lines += child.stdout.readlines()
    assert child.returncode in (0, -signal.SIGKILL)
    return int(lines[-1]) if lines else 0, child.returncode != 0


@pytest.mark.parametrize(
    ("name", "batch"),
    [("standard-mcts", 1), ("ab-mcts-a-beta", 1), ("tot-bfs", 1), ("standard-mcts", 4)],
)
async def test_whatever_the_moment_of_the_kill_nothing_is_missing_or_double(
    name: str,
    batch: int,
    servers_dir: Path,
    open_store: OpenStore,
    project_id: str,
) -> None:
    numbers = random.Random(f"{name} {batch}")
    earlier: list[Any] = []
    nodes: list[Any] = []
    algorithm = ALGORITHMS[name]()
    kills = 0
    while len(earlier) < NODES:
        promised, killed = run_and_kill(servers_dir, project_id, name, batch, numbers.randint(2, 9))
        kills += killed
        async with open_store() as store:
            state = await TreeQuestStore[str](store, "s").restore(algorithm)
            tree = (await store.load_project()).tree
        nodes = facts(state)["nodes"][1:]
        assert len(tree) == len(nodes) + 1
        assert len(nodes) >= promised
        assert [_lasting(node) for node in nodes[: len(earlier)]] == earlier
        earlier = [_lasting(node) for node in nodes]
    assert kills >= 1
    assert len(earlier) == NODES
    if batch == 1:
        unbroken = ALGORITHMS[name]()
        *_, last = grow_repeatably(unbroken, unbroken.init_tree(), NODES, 1)
        assert [_made(node) for node in nodes] == [_made(n) for n in facts(last)["nodes"][1:]]


def _lasting(node: tuple[Any, ...]) -> str:
    """What of a node never changes: all but its children."""
    expand_idx, parent, _, state, score, trial_id = node
    return json.dumps([expand_idx, parent, state, score, trial_id])


def _made(node: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a search makes, without the random ids of its trials."""
    return node[:-1]
