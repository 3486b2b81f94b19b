"""What `flush` acknowledges, and when items are stored without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ...errors import RejectedItemsError
from ...model import Node, NodeStatus, new_id
from .base import Conformance, chain

if TYPE_CHECKING:
    from .base import OpenStore


class FlushingConformance(Conformance):
    """`flush`."""

    async def test_a_flush_with_nothing_pending_says_where_the_journal_is(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            assert (await store.flush()).seq == 0
            await store.save_nodes_batch([Node(content="")])
            assert (await store.flush()).seq == 1
            again = await store.flush()
        assert (again.seq, again.nodes, again.applied) == (1, 0, True)

    async def test_fifty_flushes_at_once_are_one_transaction(self, open_store: OpenStore) -> None:
        """Hazard D3."""
        async with open_store(flush_at=1000) as store:
            await store.save_nodes_batch([Node(content=str(i)) for i in range(100)])
            receipts = await asyncio.gather(*(store.flush() for _ in range(50)))
            assert {receipt.nodes for receipt in receipts} == {100}
            assert store.counts["flushes"] == 1

    async def test_items_are_stored_by_count_and_by_bytes(self, open_store: OpenStore) -> None:
        async def flushed(count: int, content: str, **options: Any) -> int:
            async with open_store(new_id(), **options) as store:
                await store.save_nodes_batch([Node(content=content) for _ in range(count)])
                async with asyncio.timeout(10):
                    while not store.counts.get("flushes"):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)  # a user can only look
                return store.counts["flushes"]

        assert await flushed(10, "", flush_at=10, flush_interval_s=60.0) == 1
        assert await flushed(5, "x" * 1_000_000, flush_at=100, flush_interval_s=60.0) == 1

    async def test_a_cancelled_flush_loses_nothing(self, open_store: OpenStore) -> None:
        """Hazard D1."""
        nodes = [Node(content=str(i)) for i in range(100)]
        async with open_store() as store:
            await store.save_nodes_batch(nodes)
            for _ in range(20):
                flush = asyncio.create_task(store.flush())
                await asyncio.sleep(0)
                flush.cancel()
                await asyncio.gather(flush, return_exceptions=True)
            assert len((await store.load_project()).tree) == 100

    async def test_more_than_a_batch_is_stored_in_order_by_one_flush(
        self, open_store: OpenStore
    ) -> None:
        async with open_store(flush_at=5_000, max_pending=20_000) as store:
            names = [f"n{number:05}" for number in range(5_001)]
            await store.save_nodes_batch(Node(id=name, content="") for name in names)
            receipt = await store.flush()
            assert receipt.nodes == 5_001
            assert [node.seq for node in await store.nodes([names[0], names[-1]])] == [
                receipt.seq - 1,
                receipt.seq,
            ]

    async def test_close_stores_what_is_pending_and_may_be_called_twice(
        self, open_store: OpenStore
    ) -> None:
        """Hazard D7."""
        store = open_store(flush_at=100, flush_interval_s=60.0)
        await store.save_nodes_batch([Node(content=str(i)) for i in range(250)])
        await store.close()
        await store.close()
        async with open_store() as again:
            assert len((await again.load_project()).tree) == 250

    async def test_what_a_racing_writer_made_impossible_is_named_and_the_rest_is_stored(
        self, open_store: OpenStore
    ) -> None:
        late, first = open_store(flush_interval_s=60), open_store()
        await late.save_nodes_batch([Node(id="same", content="late"), Node(id="fine", content="")])
        await late.save_nodes_batch(chain("child", "grandchild", under="same"))
        await late.update_status_batch({"same": NodeStatus.FAILED, "fine": NodeStatus.FAILED})
        await late.prune("child")
        await first.save_nodes_batch([Node(id="same", content="first")])
        await first.flush()
        with pytest.raises(RejectedItemsError) as rejected:
            await late.flush()
        assert [(item.kind, item.node_id) for item in rejected.value.rejected] == [
            ("node", "same"),
            ("node", "child"),
            ("node", "grandchild"),
            ("status", "same"),
            ("prune", "child"),
        ]
        tree = (await late.load_project()).tree
        assert {node.id: node.status for node in tree} == {
            "same": NodeStatus.ALIVE,
            "fine": NodeStatus.FAILED,
        }
        await late.save_nodes_batch(chain("child", under="same"))
        assert (await late.flush()).nodes == 1, (
            "what is accepted later means the node that is there"
        )

    async def test_all_flushes_that_wait_hear_of_a_rejection(self, open_store: OpenStore) -> None:
        late, first = open_store(flush_interval_s=60), open_store()
        await late.save_nodes_batch([Node(id="same", content="late"), Node(id="fine", content="")])
        await first.save_nodes_batch([Node(id="same", content="first")])
        await first.flush()
        told = await asyncio.gather(late.flush(), late.flush(), return_exceptions=True)
        assert [type(each) for each in told] == [RejectedItemsError] * 2
        assert (await late.flush()).rejected == ()

    async def test_the_next_save_tells_of_what_a_read_left_out_and_queues_nothing(
        self, open_store: OpenStore
    ) -> None:
        late, first = open_store(flush_interval_s=60), open_store()
        await late.save_nodes_batch([Node(id="same", content="late")])
        await first.save_nodes_batch([Node(id="same", content="first")])
        await first.flush()
        assert (await late.node("same")).content == "first"
        with pytest.raises(RejectedItemsError, match="node same"):
            await late.save_nodes_batch([Node(id="new", content="")])
        await late.save_nodes_batch([Node(id="new", content="")])
        assert (await late.flush()).nodes == 1
