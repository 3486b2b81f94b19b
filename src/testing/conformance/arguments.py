"""Each read checks its arguments before anything else, and may bring some columns only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ...errors import NotFoundError, ValidationError
from ...model import NodeStatus
from ...nodes import FIELDS
from .base import Conformance, first_of, grow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .base import OpenStore


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


DEEP = nested(100_000)
TAKES_AN_ID: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
    "node": lambda store, value: store.node(value),
    "nodes": lambda store, value: store.nodes([value]),
    "children": lambda store, value: store.children(value),
    "path": lambda store, value: store.path(value),
    "ancestors": lambda store, value: store.ancestors(value),
    "subtree": lambda store, value: store.subtree(value),
    "alive_nodes": lambda store, value: store.alive_nodes(under=value),
    "leaves": lambda store, value: store.leaves(under=value),
    "best_nodes": lambda store, value: store.best_nodes(1, under=value),
    "branch_stats": lambda store, value: store.branch_stats(value),
    "iter_nodes": lambda store, value: first_of(store, under=value),
    "cached_scores": lambda store, value: store.cached_scores([value], judge="j@1"),
    "invalidation_preview": lambda store, value: store.invalidation_preview(1, node_ids=[value]),
}
NEEDS_A_RUBRIC = {"cached_scores", "invalidation_preview"}
TAKES_OTHERS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "children: limit": lambda store: store.children("a", limit=-1),
    "children: status": lambda store: store.children("a", status="sleeping"),
    "subtree: status": lambda store: store.subtree("a", status="Alive"),
    "subtree: max_depth": lambda store: store.subtree("a", max_depth=-1),
    "subtree: limit": lambda store: store.subtree("a", limit=True),
    "alive_nodes: limit": lambda store: store.alive_nodes(limit=2**63),
    "alive_nodes: order_by": lambda store: store.alive_nodes(order_by="typo"),
    "alive_nodes: descending": lambda store: store.alive_nodes(descending="yes"),
    "leaves: limit": lambda store: store.leaves(limit=1.5),
    "best_nodes: n": lambda store: store.best_nodes(-1),
    "best_nodes: key": lambda store: store.best_nodes(1, key="depth"),
    "branch_stats: key": lambda store: store.branch_stats("a", key="depth"),
    "iter_nodes: page": lambda store: first_of(store, page=0),
    "nodes: fields": lambda store: store.nodes([], fields=["colour"]),
    "path: fields": lambda store: store.path("a", fields="score"),
    "ancestors: fields": lambda store: store.ancestors("a", fields=[DEEP]),
    "load_project: fields": lambda store: store.load_project(fields=["colour"]),
    "cached_scores: judge": lambda store: store.cached_scores([], judge=""),
    "cached_scores: rubric": lambda store: store.cached_scores([], judge="j@1", rubric=0),
    "cached_scores: by_content": lambda store: store.cached_scores([], judge="j@1", by_content=1),
    "invalidation_preview: new_rubric": lambda store: store.invalidation_preview("1"),
    "invalidation_preview: judge": lambda store: store.invalidation_preview(1, judge="j"),
}


class ArgumentsConformance(Conformance):
    """What every read takes."""

    @pytest.mark.parametrize("value", ["\ud800", "", "x" * 65, DEEP, 5], ids=range(5))
    @pytest.mark.parametrize("read", TAKES_AN_ID)
    async def test_an_id_that_can_be_none_is_refused_by_each_read_before_any_io(
        self, read: str, value: Any, open_store: OpenStore
    ) -> None:
        store = open_store()
        with pytest.raises(ValidationError, match=f"{read}: (node_id|under|node_ids)"):
            await TAKES_AN_ID[read](store, value)
        assert store.counts == {}, "it was never opened"

    @pytest.mark.parametrize("argument", TAKES_OTHERS)
    async def test_any_other_argument_that_is_wrong_is_named(
        self, argument: str, open_store: OpenStore
    ) -> None:
        with pytest.raises(ValidationError, match=argument):
            await TAKES_OTHERS[argument](open_store())

    @pytest.mark.parametrize("read", sorted(TAKES_AN_ID.keys() - NEEDS_A_RUBRIC - {"nodes"}))
    async def test_a_node_that_is_not_there_is_named(
        self, read: str, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            with pytest.raises(NotFoundError, match="nowhere"):
                await TAKES_AN_ID[read](store, "nowhere")

    async def test_some_columns_come_by_each_read_of_many_nodes(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            made = await grow(store, 60)
            top = next(iter(made))
            last = list(made)[-1]
            whole = await store.subtree(top)
            for found in (
                await store.nodes(made, fields=["score", "content"]),
                await store.subtree(top, fields=["score", "content"]),
                await store.children(top, fields=["score", "content"]),
                await store.path(last, fields=["score", "content"]),
                await store.ancestors(last, fields=["score", "content"]),
                await store.alive_nodes(fields=["score", "content"]),
                await store.leaves(fields=["score", "content"]),
                await store.best_nodes(9, fields=["score", "content"]),
            ):
                assert found.names == ("id", "content", "score")
                assert len(found) > 0
                assert found.column("content") == [made[node_id].content for node_id in found.ids]
                assert found.column("score") == [made[node_id].score for node_id in found.ids]
                with pytest.raises(ValidationError, match=r"parent_id, attributes.*column\(name\)"):
                    found[0]
            assert whole.names == FIELDS
            tree = (await store.load_project(fields=["score"])).tree
            assert set(tree.names) == {"id", "parent_id", "status", "depth", "score"}
            assert tree.subtree(top).ids == whole.ids
            assert tree.leaves.ids == (await store.leaves()).ids
            assert tree.leaves.column("score") == (await store.leaves()).column("score")

    async def test_a_status_may_be_given_as_text(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            made = await grow(store, 40)
            top = next(iter(made))
            for status in NodeStatus:
                assert (await store.subtree(top, status=status.value)).ids == (
                    await store.subtree(top, status=status)
                ).ids
                assert {node.status async for node in store.iter_nodes(status=status.value)} <= {
                    status
                }
