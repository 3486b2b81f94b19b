"""What an orchestrator reads, held against a plain search of what it saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import NotFoundError
from ...model import Node, NodeStatus
from ..factories import make_tree
from .base import Conformance, chain

if TYPE_CHECKING:
    from ...graph import Key
    from ..interface import Store
    from .base import OpenStore

KEYS: tuple[Key, ...] = ("score", "rubric_score", "depth", "iteration", "id")


class Plain:
    """A tree in which everything is found by looking at everything."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = {node.id: node for node in nodes}

    def path(self, node_id: str) -> list[str]:
        found = [node_id]
        while (parent := self.nodes[found[0]].parent_id) is not None:
            found.insert(0, parent)
        return found

    def in_order(self, node_ids: list[str]) -> list[str]:
        return sorted(node_ids, key=lambda each: (len(self.path(each)), each))

    def subtree(self, node_id: str) -> list[str]:
        return self.in_order([each for each in self.nodes if node_id in self.path(each)])

    def children(self, node_id: str) -> list[str]:
        return sorted(each for each, node in self.nodes.items() if node.parent_id == node_id)


async def planted(store: Store) -> Plain:
    """Save a tree; return it as saved."""
    nodes = make_tree(60, seed=7)
    await store.save_nodes_batch(nodes)
    return Plain(nodes)


class ReadingConformance(Conformance):
    """All reads."""

    async def test_lineage_is_found_from_every_node(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            plain = await planted(store)
            for node_id, node in plain.nodes.items():
                path = plain.path(node_id)
                assert (await store.node(node_id)).content == node.content
                assert (await store.path(node_id)).ids == path
                assert (await store.ancestors(node_id)).ids == path[-2::-1]
                assert (await store.children(node_id)).ids == plain.children(node_id)
                assert (await store.subtree(node_id)).ids == plain.subtree(node_id)

    async def test_a_subtree_may_be_cut_by_depth_and_by_status(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            plain = await planted(store)
            top = max(plain.nodes, key=lambda each: len(plain.subtree(each)))
            below = plain.subtree(top)
            for depth in range(4):
                near = [e for e in below if len(plain.path(e)) - len(plain.path(top)) <= depth]
                assert (await store.subtree(top, max_depth=depth)).ids == near
            for status in NodeStatus:
                kept = [each for each in below if plain.nodes[each].status == status]
                assert (await store.subtree(top, status=status)).ids == kept

    @pytest.mark.parametrize("order_by", KEYS)
    @pytest.mark.parametrize("descending", [False, True])
    async def test_the_frontier_comes_in_the_order_asked_for(
        self, open_store: OpenStore, order_by: Key, *, descending: bool
    ) -> None:
        async with open_store() as store:
            plain = await planted(store)
            everything = [*(await store.load_project()).tree]
            alive = sorted((n for n in everything if n.status == "alive"), key=lambda n: n.id)
            missing = [n.id for n in alive if getattr(n, order_by) is None]
            there = [n for n in alive if getattr(n, order_by) is not None]
            there.sort(key=lambda n: getattr(n, order_by), reverse=descending)
            wanted = [*(n.id for n in there), *missing]
            found = await store.alive_nodes(order_by=order_by, descending=descending)
            assert found.ids == wanted
            few = await store.alive_nodes(order_by=order_by, descending=descending, limit=5)
            assert few.ids == wanted[:5]
            top = max(plain.nodes, key=lambda each: len(plain.subtree(each)))
            under = await store.alive_nodes(order_by=order_by, descending=descending, under=top)
            assert under.ids == [each for each in wanted if each in plain.subtree(top)]

    async def test_nodes_come_in_the_order_asked_for_each_once_and_without_the_missing(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch(chain("a", "b", "c"))
            found = await store.nodes(["c", "missing", "a", "c"])
            assert found.ids == ["c", "a"]
            assert (await store.nodes([])).ids == []

    async def test_a_missing_node_is_named(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.save_nodes_batch(chain("a"))
            for read in (store.node, store.children, store.path, store.ancestors, store.subtree):
                with pytest.raises(NotFoundError, match="node nowhere"):
                    await read("nowhere")
            with pytest.raises(NotFoundError, match="node nowhere"):
                await store.alive_nodes(under="nowhere")

    async def test_an_empty_project_is_read_as_empty(self, open_store: OpenStore) -> None:
        async with open_store(title="of nothing") as store:
            loaded = await store.load_project()
            assert (len(loaded.tree), len(loaded.scores)) == (0, 0)
            assert (loaded.rubric, loaded.state) == (None, None)
            assert (loaded.project.title, loaded.project.id) == ("of nothing", store.project_id)
            assert len(await store.alive_nodes()) == 0

    async def test_a_read_sees_what_this_adapter_accepted_and_what_others_flushed(
        self, open_store: OpenStore
    ) -> None:
        async with (
            open_store(flush_interval_s=60) as one,
            open_store(flush_interval_s=60) as other,
        ):
            await one.save_nodes_batch(chain("a", "b"))
            assert len((await other.load_project()).tree) == 0
            assert (await one.children("a")).ids == ["b"]
            assert (await other.children("a")).ids == ["b"]

    async def test_several_roots_are_fine(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([*chain("a", "b"), *chain("c")])
            assert (await store.load_project()).tree.roots.ids == ["a", "c"]
