"""An orchestrator is killed by SIGKILL at each failpoint; what it was told is stored, once.

Hazards: A3 (PostgreSQL commit unknown), A4 (Neo4j commit unknown), I1, I2, I3, I4.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sapwood import NodeStatus, failpoints

from .orchestrator import STEP, node

if TYPE_CHECKING:
    from sapwood.tree import Tree

    from ..conftest import OpenStore

pytestmark = pytest.mark.once
NODES = 60
ORCHESTRATOR = Path(__file__).with_name("orchestrator.py")


async def run(servers_file: Path, project_id: str, armed: str = "") -> tuple[int, int]:
    """Run the orchestrator; return its exit code and how many nodes it said were acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        str(ORCHESTRATOR),
        str(servers_file),
        project_id,
        str(NODES),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SAPWOOD_FAILPOINTS": armed},
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    said = [line.split() for line in out.decode().splitlines()]
    acknowledged = [int(words[1]) for words in said if words[0] == "acknowledged"]
    assert process.returncode is not None
    return process.returncode, max(acknowledged, default=0)


def status(number: int) -> NodeStatus:
    """What the orchestrator makes of its number-th node."""
    if number % STEP == 2:
        return NodeStatus.FAILED
    # The first iteration is below its first node, the others have only themselves there.
    return NodeStatus.PRUNED if number < STEP or number % STEP == 0 else NodeStatus.ALIVE


def assert_is_the_tree(tree: Tree, at_least: int) -> None:
    """The tree is the first so many nodes, each once, each as it was saved."""
    count = len(tree)
    assert count >= at_least
    assert count % STEP == 0, "a flush is stored whole or not at all"
    assert sorted(each.id for each in tree) == sorted(f"n{number}" for number in range(count))
    for number in range(count):
        stored, saved = tree[f"n{number}"], node(number)
        assert (stored.parent_id, stored.content) == (saved.parent_id, saved.content)
        assert stored.status == status(number)
        assert stored.rubric_score == (float(number - 1) if number % STEP == 1 else None)


@pytest.mark.parametrize("visit", [1, 3])
@pytest.mark.parametrize("failpoint", failpoints.FLUSHING)
async def test_what_was_acknowledged_before_a_kill_is_stored_once_and_the_search_goes_on(
    failpoint: str, visit: int, servers_file: Path, project_id: str, open_store: OpenStore
) -> None:
    code, acknowledged = await run(servers_file, project_id, f"{failpoint}=kill@{visit}")
    assert code == -signal.SIGKILL, "the failpoint was never reached"

    async with open_store() as store:
        loaded = await store.load_project()
        assert_is_the_tree(loaded.tree, acknowledged)
        for node_id in loaded.tree.column("id"):
            assert await store.branch_stats(node_id) == loaded.stats[node_id]
        assert (loaded.state or {"done": 0})["done"] == len(loaded.tree)

    code, acknowledged = await run(servers_file, project_id)
    assert (code, acknowledged) == (0, NODES)
    async with open_store() as store:
        assert_is_the_tree((await store.load_project()).tree, NODES)
