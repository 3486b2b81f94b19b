"""What an orchestrator reads: checked arguments, some columns, and pages while others write."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from sapwood import (
    ClosedError,
    Node,
    NodeStatus,
    NotFoundError,
    Principle,
    PrincipleScore,
    Rubric,
    ValidationError,
    new_id,
)
from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sapwood import AsyncStorageAdapter
    from tests.conftest import OpenStore, RunCypher


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
    "cached_scores": lambda store, value: store.cached_scores([value], judge="j"),
}
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
    "cached_scores: rubric": lambda store: store.cached_scores([], judge="j", rubric=0),
}


async def first_of(store: AsyncStorageAdapter, **options: Any) -> Node | None:
    async for node in store.iter_nodes(**options):
        return node
    return None


@pytest.mark.parametrize("value", ["\ud800", "", "x" * 65, DEEP, 5], ids=range(5))
@pytest.mark.parametrize("read", TAKES_AN_ID)
async def test_an_id_that_can_be_none_is_refused_by_each_read_before_any_io(
    read: str, value: Any, open_store: OpenStore
) -> None:
    store = open_store()
    with pytest.raises(ValidationError, match=f"{read}: (node_id|under|node_ids)"):
        await TAKES_AN_ID[read](store, value)
    assert store.counts == {}, "it was never opened"


@pytest.mark.parametrize("argument", TAKES_OTHERS)
async def test_any_other_argument_that_is_wrong_is_named(
    argument: str, open_store: OpenStore
) -> None:
    with pytest.raises(ValidationError, match=argument):
        await TAKES_OTHERS[argument](open_store())


@pytest.mark.parametrize("read", sorted(TAKES_AN_ID.keys() - {"nodes", "cached_scores"}))
async def test_a_node_that_is_not_there_is_named(read: str, open_store: OpenStore) -> None:
    async with open_store() as store:
        with pytest.raises(NotFoundError, match="nowhere"):
            await TAKES_AN_ID[read](store, "nowhere")


async def grow(store: AsyncStorageAdapter, size: int, seed: int = 1) -> dict[str, Node]:
    """Save nodes under random parents."""
    rng = random.Random(seed)
    made: list[Node] = []
    for at in range(size):
        parent = rng.choice(made).id if made else None
        score = rng.choice([None, rng.random()])
        status = rng.choice(list(NodeStatus))
        made.append(Node(parent_id=parent, content=f"{at}", score=score, status=status))
    await store.save_nodes_batch(made)
    return {node.id: node for node in made}


async def test_some_columns_come_by_each_read_of_many_nodes(open_store: OpenStore) -> None:
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


async def test_a_status_may_be_given_as_text(open_store: OpenStore) -> None:
    async with open_store() as store:
        made = await grow(store, 40)
        top = next(iter(made))
        for status in NodeStatus:
            assert (await store.subtree(top, status=status.value)).ids == (
                await store.subtree(top, status=status)
            ).ids
            assert {node.status async for node in store.iter_nodes(status=status.value)} <= {status}


@pytest.mark.parametrize("page", [1, 7, 1000])
async def test_nodes_come_page_by_page_in_the_order_of_their_ids(
    page: int, open_store: OpenStore
) -> None:
    async with open_store() as store:
        assert [node async for node in store.iter_nodes()] == []
        made = await grow(store, 50)
        top = list(made)[1]
        stream = store.iter_nodes(page=page)
        found = [node async for node in stream]
        assert [node.id for node in found] == sorted(made)
        assert found == list(await store.nodes(sorted(made)))
        assert [node.id async for node in stream] == sorted(made), "once more, from the beginning"
        below = await store.subtree(top)
        assert [n.id async for n in store.iter_nodes(under=top, page=page)] == sorted(below.ids)
        for status in NodeStatus:
            wanted = sorted(node.id for node in below if node.status is status)
            stream = store.iter_nodes(under=top, status=status, page=page)
            assert [node.id async for node in stream] == wanted
            wanted = sorted(node.id for node in made.values() if node.status is status)
            assert [node.id async for node in store.iter_nodes(status=status, page=page)] == wanted
        sizes = [len(nodes) async for nodes in store.iter_nodes(page=page).pages()]
        assert sum(sizes) == 50
        assert max(sizes) <= page
        assert min(sizes) > 0


async def test_pages_may_have_some_columns_and_then_no_nodes(open_store: OpenStore) -> None:
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
    under: bool, open_store: OpenStore
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


async def test_a_page_is_full_before_its_contents_take_too_much_memory(
    open_store: OpenStore,
) -> None:
    """A thousand contents of 1 MB are more than a transaction of the server can hold."""
    async with open_store() as store:
        root = Node(content="small")
        large = [Node(parent_id=root.id, content="x" * 1_000_000) for _ in range(40)]
        await store.save_nodes_batch([root, *large])
        for under in (None, root.id):
            pages = [page.ids async for page in store.iter_nodes(under=under).pages()]
            assert [len(page) for page in pages] == [18, 17, 6]
            together = [node_id for page in pages for node_id in page]
            assert together == sorted(node.id for node in (root, *large))
        slim = [page.ids async for page in store.iter_nodes(fields=["status"]).pages()]
        assert [len(page) for page in slim] == [41]


async def test_a_status_that_changes_meanwhile_is_judged_when_the_page_is_read(
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
                await store.update_status_batch({"n5": NodeStatus.FAILED, "n0": NodeStatus.FAILED})
                await store.flush()
            assert seen == ["n0", "n1", "n2", "n3", "n4", "n6", "n7", "n8"]


async def test_between_two_pages_an_applier_gets_in(open_store: OpenStore) -> None:
    async with open_store() as store:
        made = await grow(store, 30)
        stream = store.iter_nodes(page=5).pages()
        first = await anext(stream)
        await store.update_status_batch(dict.fromkeys(made, NodeStatus.FAILED))
        async with asyncio.timeout(20):
            assert (await store.flush()).applied
        assert len(first) == 5


async def test_an_iteration_goes_on_after_the_graph_was_wiped(
    open_store: OpenStore, run_cypher: RunCypher
) -> None:
    """The graph is rebuilt from the journal; ids and positions are what they were."""
    async with open_store() as store:
        made = await grow(store, 120)
        seen: list[str] = []
        async for page in store.iter_nodes(page=50).pages():
            seen += page.ids
            if len(seen) == 50:
                await run_cypher(
                    "MATCH (n {project_id: $p}) WHERE n:Node OR n:Watermark DETACH DELETE n",
                    p=store.project_id,
                )
        assert seen == sorted(made)


async def test_a_step_after_the_adapter_was_closed_says_so(open_store: OpenStore) -> None:
    store = open_store(new_id())
    await grow(store, 10)
    stream = store.iter_nodes(page=5).pages()
    await anext(stream)
    await store.close()
    with pytest.raises(ClosedError, match="closed"):
        await anext(stream)


async def test_cached_scores_know_what_was_just_saved(open_store: OpenStore) -> None:
    async with open_store() as store:
        node = Node(content="")
        rubric = await store.rubrics.save(
            Rubric(principles=(Principle(key="a"), Principle(key="b")))
        )
        a, b = rubric["a"].id, rubric["b"].id
        await store.save_nodes_batch([node])
        hits, misses = await store.cached_scores([node.id], judge="j@1")
        assert (hits, misses) == ({}, [(node.id, a), (node.id, b)])
        await store.update_scores_batch(
            [
                PrincipleScore(node_id=node.id, principle_id=b, judge="j@1", score=0.5),
                PrincipleScore(node_id=node.id, principle_id=a, judge="j@1", failure="silent"),
            ]
        )
        hits, misses = await store.cached_scores(iter([node.id]), judge="j@1", rubric=rubric)
        assert (hits, misses) == ({(node.id, b): 0.5}, [(node.id, a)])
        with pytest.raises(NotFoundError, match="nowhere"):
            await store.cached_scores([node.id, "nowhere"], judge="j@1", rubric=1)
