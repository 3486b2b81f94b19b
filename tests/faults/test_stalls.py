"""Neo4j refuses what the journal holds: it is said, nothing is skipped, and mending goes on.

Hazards: A11 (poison), D5 (the journal is a second queue), D6 (a failure that nobody hears of).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import Node, StalledError
from sapwood.relational import ProjectRepository

if TYPE_CHECKING:
    from sapwood import Database

    from ..conftest import OpenStore, RunCypher

REFUSED = "CREATE (:Node {project_id: $project_id, id: 'refused'})"
MENDED = "MATCH (n:Node {project_id: $project_id, id: 'refused'}) WHERE n.seq IS NULL DELETE n"


async def test_a_stalled_project_says_so_and_goes_on_once_it_is_mended(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, database: Database
) -> None:
    store, projects = open_store(), ProjectRepository(database)
    await store.flush()
    await run_cypher(REFUSED, project_id=project_id)
    await store.save_nodes_batch([Node(id="refused", content="")])
    with pytest.raises(StalledError, match=r"at journal position 1: .*node refused"):
        await store.flush()
    assert (await projects.get(project_id)).state == "stalled"
    await store.save_nodes_batch([Node(id="behind", content="")])
    with pytest.raises(StalledError, match="at journal position 1"):
        await store.flush()
    await run_cypher(MENDED, project_id=project_id)
    assert [node.id for node in (await store.load_project()).tree] == ["behind", "refused"]
    assert (await projects.get(project_id)).state == "open"


async def test_what_waits_behind_a_stall_is_kept_named_and_stored_once_that_is_mended(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store(max_lag_rows=1, flush_interval_s=60)
    await store.flush()
    await run_cypher(REFUSED, project_id=project_id)
    await store.save_nodes_batch([Node(id="refused", content="")])
    with pytest.raises(StalledError):
        await store.flush()
    await store.save_nodes_batch([Node(id="behind", content="")])
    for _ in range(2):
        with pytest.raises(StalledError) as stalled:
            await store.flush()
        assert "1 item(s) are accepted and not stored" in "".join(stalled.value.__notes__)
    await run_cypher(MENDED, project_id=project_id)
    async with asyncio.timeout(20):
        receipt = await store.flush()
    assert (receipt.nodes, receipt.applied) == (1, True)
    assert [node.id for node in (await store.load_project()).tree] == ["behind", "refused"]
