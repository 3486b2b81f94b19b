"""Whatever a foreign hand changes in the graph is named, and mended by a rebuild.

Hazard: G2 (undetected drift).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import Node, NodeStatus, Principle, PrincipleScore, Rubric

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter

    from ..conftest import OpenStore, RunCypher

NODES = 2_300


async def grow(store: AsyncStorageAdapter) -> None:
    """Save a tree of more than two pages, with everything in it that a node can have."""
    rubric = await store.rubrics.save(Rubric(principles=(Principle(key="k"),)))
    nodes = [Node(id="n0", content="root", attributes={"a": [1, None]})]
    nodes += [
        Node(id=f"n{n}", parent_id=f"n{(n - 1) // 4}", content=f"é {n}", score=n / 7)
        for n in range(1, NODES)
    ]
    await store.save_nodes_batch(nodes)
    await store.update_status_batch({"n9": NodeStatus.FAILED}, reason="because")
    await store.prune("n5", reason="dull")
    await store.save_nodes_batch([Node(id="n7", parent_id="n1", content="é 7", score=None)])
    score = PrincipleScore(
        node_id="n3", principle_id=rubric["k"].id, judge="j@1", score=0.1234567890123
    )
    await store.update_scores_batch([score])
    await store.flush()


async def test_an_untouched_graph_is_what_the_journal_says(open_store: OpenStore) -> None:
    store = open_store()
    await grow(store)
    seen: list[tuple[int, int]] = []
    found = await store.verify(lambda done, total: seen.append((done, total)))
    assert found.ok, found.differences
    assert (found.journal_nodes, found.graph_nodes, found.found) == (NODES, NODES, 0)
    assert found.journal_digest == found.graph_digest != "0" * 32
    assert seen == [(1_000, NODES), (2_000, NODES), (NODES, NODES)]
    assert (await open_store("nothing-yet." + store.project_id[-16:]).verify()).ok


async def test_a_graph_of_large_contents_is_held_against_the_journal_by_fewer_nodes_a_page(
    open_store: OpenStore,
) -> None:
    store = open_store()
    await store.save_nodes_batch([Node(id=f"n{n}", content="x" * 900_000) for n in range(40)])
    await store.flush()
    seen: list[int] = []
    found = await store.verify(lambda done, _: seen.append(done))
    assert found.ok, found.differences
    assert (found.journal_nodes, seen) == (40, [19, 38, 40])


async def test_a_rebuild_forgets_how_many_nodes_a_foreign_hand_let_into_a_row(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher("MATCH (w:Watermark {project_id: $id}) SET w.chunk = -1", id=project_id)
    await store.rebuild_graph()
    assert len((await store.load_project()).tree) == NODES


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("MATCH (n {id: 'n1000'}) SET n.content = 'edited'", {"n1000: has another content"}),
        ("MATCH (n {id: 'n1000'}) SET n.content = 7", {"n1000: has another content"}),
        ("MATCH (n {id: 'n1000'}) SET n.content = [7]", {"n1000: has another content"}),
        ("MATCH (n {id: 'n1000'}) REMOVE n.content", {"n1000: has another content"}),
        ("MATCH (n {id: 'n2'}) SET n.score = 0.1", {"n2: has another score"}),
        ("MATCH (n {id: 'n2'}) REMOVE n.seq", {"n2: has another seq"}),
        ("MATCH (n {id: 'n3'}) SET n.rubric_score = 1", {"n3: has another rubric_score"}),
        ("MATCH (n {id: 'n0'}) SET n.attributes = '{}'", {"n0: has another attributes"}),
        ("MATCH (n {id: 'n4'}) SET n.created_at = 'then'", {"n4: has another created_at"}),
        (
            "MATCH (n {id: 'n2'}) SET n.status = 'odd', n.status_reason = 'x'",
            {"n2: has another status", "n2: has another status_reason"},
        ),
        ("MATCH (n {id: 'n2'}) SET n:Pruned", {"n2: has other node labels"}),
        (
            "MATCH (n {id: 'n2'}) SET n.visits = 3, n.colour = 'red'",
            {"n2: has properties that sapwood does not write: colour, visits"},
        ),
        ("MATCH (n {id: 'n2299'}) DETACH DELETE n", {"n2299: is not in the graph"}),
        (
            "CREATE (:Node {project_id: $id, id: 'zz'}), (:Node {project_id: $id, id: 'a'})",
            {
                "zz: is in the graph, and not in the journal",
                "a: is in the graph, and not in the journal",
            },
        ),
        (
            "MATCH (n {id: 'n2'}), (other {id: 'n3'}) CREATE (other)-[:PARENT_OF]->(n)",
            {"n2: has other parent edges"},
        ),
        (
            "MATCH ()-[r:PARENT_OF]->(n {id: 'n2'}) DELETE r",
            {"n2: has other parent edges"},
        ),
    ],
)
async def test_what_a_foreign_hand_changed_is_named_and_mended(
    change: str, named: set[str], open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store()
    await grow(store)
    here = change.replace("{id:", "{project_id: $id, id:")
    await run_cypher(here, id=project_id)
    found = await store.verify()
    assert not found.ok
    assert found.graph_digest != found.journal_digest
    assert {f"{each.node_id}: {each.problem}" for each in found.differences} == named
    assert found.found == len(named)
    await store.rebuild_graph()
    assert (await store.verify()).ok


async def test_many_differences_are_counted_and_the_first_are_named(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher("MATCH (n:Node {project_id: $id}) SET n.content = ''", id=project_id)
    found = await store.verify()
    assert (found.found, len(found.differences)) == (NODES, 100)


async def test_verifying_while_others_write_finds_nothing_that_is_not_there(
    open_store: OpenStore,
) -> None:
    store, reader = open_store(), open_store(mode="read")
    await grow(store)

    async def write() -> None:
        for number in range(30):
            await store.save_nodes_batch([Node(id=f"m{number}", parent_id="n0", content="")])
            await store.update_status_batch({f"n{number}": NodeStatus.COMPLETE})
            if number % 10 == 0:
                await store.prune(f"n{number + 40}")
            await store.flush()

    writing = asyncio.create_task(write())
    for _ in range(3):
        found = await reader.verify()
        assert found.ok, found.differences
    await writing
    assert (await reader.verify()).ok
