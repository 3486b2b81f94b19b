"""What Neo4j refuses is found by halves and left out by somebody's word; all else goes on.

Hazards: A11 (poison), A19 (the graph is not what the journal says).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from math import ceil, log2
from typing import TYPE_CHECKING, Final

import pytest

from sapwood import (
    ConflictError,
    DivergedError,
    Node,
    NodeStatus,
    NotFoundError,
    RejectedItemsError,
    StalledError,
    applying,
    failpoints,
)
from sapwood.failpoints import FailpointError
from sapwood.graph.queries import statement
from sapwood.poison import find_poison
from sapwood.quarantining import quarantine, release
from sapwood.relational import QuarantineRepository
from sapwood.stores import Stores

from ..held import Held

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood import AsyncStorageAdapter, Database, Graph

    from ..conftest import OpenStore, RunCypher, RunSql

FOREIGN: Final = "UNWIND $ids AS id CREATE (:Node {project_id: $project_id, id: id})"
MENDED: Final = "MATCH (n:Node {project_id: $project_id}) WHERE n.seq IS NULL DELETE n"


@pytest.fixture
def stores(database: Database, graph: Graph) -> Stores:
    return Stores(database, graph)


@pytest.fixture
def held(project_id: str, run_sql: RunSql, run_cypher: RunCypher) -> Held:
    return Held(run_sql, run_cypher, project_id)


@asynccontextmanager
async def guarded(
    run_cypher: RunCypher, project_id: str, node_ids: list[str]
) -> AsyncGenerator[None]:
    """While this lasts, no two of these nodes may have the same status reason, by foreign rule."""
    label = f"Guarded_{project_id[-8:]}"
    of_them = "MATCH (n:Node {project_id: $p}) WHERE n.id IN $ids "
    rule = f"CREATE CONSTRAINT {label} FOR (n:{label}) REQUIRE n.status_reason IS UNIQUE"
    await run_cypher(rule)
    await run_cypher(f"{of_them} SET n:{label}", p=project_id, ids=node_ids)
    try:
        yield
    finally:
        await run_cypher(f"DROP CONSTRAINT {label}")
        await run_cypher(f"{of_them} REMOVE n:{label}", p=project_id, ids=node_ids)


async def stall(store: AsyncStorageAdapter, *nodes: Node) -> None:
    """Save nodes that Neo4j refuses."""
    await store.save_nodes_batch(nodes)
    with pytest.raises(StalledError):
        await store.flush()


async def grow(store: AsyncStorageAdapter) -> None:
    """Save a first, good batch."""
    await store.save_nodes_batch(
        [Node(id="root", content=""), Node(id="kept", parent_id="root", content="", score=1.0)]
    )
    assert (await store.flush()).applied


async def test_a_refused_node_is_left_out_with_all_below_it_and_what_waited_goes_on(
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    stores: Stores,
    held: Held,
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    below = Node(id="below", parent_id="bad", content="", score=9.0)
    good = Node(id="good", parent_id="root", content="")
    await stall(store, Node(id="bad", parent_id="kept", content="", score=8.0), below, good)
    await stall(store, Node(id="deeper", parent_id="below", content="", score=7.0))
    await store.prune("bad", reason="why")
    await store.update_status_batch({"deeper": NodeStatus.FAILED, "kept": NodeStatus.COMPLETE})
    await stall(store, Node(id="later", parent_id="good", content="", score=3.0))
    before = await store.branch_stats("root")
    assert (before.nodes, before.best) == (7, 9.0), "PostgreSQL has it all, and counted it"

    (poison,) = (found := await find_poison(stores, project_id)).poison
    assert (found.seq, poison.node_id, poison.what, poison.below) == (2, "bad", "node", 1)
    assert "node bad" in poison.refusal
    await store.close()  # a try of its applier may be under way
    rows = await quarantine(stores, project_id, "bad", seq=2, reason="a foreign node")
    store = open_store(mode="join")
    assert [(row.seq, row.node_id) for row in rows] == [(2, "bad"), (2, "below"), (3, "deeper")]
    assert {row.reason for row in rows} == {"a foreign node"}
    assert all("node bad" in (row.cause or "") for row in rows)

    await run_cypher(MENDED, project_id=project_id)  # whose it was; `verify` would name it
    verified = await store.verify()
    assert verified.ok, verified.differences
    loaded = await store.load_project()
    assert sorted(node.id for node in loaded.tree) == ["good", "kept", "later", "root"]
    assert loaded.project.state == "open"
    assert loaded.tree["kept"].status == NodeStatus.COMPLETE
    after = await store.branch_stats("root")
    assert after == loaded.stats["root"]
    assert (after.nodes, after.best) == (4, 3.0)
    with pytest.raises(NotFoundError):
        await store.branch_stats("below")

    graph = await held.graph()
    await store.rebuild_graph()
    assert await held.graph() == graph, "made again, it is the same"
    assert (await find_poison(stores, project_id)).seq is None


async def test_nothing_more_may_refer_to_what_is_in_quarantine(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, stores: Stores
) -> None:
    knows = open_store(flush_interval_s=60)
    await grow(knows)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(knows, Node(id="bad", parent_id="kept", content=""))
    await quarantine(stores, project_id, "bad", seq=2, reason="")

    child, other = Node(id="c", parent_id="bad", content=""), Node(id="o", content="")
    await knows.save_nodes_batch([child, other])
    await knows.update_status_batch({"bad": NodeStatus.FAILED, "kept": NodeStatus.FAILED})
    with pytest.raises(RejectedItemsError, match="in quarantine") as rejected:
        await knows.flush()
    reasons = {(item.kind, item.node_id): item.reason for item in rejected.value.rejected}
    assert reasons == {
        ("node", "c"): "its parent bad is in quarantine",
        ("status", "bad"): "its node is in quarantine",
    }
    newcomer = open_store(mode="join")
    for saving in (
        newcomer.save_nodes_batch([child]),
        newcomer.save_nodes_batch([Node(id="bad", parent_id="kept", content="")]),
        newcomer.update_status_batch({"bad": NodeStatus.FAILED}),
        newcomer.prune("bad"),
    ):
        with pytest.raises(ConflictError, match="node bad is in quarantine"):
            await saving
    await run_cypher(MENDED, project_id=project_id)
    assert sorted(node.id for node in (await newcomer.load_project()).tree) == ["kept", "o", "root"]
    assert (await newcomer.verify()).ok


async def test_a_refused_change_is_left_out_at_its_position_alone(
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    stores: Stores,
    held: Held,
) -> None:
    store = open_store()
    await grow(store)
    async with guarded(run_cypher, project_id, ["root", "kept"]):
        await store.update_status_batch({"root": NodeStatus.FAILED}, reason="same")
        await store.flush()
        await store.update_status_batch({"kept": NodeStatus.FAILED}, reason="same")
        await stall(store, Node(id="new", parent_id="kept", content=""))
        (poison,) = (found := await find_poison(stores, project_id)).poison
        assert (found.seq, poison.node_id, poison.what) == (3, "kept", "change")
        await store.close()  # a try of its applier may be under way
        rows = await quarantine(stores, project_id, "kept", seq=3, reason="foreign rule")
        store = open_store(mode="join")
        assert [(row.seq, row.node_id, row.whole) for row in rows] == [(3, "kept", False)]
        assert (await store.node("kept")).status == NodeStatus.ALIVE
        await store.update_status_batch({"kept": NodeStatus.COMPLETE}, reason="another")
        assert (await store.flush()).applied
        assert (await store.branch_stats("root")).alive == 1
    assert (await store.verify()).ok
    tree = (await store.load_project()).tree
    assert {node.id: node.status.value for node in tree} == {
        "kept": "complete",
        "new": "alive",
        "root": "failed",
    }
    graph = await held.graph()
    await store.rebuild_graph()
    assert await held.graph() == graph


async def test_a_prune_that_is_refused_half_way_leaves_no_half_of_it(
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    stores: Stores,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(applying, "APPLY_ROWS", 2)
    store = open_store()
    await grow(store)
    await store.save_nodes_batch(
        [Node(id=f"n{number}", parent_id="kept", content="") for number in range(9)]
    )
    await store.update_status_batch({"root": NodeStatus.FAILED}, reason="why")
    assert (await store.flush()).applied
    # The order in which the prune itself finds them: another statement may have another one.
    (found,) = await run_cypher(
        statement("prune.alive_ids").text, project_id=project_id, node_id="kept"
    )
    last = found["ids"][-1]
    async with guarded(run_cypher, project_id, ["root", last]):
        await store.prune("kept", reason="why")
        with pytest.raises(StalledError):
            await store.flush()
        half = await run_cypher(
            "MATCH (w:Watermark {project_id: $p}) RETURN w.under_way AS under_way", p=project_id
        )
        assert half[0]["under_way"] is not None
        seq = (await find_poison(stores, project_id)).seq
        (poison,) = (await find_poison(stores, project_id)).poison
        assert (poison.node_id, poison.what) == ("kept", "prune")
        assert seq is not None
        await store.close()  # a try of its applier may be under way
        await quarantine(stores, project_id, "kept", seq=seq, reason="foreign rule")
        store = open_store(mode="join")
        statuses = {node.status.value for node in (await store.subtree("kept"))}
        assert statuses == {"alive"}
    assert (await store.verify()).ok
    assert (await store.branch_stats("kept")).alive == 10


async def test_a_search_finds_each_refused_item_in_few_tries_and_changes_nothing(
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    stores: Stores,
    held: Held,
) -> None:
    store = open_store(flush_at=1_000)
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["n17", "n90"])
    hidden = "a content that nobody shows"
    chain = [
        Node(id=f"n{number}", parent_id=f"n{number - 1}" if number % 30 else "kept", content=hidden)
        for number in range(120)
    ]
    await store.save_nodes_batch(chain)
    with pytest.raises(StalledError):
        await store.flush()
    await store.close()
    before = await held.now()
    found = await find_poison(stores, project_id)
    assert await held.now() == before
    assert [(each.node_id, each.below) for each in found.poison] == [("n17", 12), ("n90", 29)]
    assert (found.seq, found.refusal) == (2, None)
    assert found.tries <= 2 * (ceil(log2(120)) + 2) + 1
    assert hidden not in repr(found)


async def test_a_search_where_nothing_is_refused_says_so(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, stores: Stores
) -> None:
    store = open_store()
    await grow(store)
    assert (await find_poison(stores, project_id)) == (None, [], None, 0)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", content=""))
    await store.close()
    await run_cypher(MENDED, project_id=project_id)
    assert (await find_poison(stores, project_id)) == (2, [], None, 1)


async def test_only_what_the_graph_has_not_can_be_put_in_quarantine(
    open_store: OpenStore, project_id: str, stores: Stores, held: Held
) -> None:
    store = open_store()
    await grow(store)
    await store.close()
    before = await held.now()
    with pytest.raises(ConflictError, match="Neo4j has accepted the entry at 1"):
        await quarantine(stores, project_id, "kept", seq=1, reason="")
    with pytest.raises(NotFoundError, match="ends at position 1"):
        await quarantine(stores, project_id, "kept", seq=2, reason="")
    assert await held.now() == before


async def test_what_an_entry_does_not_name_cannot_be_put_in_quarantine(
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    stores: Stores,
    held: Held,
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", content=""))
    await store.close()
    before = await held.now()
    with pytest.raises(NotFoundError, match="says nothing of node kept"):
        await quarantine(stores, project_id, "kept", seq=2, reason="")
    assert await held.now() == before
    await run_cypher(MENDED, project_id=project_id)


async def test_a_second_refused_node_before_the_first_ones_children_is_left_out_too(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, stores: Stores
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad", "worse"])
    await stall(store, Node(id="bad", content=""), Node(id="worse", content=""))
    await stall(store, Node(id="child", parent_id="bad", content=""), Node(id="g", content=""))
    await quarantine(stores, project_id, "bad", seq=2, reason="first")
    async with open_store(mode="read") as reader:
        with pytest.raises(StalledError):
            await reader.load_project()
    await store.close()  # a try of its applier may be under way
    await quarantine(stores, project_id, "worse", seq=2, reason="second")
    store = open_store(mode="join")
    rows = await QuarantineRepository(stores.db).get(project_id)
    assert [(row.seq, row.node_id, row.reason) for row in rows] == [
        (2, "bad", "first"),
        (2, "worse", "second"),
        (3, "child", "first"),
    ]
    await run_cypher(MENDED, project_id=project_id)
    assert sorted(node.id for node in (await store.load_project()).tree) == ["g", "kept", "root"]
    assert (await store.verify()).ok


@pytest.mark.parametrize(
    ("failpoint", "there"),
    [(failpoints.QUARANTINE_BEFORE_COMMIT, 0), (failpoints.QUARANTINE_AFTER_COMMIT, 2)],
)
async def test_a_quarantine_that_is_cut_is_there_whole_or_not_at_all_and_may_be_repeated(
    failpoint: str,
    there: int,
    open_store: OpenStore,
    project_id: str,
    run_cypher: RunCypher,
    run_sql: RunSql,
    stores: Stores,
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", content=""), Node(id="below", parent_id="bad", content=""))
    assert (await store.branch_stats("bad")).nodes == 2
    failpoints.arm(failpoint, "raise")
    with pytest.raises(FailpointError):
        await quarantine(stores, project_id, "bad", seq=2, reason="cut")
    marked = "SELECT count(*) FROM sapwood.node_ref WHERE project_id = $1 AND left_out"
    assert await run_sql(marked, project_id) == [(there,)]
    stats = "SELECT count(*) FROM sapwood.branch_stats WHERE project_id = $1"
    assert await run_sql(stats, project_id) == [(0 if there else 4,)]
    assert len(await QuarantineRepository(stores.db).get(project_id)) == there
    await store.close()  # a try of its applier may be under way
    rows = await quarantine(stores, project_id, "bad", seq=2, reason="again")
    store = open_store(mode="join")
    assert {row.reason for row in rows} == {"cut" if there else "again"}
    await run_cypher(MENDED, project_id=project_id)
    assert sorted(node.id for node in (await store.load_project()).tree) == ["kept", "root"]
    assert (await store.verify()).ok


async def test_a_graph_that_got_what_is_in_quarantine_is_refused_not_read(
    open_store: OpenStore, project_id: str, stores: Stores
) -> None:
    store = open_store()
    await grow(store)
    # As if the entry had been read before, and its cause mended in this very moment.
    await QuarantineRepository(stores.db).add(project_id, "kept", seq=1, reason="late", applied=0)
    with pytest.raises(DivergedError, match="in quarantine"):
        await store.load_project()
    await store.save_nodes_batch([Node(id="more", parent_id="root", content="")])
    with pytest.raises(DivergedError, match="in quarantine"):
        await store.flush()  # which is stored, and not in this graph
    for reader in (store, open_store(mode="read")):
        with pytest.raises(DivergedError, match="in quarantine"):
            await reader.node("root")
    await store.rebuild_graph()
    assert sorted(node.id for node in (await store.load_project()).tree) == ["more", "root"]
    assert (await store.verify()).ok


async def test_what_is_released_is_in_the_graph_once_it_is_made_again_and_not_read_before(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, stores: Stores
) -> None:
    store = open_store()
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", content="", score=5.0))
    await store.close()  # a try of its applier may be under way
    await quarantine(stores, project_id, "bad", seq=2, reason="for a while")
    store = open_store(mode="join")
    await run_cypher(MENDED, project_id=project_id)
    assert (await store.branch_stats("root")).nodes == len((await store.load_project()).tree) == 2
    assert await release(stores, project_id) == 1
    with pytest.raises(DivergedError, match="in quarantine"):
        await store.load_project()
    await store.rebuild_graph()
    assert sorted(node.id for node in (await store.load_project()).tree) == ["bad", "kept", "root"]
    assert (await store.branch_stats("bad")).best == 5.0
    await store.save_nodes_batch([Node(id="child", parent_id="bad", content="")])
    assert (await store.flush()).applied
    assert (await store.verify()).ok
    assert await release(stores, project_id) == 0


async def test_a_project_with_a_quarantine_is_deleted_whole_and_others_never_notice(
    open_store: OpenStore, project_id: str, run_cypher: RunCypher, run_sql: RunSql, stores: Stores
) -> None:
    store, other = open_store(), open_store(f"o.{project_id[2:]}")
    await grow(other)
    await grow(store)
    await run_cypher(FOREIGN, project_id=project_id, ids=["bad"])
    await stall(store, Node(id="bad", content=""))
    await other.save_nodes_batch([Node(id="bad", content="")])
    assert (await other.flush()).applied
    await quarantine(stores, project_id, "bad", seq=2, reason="")
    await other.save_nodes_batch([Node(id="more", parent_id="bad", content="")])
    assert (await other.flush()).applied
    assert (await other.verify()).ok
    await store.delete_project()
    query = "SELECT count(*) FROM sapwood.quarantine WHERE project_id = $1"
    assert await run_sql(query, project_id) == [(0,)]
