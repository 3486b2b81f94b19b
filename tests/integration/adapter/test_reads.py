"""Reads as only a graph on a server needs them: bounded, and through a wiped graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sapwood import Node
from sapwood.testing import make_tree

if TYPE_CHECKING:
    from tests.conftest import OpenStore, RunCypher


async def test_an_iteration_goes_on_after_the_graph_was_wiped(
    open_store: OpenStore, run_cypher: RunCypher
) -> None:
    """The graph is rebuilt from the journal; ids and positions are what they were."""
    async with open_store() as store:
        made = [node.id for node in make_tree(120, seed=1)]
        await store.save_nodes_batch(make_tree(120, seed=1))
        seen: list[str] = []
        async for page in store.iter_nodes(page=50).pages():
            seen += page.ids
            if len(seen) == 50:
                await run_cypher(
                    "MATCH (n {project_id: $p}) WHERE n:Node OR n:Watermark DETACH DELETE n",
                    p=store.project_id,
                )
        assert seen == sorted(made)


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
