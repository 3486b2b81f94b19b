"""What becomes of a reader of branch statistics while its adapter is closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import ClosedError, Node, failpoints

if TYPE_CHECKING:
    from ...conftest import OpenStore


async def test_a_read_that_waits_for_a_refresh_hears_that_the_adapter_was_closed(
    open_store: OpenStore,
) -> None:
    store = open_store()
    await store.save_nodes_batch([Node(id="root", content="")])
    await store.flush()
    trap = failpoints.arm(failpoints.STATS_BEFORE_COMMIT, "hang")
    try:
        reader = asyncio.create_task(store.branch_stats("root"))
        await trap.sprung.wait()
        await store.close()
        with pytest.raises(ClosedError, match="was closed"):
            await reader
    finally:
        failpoints.disarm()
