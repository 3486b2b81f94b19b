"""Reads of a tree as long and as wide as one may get: 10,000 nodes deep, 50,000 children."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter, Node, NodeStatus, new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood import Database, Graph

CHAIN = [f"deep{at:05}" for at in range(10_000)]
WIDE = [f"wide{at:05}" for at in range(50_000)]


@pytest.fixture(scope="module")
async def big(database: Database, graph: Graph) -> AsyncIterator[AsyncStorageAdapter]:
    """A root over a chain of 10,000 and over `hub`, which has 50,000 children."""
    async with AsyncStorageAdapter(
        database, graph, project_id=f"big.{new_id()}", flush_at=2_000
    ) as store:
        root, hub = Node(id="root", content=""), Node(id="hub", parent_id="root", content="")
        above = ["root", *CHAIN[:-1]]
        chain = [
            Node(id=node_id, parent_id=parent, content="in the chain", score=float(at))
            for at, (node_id, parent) in enumerate(zip(CHAIN, above, strict=True))
        ]
        wide = [
            Node(id=node_id, parent_id="hub", content="in the crowd", status=NodeStatus.COMPLETE)
            for node_id in WIDE
        ]
        await store.save_nodes_batch([root, hub, *chain, *wide])
        while not (await store.flush()).applied:
            pass
        yield store


async def test_a_path_of_10_000(big: AsyncStorageAdapter) -> None:
    path = await big.path(CHAIN[-1])
    assert path.ids == ["root", *CHAIN]
    assert (path[0].depth, path[-1].depth) == (0, 10_000)
    ancestors = await big.ancestors(CHAIN[-1], fields=["depth"])
    assert ancestors.ids == [*CHAIN[-2::-1], "root"]
    assert ancestors.column("depth") == list(range(9_999, -1, -1))


async def test_a_subtree_10_000_deep(big: AsyncStorageAdapter) -> None:
    assert (await big.subtree(CHAIN[0])).ids == CHAIN
    assert (await big.subtree(CHAIN[0], max_depth=9)).ids == CHAIN[:10]
    assert (await big.subtree(CHAIN[0], limit=10)).ids == CHAIN[:10]
    assert (await big.leaves(under=CHAIN[0])).ids == [CHAIN[-1]]
    assert (await big.best_nodes(2, under=CHAIN[0])).ids == CHAIN[:-3:-1]
    assert (await big.alive_nodes(under=CHAIN[0], limit=3)).ids == CHAIN[:3]
    assert [node.id async for node in big.iter_nodes(under=CHAIN[5_000])] == CHAIN[5_000:]


async def test_a_node_with_50_000_children(big: AsyncStorageAdapter) -> None:
    assert (await big.children("hub", fields=["status"])).ids == WIDE
    assert (await big.children("hub", limit=7)).ids == WIDE[:7]
    assert (await big.children("hub", status="alive")).ids == []
    assert (await big.subtree("hub", fields=())).ids == ["hub", *WIDE]
    assert (await big.subtree("hub", limit=3)).ids == ["hub", *WIDE[:2]]
    assert (await big.leaves(under="hub", limit=2)).ids == WIDE[:2]
    assert (await big.path(WIDE[-1])).ids == ["root", "hub", WIDE[-1]]
    assert [page.ids[0] async for page in big.iter_nodes(under="hub", page=10_000).pages()] == [
        "hub",
        *(WIDE[at] for at in range(9_999, 50_000, 10_000)),
    ]


async def test_the_whole_of_it(big: AsyncStorageAdapter) -> None:
    tree = (await big.load_project()).tree
    assert len(tree) == 60_002
    assert (await big.leaves(status="alive")).ids == [CHAIN[-1]]
    assert (await big.leaves()).ids == [*WIDE, CHAIN[-1]]
    assert (await big.best_nodes(3, status="alive")).ids == CHAIN[:-4:-1]
    assert (await big.nodes(reversed(WIDE), fields=())).ids == WIDE[::-1]


async def test_going_through_it_takes_the_memory_of_a_page(big: AsyncStorageAdapter) -> None:
    async def peak_of(page: int) -> int:
        tracemalloc.start()
        seen = 0
        async for nodes in big.iter_nodes(page=page).pages():
            seen += len(nodes)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen == 60_002
        return peak

    at_once, by_pages = await peak_of(100_000), await peak_of(500)
    assert by_pages < at_once / 20
