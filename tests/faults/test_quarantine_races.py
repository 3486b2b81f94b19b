"""An applier is slow while something goes into quarantine, or comes out of it.

Hazards: A11 (poison), A17 (a graph of another moment than what it is held against).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import DivergedError, Node, NodeStatus, StalledError, failpoints
from sapwood.quarantining import release
from sapwood.relational import QuarantineRepository
from sapwood.stores import Stores

from .test_quarantine import FOREIGN, grow, stall

if TYPE_CHECKING:
    from sapwood import Database, Graph

    from ..conftest import OpenStore, RunCypher


async def test_what_was_read_under_another_quarantine_is_not_applied(
    open_store: OpenStore, project_id: str, database: Database, graph: Graph
) -> None:
    """Else what an entry says of a node that was out meanwhile is missing for good."""
    stores, store = Stores(database, graph), open_store(apply_wait_s=0.1)
    await grow(store)
    trap = failpoints.arm(failpoints.APPLY_AFTER_READ, "hang")
    await store.update_status_batch({"root": NodeStatus.COMPLETE})
    await store.flush()
    await trap.sprung.wait()  # it has read the entry of that, and not yet the next one
    await store.prune("kept")
    await store.flush()
    await QuarantineRepository(database).add(project_id, "kept", seq=1, reason="late", applied=0)
    trap.released.set()
    with pytest.raises(DivergedError, match="in quarantine"):
        await store.load_project()
    assert await release(stores, project_id) == 1
    async with open_store(mode="read") as reader:
        assert (await reader.node("kept")).status is NodeStatus.PRUNED
        assert (await reader.verify()).ok


async def test_a_refused_item_beside_an_empty_entry_stalls(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    """An entry without rows always fits beside another, which would be halved for ever."""
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", parent_id="root", content=""))
    await store.save_state({"round": 1})
    with pytest.raises(StalledError):
        await store.flush()
    async with asyncio.timeout(20):
        with pytest.raises(StalledError):
            await open_store(mode="read").load_project()
