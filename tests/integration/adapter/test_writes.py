"""Items are stored after a while by themselves: the one promise that needs a clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sapwood import Node

if TYPE_CHECKING:
    from ...conftest import OpenStore


async def test_items_are_stored_by_their_age(open_store: OpenStore) -> None:
    async with open_store(flush_at=100, flush_interval_s=0.05) as store:
        await store.save_nodes_batch([Node(content="")])
        async with asyncio.timeout(10):
            while not store.counts.get("flushes"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # a user can only look
        assert store.counts["flushes"] == 1
