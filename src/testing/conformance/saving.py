"""What an orchestrator saves is what it loads; what cannot be stored is refused by name."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from ...errors import ConflictError, NotFoundError, ValidationError
from ...model import Node, NodeStatus, new_id
from ..factories import make_tree
from .base import Conformance

if TYPE_CHECKING:
    from .base import OpenStore

GOOD = Node(id="good", content="good")
BAD = {
    "orphan": Node(id="bad", content="", parent_id=new_id()),
    "NUL": Node(id="bad", content="a\0"),
    "lone surrogate": Node(id="bad", content="\ud800"),
    "NaN": Node(id="bad", content="", score=math.nan),
    "wide integer": Node(id="bad", content="", iteration=2**63),
    "10 MB": Node(id="bad", content="x" * 10_000_000),
    "own parent": Node(id="bad", parent_id="bad", content=""),
    "other content": Node(id="good", content="other"),
    "other parent": Node(id="good", content="good", parent_id="elsewhere"),
}


def as_saved(node: Node) -> dict[str, Any]:
    """Return the fields that are the caller's."""
    return node.model_dump(exclude={"depth", "seq", "rubric_score"})


class SavingConformance(Conformance):
    """`save_nodes_batch` and `update_status_batch`."""

    async def test_a_tree_saved_in_any_order_is_loaded_as_it_was(
        self, open_store: OpenStore
    ) -> None:
        nodes = make_tree(300, seed=1)
        async with open_store() as store:
            await store.save_nodes_batch(random.Random(2).sample(nodes, len(nodes)))
            receipt = await store.flush()
            assert (receipt.nodes, receipt.applied, receipt.rejected) == (300, True, ())
            tree = (await store.load_project()).tree
        assert len(tree) == 300
        for node in nodes:
            found = tree[node.id]
            assert as_saved(found) == as_saved(node)
            assert found.depth == (0 if node.parent_id is None else tree.depth(node.parent_id) + 1)
            assert found.seq is not None

    async def test_saving_the_same_nodes_again_stores_nothing_twice(
        self, open_store: OpenStore
    ) -> None:
        nodes = make_tree(50, seed=3)
        for _ in range(2):
            async with open_store() as store:
                await store.save_nodes_batch(nodes)
                await store.flush()
        async with open_store() as store:
            assert [*(await store.load_project()).tree.column("id")] == sorted(
                (node.id for node in nodes), key=lambda each: (depth_in(nodes, each), each)
            )

    async def test_a_known_node_changes_only_the_fields_that_were_set(
        self, open_store: OpenStore
    ) -> None:
        node = Node(content="a", score=1.0, attributes={"k": 1})
        async with open_store() as store:
            await store.save_nodes_batch([node])
            await store.flush()
            again = Node(id=node.id, content="a", status=NodeStatus.COMPLETE)
            await store.save_nodes_batch([again])
            found = await store.node(node.id)
        assert (found.score, found.attributes, found.status) == (
            1.0,
            {"k": 1},
            NodeStatus.COMPLETE,
        )

    async def test_a_value_that_was_set_can_be_taken_away(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="a", content="", score=1.0, status_reason="why")])
            await store.flush()
            await store.save_nodes_batch(
                [Node(id="a", content="", score=None, status_reason=None, attributes={})]
            )
            found = await store.node("a")
        assert (found.score, found.status_reason, found.attributes) == (None, None, {})

    async def test_an_object_that_was_given_is_never_read_later(
        self, open_store: OpenStore
    ) -> None:
        attributes: dict[str, Any] = {"list": [1]}
        state: dict[str, Any] = {"round": 1}
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="a", content="", attributes=attributes)])
            await store.save_state(state)
            attributes["list"].append(2)
            state["round"] = 2
            assert (await store.node("a")).attributes == {"list": [1]}
            assert await store.load_state() == {"round": 1}

    async def test_a_known_id_with_other_content_or_parent_is_refused_whole(
        self, open_store: OpenStore
    ) -> None:
        root, other = Node(content="root"), Node(content="other root")
        async with open_store() as store:
            await store.save_nodes_batch([root, other])
            for changed in (
                Node(id=root.id, content="changed"),
                Node(id=root.id, content="root", parent_id=other.id),
            ):
                with pytest.raises(ConflictError, match=root.id):
                    await store.save_nodes_batch([Node(content="not queued"), changed])
            await store.flush()
        async with open_store() as store:  # now they are known to the register alone
            with pytest.raises(ConflictError, match=root.id):
                await store.save_nodes_batch([Node(id=root.id, content="changed")])
            assert len((await store.load_project()).tree) == 2

    @pytest.mark.parametrize("kind", BAD)
    async def test_one_bad_node_refuses_its_call_and_loses_nothing_else(
        self, kind: str, open_store: OpenStore
    ) -> None:
        bad = BAD[kind]
        async with open_store() as store:
            await store.save_nodes_batch([GOOD])
            with pytest.raises((ValidationError, NotFoundError, ConflictError), match=bad.id):
                await store.save_nodes_batch([Node(content="also in the call"), bad])
            await store.save_nodes_batch([Node(content="after", parent_id=GOOD.id)])
            receipt = await store.flush()
            assert receipt.nodes == 2
            contents = sorted(node.content for node in (await store.load_project()).tree)
        assert contents == ["after", "good"]

    async def test_nodes_that_are_each_others_ancestors_are_refused(
        self, open_store: OpenStore
    ) -> None:
        circle = [Node(id="a", parent_id="b", content=""), Node(id="b", parent_id="a", content="")]
        async with open_store() as store:
            with pytest.raises(ValidationError, match="own ancestor"):
                await store.save_nodes_batch(circle)
            assert (await store.flush()).nodes == 0

    async def test_a_parent_in_another_project_is_no_parent(self, open_store: OpenStore) -> None:
        root = Node(content="root")
        async with open_store() as one, open_store(f"{one.project_id[:50]}.two") as two:
            await one.save_nodes_batch([root])
            await one.flush()
            with pytest.raises(NotFoundError, match=root.id):
                await two.save_nodes_batch([Node(content="", parent_id=root.id)])

    async def test_statuses_change_any_way_and_the_last_one_wins(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="node", content=""), Node(id="b", content="")])
            await store.update_status_batch({"node": NodeStatus.PRUNED}, reason="dull")
            await store.flush()
            assert (await store.node("node")).status_reason == "dull"
            await store.update_status_batch({"node": NodeStatus.FAILED})
            await store.update_status_batch({"node": NodeStatus.ALIVE, "b": NodeStatus.COMPLETE})
            found = await store.node("node")
            assert (found.status, found.status_reason) == (NodeStatus.ALIVE, None)

    async def test_a_status_of_an_unknown_node_refuses_its_call(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="a", content="")])
            with pytest.raises(NotFoundError, match="nowhere"):
                await store.update_status_batch(dict.fromkeys(["a", "nowhere"], NodeStatus.PRUNED))
            assert (await store.node("a")).status == NodeStatus.ALIVE

    async def test_the_orchestrators_state_is_kept_with_the_flush(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            assert await store.load_state() is None
            await store.save_state({"round": 1})
            await store.save_state({"round": 2, "seeds": [1, 2**62]})
        async with open_store() as store:
            assert await store.load_state() == {"round": 2, "seeds": [1, 2**62]}
            assert (await store.load_project()).state == {"round": 2, "seeds": [1, 2**62]}
            with pytest.raises(ValidationError, match="state"):
                await store.save_state({1: 2})


def depth_in(nodes: list[Node], node_id: str) -> int:
    """Return how many edges lie above a node."""
    parents = {node.id: node.parent_id for node in nodes}
    depth = 0
    while (parent := parents[node_id]) is not None:
        node_id, depth = parent, depth + 1
    return depth
