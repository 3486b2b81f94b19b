"""A prune closes what is alive below a node at its place among all writes, however much that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import NotFoundError, ValidationError
from ...model import Node, NodeStatus
from .base import Conformance, chain

if TYPE_CHECKING:
    from .base import OpenStore

ALIVE, PRUNED = NodeStatus.ALIVE, NodeStatus.PRUNED


class PruningConformance(Conformance):
    """`prune`."""

    async def test_what_is_alive_below_becomes_pruned_with_the_reason_and_nothing_else(
        self, open_store: OpenStore
    ) -> None:
        store = open_store()
        await store.save_nodes_batch(chain("root", "top", "a", "b", "c"))
        await store.save_nodes_batch(chain("d", under="top"))
        await store.update_status_batch({"a": NodeStatus.COMPLETE, "d": NodeStatus.FAILED})
        await store.update_status_batch({"c": PRUNED}, reason="earlier")
        await store.prune("top", reason="hopeless")
        receipt = await store.flush()
        assert (receipt.nodes, receipt.statuses, receipt.prunes) == (6, 3, 1)
        tree = (await store.load_project()).tree
        assert {node.id: (node.status, node.status_reason) for node in tree} == {
            "root": (ALIVE, None),
            "top": (PRUNED, "hopeless"),
            "a": (NodeStatus.COMPLETE, None),
            "b": (PRUNED, "hopeless"),
            "c": (PRUNED, "earlier"),
            "d": (NodeStatus.FAILED, None),
        }
        assert [node.id for node in await store.alive_nodes()] == ["root"]

    @pytest.mark.parametrize("flush_at", [1, 100])
    async def test_a_prune_has_its_place_among_the_writes(
        self, open_store: OpenStore, flush_at: int
    ) -> None:
        """In one batch or in many: what comes later is not touched by it."""
        store = open_store(flush_at=flush_at)
        await store.save_nodes_batch(chain("root", "a"))
        await store.prune("root")
        await store.save_nodes_batch(chain("late", under="a"))
        await store.update_status_batch({"a": ALIVE})
        tree = (await store.load_project()).tree
        assert {node.id: node.status for node in tree} == {
            "root": PRUNED,
            "a": ALIVE,
            "late": ALIVE,
        }
        await store.prune("root", reason="again")
        tree = (await store.load_project()).tree
        assert {node.id: (node.status, node.status_reason) for node in tree} == {
            "root": (PRUNED, None),
            "a": (PRUNED, "again"),
            "late": (PRUNED, "again"),
        }

    async def test_each_prune_of_a_batch_has_a_position_of_its_own(
        self, open_store: OpenStore
    ) -> None:
        store = open_store(flush_interval_s=60)
        await store.save_nodes_batch(chain("root", "a"))
        await store.prune("a")
        await store.save_nodes_batch(chain("b", under="a"))
        await store.prune("b")
        assert (await store.flush()).seq == 4
        await store.save_nodes_batch(chain("c", under="b"))
        assert (await store.flush()).seq == 5
        await store.rebuild_graph()
        tree = (await store.load_project()).tree
        assert {node.id: (node.status, node.seq) for node in tree} == {
            "root": (ALIVE, 1),
            "a": (PRUNED, 1),
            "b": (PRUNED, 3),
            "c": (ALIVE, 5),
        }

    async def test_a_prune_of_no_node_is_refused_by_name(self, open_store: OpenStore) -> None:
        store = open_store()
        with pytest.raises(NotFoundError, match="prune of node nobody"):
            await store.prune("nobody")
        with pytest.raises(ValidationError, match="prune of node root: reason"):
            await store.prune("root", reason="\0")
        assert (await store.flush()).prunes == 0

    async def test_a_prune_may_be_larger_than_any_transaction(self, open_store: OpenStore) -> None:
        store = open_store(flush_at=5_000)
        await store.save_nodes_batch([Node(id="root", content="")])
        await store.save_nodes_batch([Node(parent_id="root", content="") for _ in range(11_000)])
        await store.prune("root", reason="all")
        assert (await store.flush()).prunes == 1
        assert len(await store.alive_nodes()) == 0
