"""Eight processes write one project while its owner is replaced and one of them is stopped.

Hazards: A5 (a lease that is lost while a commit is under way), D5, I1, I4.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sapwood import FencedError, Node

if TYPE_CHECKING:
    from ..conftest import OpenStore

pytestmark = pytest.mark.once

WORKER = Path(__file__).with_name("worker.py")
WORKERS = 8
SECONDS = float(os.environ.get("SAPWOOD_SOAK_S", "12"))
"""How long they work; a minute shows more."""


async def start(
    servers_file: Path, project_id: str, name: str, armed: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        str(servers_file),
        project_id,
        name,
        str(SECONDS),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SAPWOOD_FAILPOINTS": armed},
    )


async def report(process: asyncio.subprocess.Process) -> dict[str, Any]:
    out, _ = await asyncio.wait_for(process.communicate(), 60 + SECONDS)
    assert process.returncode == 0
    said: dict[str, Any] = json.loads(out)
    return said


@pytest.mark.timeout(240 + 2 * SECONDS)
async def test_no_item_is_lost_or_double_and_every_fenced_worker_comes_back(
    servers_file: Path, project_id: str, open_store: OpenStore
) -> None:
    owner, new_owner = open_store(), open_store()
    await owner.save_nodes_batch([Node(id="root", content="")])
    await owner.flush()
    # The first of them is stopped within its twentieth transaction, its row lock in hand.
    armed = ["flush.before_commit=stop@20", *[""] * (WORKERS - 1)]
    workers = [
        await start(servers_file, project_id, f"w{number}", each)
        for number, each in enumerate(armed)
    ]
    try:
        stopped = psutil.Process(workers[0].pid)
        async with asyncio.timeout(60):
            while stopped.status() != psutil.STATUS_STOPPED:
                await owner.load_state()
        # It takes the row once the server has ended the stopped one's transaction.
        await new_owner.save_nodes_batch([Node(id="taken", parent_id="root", content="")])
        await new_owner.flush()
        workers[0].send_signal(signal.SIGCONT)
        said = await asyncio.gather(*map(report, workers))
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
    assert [each["name"] for each in said if each["fenced"] == 0] == []
    await owner.save_nodes_batch([Node(id="late", parent_id="root", content="")])
    with pytest.raises(FencedError):
        await owner.flush()
    expected = {f"{each['name']}.{n}" for each in said for n in range(each["accepted"])}
    tree = (await new_owner.load_project()).tree
    assert sorted(tree.column("id")) == sorted({*expected, "root", "taken"})
    assert (await new_owner.verify()).ok
    with pytest.raises(FencedError):
        await owner.close()
