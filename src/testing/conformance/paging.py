"""`iter_nodes`: a whole tree in pages, while others write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ...errors import ClosedError, ValidationError
from ...model import Node, NodeStatus, new_id
from .base import Conformance, first_of, grow

if TYPE_CHECKING:
    from .base import OpenStore


class PagingConformance(Conformance):
    """`iter_nodes`."""

    @pytest.mark.parametrize("page", [1, 7, 1000])
    async def test_nodes_come_page_by_page_in_the_order_of_their_ids(
        self, page: int, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            assert [node async for node in store.iter_nodes()] == []
            made = await grow(store, 50)
            top = list(made)[1]
            stream = store.iter_nodes(page=page)
            found = [node async for node in stream]
            assert [node.id for node in found] == sorted(made)
            assert found == list(await store.nodes(sorted(made)))
            assert [node.id async for node in stream] == sorted(made), (
                "once more, from the beginning"
            )
            below = await store.subtree(top)
            assert [n.id async for n in store.iter_nodes(under=top, page=page)] == sorted(below.ids)
            for status in NodeStatus:
                wanted = sorted(node.id for node in below if node.status is status)
                stream = store.iter_nodes(under=top, status=status, page=page)
                assert [node.id async for node in stream] == wanted
                wanted = sorted(node.id for node in made.values() if node.status is status)
                assert [
                    node.id async for node in store.iter_nodes(status=status, page=page)
                ] == wanted
            sizes = [len(nodes) async for nodes in store.iter_nodes(page=page).pages()]
            assert sum(sizes) == 50
            assert max(sizes) <= page
            assert min(sizes) > 0

    async def test_pages_may_have_some_columns_and_then_no_nodes(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            made = await grow(store, 30)
            scores: dict[str, float | None] = {}
            async for page in store.iter_nodes(fields=["score"], page=7).pages():
                scores.update(zip(page.ids, page.column("score"), strict=True))
            assert scores == {node.id: node.score for node in made.values()}
            with pytest.raises(ValidationError, match="content"):
                await first_of(store, fields=["score"])

    @pytest.mark.parametrize("under", [False, True])
    async def test_while_others_write_each_node_of_the_beginning_comes_exactly_once(
        self, under: bool, open_store: OpenStore
    ) -> None:
        """New nodes before and behind the cursor, changes of everything that may change."""
        async with open_store() as store, open_store() as writer:
            root = Node(id="m-root", content="")
            early = [Node(id=f"m{at:04}", parent_id=root.id, content="") for at in range(300)]
            await writer.save_nodes_batch([root, *early])
            await writer.flush()
            seen: list[Node] = []
            round_ = 0
            async for page in store.iter_nodes(under=root.id if under else None, page=20).pages():
                seen.extend(page)
                round_ += 1
                late = [
                    Node(id=f"{where}{round_}", parent_id=root.id, content="")
                    for where in ("a", "m01.", "z")
                ]
                await writer.save_nodes_batch(late)
                changed = {node.id: NodeStatus.FAILED for node in early}
                await writer.update_status_batch(changed, reason=f"round {round_}")
                await writer.flush()
            assert [node.id for node in seen] == sorted(node.id for node in (root, *early))
            reasons = [node.status_reason for node in seen if node.id != root.id]
            assert reasons[:19] == [None] * 19
            assert reasons[-1] == f"round {round_ - 1}", "what changes is of the page's own moment"
            assert len([node async for node in store.iter_nodes()]) == 301 + 3 * round_

    async def test_a_status_that_changes_meanwhile_is_judged_when_the_page_is_read(
        self,
        open_store: OpenStore,
    ) -> None:
        async with open_store() as store:
            for under in (None, "root"):
                names = [f"n{at}" for at in range(9)]
                await store.save_nodes_batch(
                    [Node(id="root", content="", status=NodeStatus.COMPLETE)]
                    + [Node(id=name, parent_id="root", content="") for name in names]
                )
                await store.update_status_batch(dict.fromkeys(names, NodeStatus.ALIVE))
                seen: list[str] = []
                async for page in store.iter_nodes(status="alive", under=under, page=3).pages():
                    assert set(page.column("status")) == {"alive"}
                    seen += page.ids
                    await store.update_status_batch(
                        {"n5": NodeStatus.FAILED, "n0": NodeStatus.FAILED}
                    )
                    await store.flush()
                assert seen == ["n0", "n1", "n2", "n3", "n4", "n6", "n7", "n8"]

    async def test_between_two_pages_an_applier_gets_in(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            made = await grow(store, 30)
            stream = store.iter_nodes(page=5).pages()
            first = await anext(stream)
            await store.update_status_batch(dict.fromkeys(made, NodeStatus.FAILED))
            async with asyncio.timeout(20):
                assert (await store.flush()).applied
            assert len(first) == 5

    async def test_a_step_after_the_adapter_was_closed_says_so(self, open_store: OpenStore) -> None:
        store = open_store(new_id())
        await grow(store, 10)
        stream = store.iter_nodes(page=5).pages()
        await anext(stream)
        await store.close()
        with pytest.raises(ClosedError, match="closed"):
            await anext(stream)
