"""Reads of the graph: their shape, their order, and what they may see."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from sapwood.errors import ValidationError
from sapwood.graph.rows import ROW_CHARACTERS
from sapwood.model import NodeStatus
from sapwood.nodes import FIELDS, Columns

from .trees import BehindError, Grove, Row, a_chain, at_least, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from neo4j import Record

    from sapwood import Graph
    from sapwood.graph import GraphWriter, NodeRepository
    from tests.conftest import RunCypher

NOW = at_least(1)
STATUSES = [status.value for status in NodeStatus]


def a_wood(nodes: int, seed: int) -> list[Row]:
    """Nodes under random parents, with random values."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for at in range(nodes):
        parent = rng.choice(rows) if rows and rng.random() > 0.02 else None
        values: dict[str, Any] = {
            "status": rng.choice(STATUSES),
            "score": rng.choice([None, rng.random(), -1.5, 0.0]),
            "rubric_score": rng.choice([None, rng.random()]),
            "iteration": rng.randrange(-5, 50),
            "created_at": rng.randrange(-(10**15), 4 * 10**15),
            "attributes": rng.choice(["{}", '{"a":[1,{"b":null}]}']),
            "content": rng.choice(["", "text", "ünïcode 🌳 '\"\\ $x", "x" * 5000]),
        }
        rows.append(row(f"{rng.randrange(16**8):08x}-{at}", parent, **values))
    return rows


def ids(columns: Columns | None) -> list[str]:
    assert columns is not None
    return list(columns["id"])


@pytest.fixture
async def small(grove: Grove) -> Grove:
    """A root with two branches: a over (b, c over d), and e."""
    root = row("root")
    a, e = row("a", root), row("e", root, status="pruned", score=0.9)
    b, c = row("b", a, score=0.2), row("c", a, status="complete", score=0.4)
    await grove.plant([root, a, e, b, c, row("d", c, score=0.1, iteration=3)])
    return grove


async def test_a_tree_comes_back_as_it_was_written(grove: Grove, nodes: NodeRepository) -> None:
    rows = a_wood(300, seed=1)
    await grove.plant(rows)
    tree = await nodes.load_tree(grove.project_id, NOW)
    wanted = sorted(rows, key=lambda made: (made["depth"], made["id"]))
    for name in FIELDS:
        assert tree[name] == [made.get(name) for made in wanted], name


async def test_columns_equal_what_a_record_a_node_gives(
    grove: Grove, nodes: NodeRepository, run_cypher: RunCypher
) -> None:
    await grove.plant(a_wood(2_500, seed=2))
    tree = await nodes.load_tree(grove.project_id, NOW)
    records = await run_cypher(
        "MATCH (n:Node {project_id: $p}) RETURN n.id AS id, n.parent_id AS parent_id, "
        "n.content AS content, n.score AS score, n.status AS status, n.depth AS depth "
        "ORDER BY n.depth, n.id",
        p=grove.project_id,
    )
    for name in ("id", "parent_id", "content", "score", "status", "depth"):
        assert tree[name] == [record[name] for record in records], name


async def test_node_gives_a_node_or_none(small: Grove, nodes: NodeRepository) -> None:
    found = await nodes.node(small.project_id, NOW, "d")
    assert found is not None
    assert (found.id, found.parent_id, found.score, found.iteration) == ("d", "c", 0.1, 3)
    assert (found.depth, found.seq, found.created_at.year) == (3, 1, 2025)
    assert await nodes.node(small.project_id, NOW, "missing") is None


async def test_nodes_come_in_the_order_asked_for(small: Grove, nodes: NodeRepository) -> None:
    found = await nodes.nodes(small.project_id, NOW, ["d", "missing", "root", "d", "a"])
    assert ids(found) == ["d", "root", "a"]
    assert len(await nodes.nodes(small.project_id, NOW, [])) == 0


async def test_children_are_told_from_no_such_node(small: Grove, nodes: NodeRepository) -> None:
    assert ids(await nodes.children(small.project_id, NOW, "root")) == ["a", "e"]
    assert ids(await nodes.children(small.project_id, NOW, "d")) == []
    assert await nodes.children(small.project_id, NOW, "missing") is None


async def test_a_lineage_goes_from_the_node_to_its_root(
    small: Grove, nodes: NodeRepository
) -> None:
    assert ids(await nodes.lineage(small.project_id, NOW, "d")) == ["d", "c", "a", "root"]
    assert ids(await nodes.lineage(small.project_id, NOW, "root")) == ["root"]
    assert await nodes.lineage(small.project_id, NOW, "missing") is None


async def test_subtree_down_to_a_depth_and_of_a_status(small: Grove, nodes: NodeRepository) -> None:
    async def subtree(node_id: str, **options: Any) -> list[str] | None:
        found = await nodes.subtree(small.project_id, NOW, node_id, **options)
        return None if found is None else ids(found)

    assert await subtree("root") == ["root", "a", "e", "b", "c", "d"]
    assert await subtree("a") == ["a", "b", "c", "d"]
    assert await subtree("a", max_depth=0) == ["a"]
    assert await subtree("root", max_depth=1) == ["root", "a", "e"]
    assert await subtree("root", max_depth=99) == ["root", "a", "e", "b", "c", "d"]
    assert await subtree("root", status=NodeStatus.COMPLETE) == ["c"]
    assert await subtree("c", status=NodeStatus.ALIVE) == ["d"], "below a node that is not alive"
    assert await subtree("d", status=NodeStatus.FAILED) == []
    assert await subtree("missing") is None
    assert await subtree("missing", status=NodeStatus.FAILED) is None


async def test_alive_nodes_as_ordered(small: Grove, nodes: NodeRepository) -> None:
    async def alive(**options: Any) -> list[str] | None:
        found = await nodes.alive_nodes(small.project_id, NOW, **options)
        return None if found is None else ids(found)

    assert await alive() == ["root", "a", "b", "d"]
    assert await alive(order_by="id") == ["a", "b", "d", "root"]
    assert await alive(order_by="id", descending=True) == ["root", "d", "b", "a"]
    assert await alive(order_by="score") == ["d", "b", "a", "root"], "no score comes last"
    assert await alive(order_by="score", descending=True) == ["b", "d", "a", "root"]
    assert await alive(order_by="score", descending=True, limit=1) == ["b"]
    assert await alive(order_by="rubric_score", limit=2) == ["a", "b"]
    assert await alive(order_by="iteration", descending=True, limit=1) == ["d"]
    assert await alive(limit=0) == []
    assert await alive(under="a") == ["a", "b", "d"]
    assert await alive(under="c", order_by="depth") == ["d"]
    assert await alive(under="e") == []
    assert await alive(under="missing") is None


async def test_leaves_and_best_nodes(small: Grove, nodes: NodeRepository) -> None:
    async def leaves(**options: Any) -> list[str] | None:
        found = await nodes.leaves(small.project_id, NOW, **options)
        return None if found is None else ids(found)

    async def best(n: int, **options: Any) -> list[str] | None:
        found = await nodes.best_nodes(small.project_id, NOW, n, **options)
        return None if found is None else ids(found)

    assert await leaves() == ["e", "b", "d"]
    assert await leaves(limit=2) == ["e", "b"]
    assert await leaves(status="pruned") == ["e"]
    assert await leaves(under="c") == ["d"]
    assert await leaves(under="d") == ["d"], "itself included"
    assert await leaves(under="a", status="failed") == []
    assert await leaves(under="missing") is None
    assert await best(9) == ["e", "c", "b", "d"], "nodes without a score are left out"
    assert await best(2) == ["e", "c"]
    assert await best(0) == []
    assert await best(1, status="alive") == ["b"]
    assert await best(9, under="c") == ["c", "d"]
    assert await best(9, under="a", status=NodeStatus.ALIVE) == ["b", "d"]
    assert await best(9, key="rubric_score") == []
    assert await best(9, under="missing") is None


async def test_limits_take_the_first_in_the_order(small: Grove, nodes: NodeRepository) -> None:
    project = small.project_id
    for limit in range(8):
        assert (
            ids(await nodes.subtree(project, NOW, "root", limit=limit))
            == [*("root", "a", "e", "b", "c", "d")][:limit]
        )
        assert ids(await nodes.children(project, NOW, "root", limit=limit)) == ["a", "e"][:limit]
    assert ids(await nodes.subtree(project, NOW, "a", status="alive", limit=2)) == ["a", "b"]
    assert ids(await nodes.children(project, NOW, "root", status="pruned")) == ["e"]
    assert ids(await nodes.children(project, NOW, "root", status="failed")) == []
    assert await nodes.children(project, NOW, "missing", limit=0) is None
    part = await nodes.subtree(project, NOW, "root", limit=2, fields=["content"])
    assert part is not None
    assert part.names == ("id", "content")


async def test_pages_follow_each_other_without_gap_or_overlap(
    grove: Grove, nodes: NodeRepository
) -> None:
    rows = a_wood(250, seed=4)
    await grove.plant(rows)
    for size in (1, 7, 250, 1000):
        seen: list[str] = []
        while page := ids(
            await nodes.page(
                grove.project_id, NOW, after=seen[-1] if seen else "", limit=size, fields=()
            )
        ):
            assert len(page) <= size
            seen += page
        assert seen == sorted(made["id"] for made in rows)


@pytest.mark.parametrize("key", ["score", "rubric_score"])
async def test_the_best_of_a_status_are_found_below_many_better_ones_of_another(
    grove: Grove, nodes: NodeRepository, key: Any
) -> None:
    """Only so many of the best are looked at first: here none of them is alive."""
    root = row("root") | {key: 0.5}
    better = [row(f"n{at:02}", root, status="pruned") | {key: 1.0 + at} for at in range(50)]
    await grove.plant([root, *better])
    best = await nodes.best_nodes(grove.project_id, NOW, 1, key=key, status="alive")
    assert ids(best) == ["root"]
    best = await nodes.best_nodes(grove.project_id, NOW, 2, key=key, status="pruned")
    assert ids(best) == ["n49", "n48"]


@pytest.mark.parametrize("seed", range(3))
async def test_reads_find_what_a_plain_search_of_the_rows_finds(
    seed: int, grove: Grove, nodes: NodeRepository
) -> None:
    rows = a_wood(200, seed=10 + seed)
    await grove.plant(rows)
    project, parents = grove.project_id, {made["parent_id"] for made in rows}
    by_id = {made["id"]: made for made in rows}
    rng = random.Random(seed)

    def is_below(made: Row, top: str | None) -> bool:
        at: Row | None = made
        while top is not None and at is not None and at["id"] != top:
            at = by_id.get(at["parent_id"])
        return at is not None

    for _ in range(12):
        under = rng.choice([None, rng.choice(rows[:30])["id"]])
        status = rng.choice([None, *STATUSES])
        limit = rng.choice([None, 0, 1, 5, 500])
        wanted = [m for m in rows if is_below(m, under) and status in (None, m["status"])]
        wanted.sort(key=lambda made: (made["depth"], made["id"]))
        leaves = [made["id"] for made in wanted if made["id"] not in parents]
        found = await nodes.leaves(project, NOW, under=under, status=status, limit=limit)
        assert ids(found) == leaves[:limit]
        for key in ("score", "rubric_score"):
            scored = [made for made in wanted if made[key] is not None]
            scored.sort(key=lambda made: (-made[key], made["id"]))
            best = await nodes.best_nodes(project, NOW, 7, key=key, under=under, status=status)
            assert ids(best) == [made["id"] for made in scored[:7]]
        if under is not None:
            tree = await nodes.subtree(project, NOW, under, status=status, limit=limit)
            assert ids(tree) == [made["id"] for made in wanted[:limit]]


@pytest.mark.parametrize(
    ("read", "options"),
    [
        ("alive_nodes", {"order_by": "colour"}),
        ("alive_nodes", {"limit": 2**63}),
        ("leaves", {"status": "sleeping"}),
        ("load_tree", {"fields": "score"}),
    ],
)
async def test_a_wrong_argument_is_refused_before_the_server_is_asked(
    read: str, options: dict[str, Any], nodes: NodeRepository
) -> None:
    with pytest.raises(ValidationError, match=f"{read}: {next(iter(options))}"):
        await getattr(nodes, read)("no-such-project", NOW, **options)


async def test_count_by_status(small: Grove, nodes: NodeRepository) -> None:
    counts = await nodes.count_by_status(small.project_id, NOW)
    assert counts == {
        NodeStatus.ALIVE: 4,
        NodeStatus.PRUNED: 1,
        NodeStatus.COMPLETE: 1,
        NodeStatus.FAILED: 0,
    }


@pytest.mark.parametrize("fields", [["content"], ["score", "id"], ["seq", "depth", "status"]])
async def test_fields_limit_what_is_read(
    small: Grove, nodes: NodeRepository, fields: list[str]
) -> None:
    whole = await nodes.load_tree(small.project_id, NOW)
    part = await nodes.load_tree(small.project_id, NOW, fields=fields)
    assert set(part.names) == {"id", *fields}
    for name in part.names:
        assert part[name] == whole[name]


async def test_a_depth_beyond_any_tree_is_no_limit(small: Grove, nodes: NodeRepository) -> None:
    """Added to the depth of a node it must not leave the integers of the server."""
    found = await nodes.subtree(small.project_id, NOW, "d", max_depth=2**63 - 1)
    assert ids(found) == ["d"]


async def test_an_unknown_field_is_refused(small: Grove, nodes: NodeRepository) -> None:
    with pytest.raises(ValidationError, match="colour"):
        await nodes.load_tree(small.project_id, NOW, fields=["colour"])


async def test_a_page_has_nothing_above_the_position_it_was_asked_for(
    small: Grove, nodes: NodeRepository
) -> None:
    """A17: a stream gives the nodes of one position, however many come meanwhile."""
    await small.plant([row("late", row("b", seq=1, depth=2) | {"depth": 2}, seq=2)])
    project, wanted = small.project_id, ["late", "b"]
    assert "late" in ids(await nodes.page(project, NOW, limit=99))
    assert "late" not in ids(await nodes.page(project, NOW, limit=99, upto=1))
    assert ids(await nodes.page_of_ids(project, NOW, wanted)) == wanted
    assert ids(await nodes.page_of_ids(project, NOW, wanted, upto=1)) == ["b"]


async def test_what_the_guard_raises_ends_the_read(small: Grove, nodes: NodeRepository) -> None:
    with pytest.raises(BehindError):
        await nodes.load_tree(small.project_id, at_least(2))
    with pytest.raises(BehindError, match="None"):
        await nodes.load_tree("no-such-project", at_least(0))


async def test_two_projects_with_the_same_ids_do_not_see_each_other(
    small: Grove, writer: GraphWriter, nodes: NodeRepository
) -> None:
    """F3: projects are apart by nothing but a property."""
    other = Grove(writer, small.project_id + ".b")
    await writer.create_watermark(other.project_id, "other")
    root = row("root", content="of the other")
    await other.plant([root, row("a", root), row("x", root)])
    await other.plant([], [{"id": "a", "status": "failed", "status_reason": None}])
    assert ids(await nodes.load_tree(other.project_id, NOW)) == ["root", "a", "x"]
    assert ids(await nodes.children(other.project_id, NOW, "root")) == ["a", "x"]
    assert ids(await nodes.lineage(other.project_id, NOW, "a")) == ["a", "root"]
    assert ids(await nodes.subtree(other.project_id, NOW, "a")) == ["a"]
    assert ids(await nodes.alive_nodes(other.project_id, NOW)) == ["root", "x"]
    assert await nodes.node(other.project_id, NOW, "d") is None
    assert len(await nodes.load_tree(small.project_id, NOW)) == 6
    found = await nodes.node(small.project_id, NOW, "a")
    assert found is not None
    assert found.status is NodeStatus.ALIVE


async def test_a_chain_of_10_000_is_read_without_recursion(
    grove: Grove, nodes: NodeRepository
) -> None:
    """B15: a pattern without bound that keeps its whole path takes a minute here."""
    chain = a_chain(10_000)
    await grove.plant(chain[:5_000])
    await grove.plant(chain[5_000:])
    wanted = [made["id"] for made in chain]
    project, top, bottom = grove.project_id, wanted[0], wanted[-1]
    async with asyncio.timeout(20):
        assert ids(await nodes.lineage(project, NOW, bottom)) == wanted[::-1]
        assert ids(await nodes.subtree(project, NOW, top)) == wanted
        assert ids(await nodes.subtree(project, NOW, top, max_depth=9)) == wanted[:10]
        assert ids(await nodes.alive_nodes(project, NOW, under=top)) == wanted


async def test_5_000_children_of_one_node(grove: Grove, nodes: NodeRepository) -> None:
    """B17: a dense node takes other locks and another store."""
    root = row("root")
    await grove.plant([root])
    await grove.plant([row(f"c{at:04}", root, seq=2) for at in range(5_000)])
    wanted = [f"c{at:04}" for at in range(5_000)]
    assert ids(await nodes.children(grove.project_id, at_least(2), "root")) == wanted
    assert ids(await nodes.subtree(grove.project_id, at_least(2), "root")) == ["root", *wanted]


async def test_reads_are_exact_while_statuses_change(grove: Grove, nodes: NodeRepository) -> None:
    """B14: a walk over an index of something that changes may miss nodes or count them twice."""
    root = row("root")
    rows = [root, *(row(f"n{at:04}", root) for at in range(2_000))]
    await grove.plant(rows)
    reading = True

    async def change() -> None:
        rng = random.Random(3)
        while reading:
            chosen = rng.sample(rows[1_000:], 300)
            status = rng.choice(STATUSES)
            changes = [{"id": made["id"], "status": status} for made in chosen]
            await grove.plant([], changes)

    changing = asyncio.create_task(change())
    try:
        for _ in range(25):
            counts = await nodes.count_by_status(grove.project_id, NOW)
            assert sum(counts.values()) == 2_001
            assert len(await nodes.load_tree(grove.project_id, NOW, fields=["id"])) == 2_001
            alive = ids(await nodes.alive_nodes(grove.project_id, NOW, fields=["id"]))
            assert len(alive) == len(set(alive))
            assert {made["id"] for made in rows[:1_000]} <= set(alive)
    finally:
        reading = False
        await changing


LARGE = "x" * 900_000
LISTS: dict[str, dict[str, Any]] = {
    "project.load_tree": {},
    "lineage.subtree": {"node_id": "n0", "max_depth": None, "status": None},
    "node.nodes": {"ids": [f"n{at}" for at in range(40)]},
}


@pytest.mark.parametrize("how", ["created", "changed"])
async def test_a_row_of_an_answer_holds_what_neo4j_can_send_however_large_the_nodes_are(
    how: str, grove: Grove, graph: Graph, nodes: NodeRepository
) -> None:
    """A thousand nodes of a megabyte each in one row, and Neo4j closes the connection."""
    large: dict[str, Any] = {"content": LARGE} if how == "created" else {}
    root = row("n0", **large)
    await grove.plant([root, *(row(f"n{at}", root, **large) for at in range(1, 40))])
    if how == "changed":
        text = json.dumps({"a": LARGE})
        await grove.plant(sets=[{"id": f"n{at}", "attributes": text} for at in range(40)])
    at = {"project_id": grove.project_id, "applied": grove.applied, "fields": FIELDS}
    for key, asked in LISTS.items():
        rows: list[Record] = []
        await graph.read(key, rows.append, large=True, whole=True, **at, **asked)
        assert sum(len(found["id"]) for found in rows) == 40
        for found in rows:
            sent = sum(map(len, chain(found["content"], found["attributes"])))
            assert sent <= ROW_CHARACTERS
    pages, last, more = [], "", True
    while more:
        page, more = await nodes.audit_page(grove.project_id, NOW, after=last, limit=1_000)
        pages.append(len(page))
        last = page[-1][0]["id"]
    assert pages == [19, 19, 2]


async def test_only_who_asks_for_contents_or_attributes_gets_rows_of_fewer_nodes(
    grove: Grove, graph: Graph, nodes: NodeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    read = graph.read

    async def counted(key: str, take: Callable[[Record], object], **parameters: Any) -> None:
        def both(record: Record) -> None:
            lengths.append(len(record["id"]))
            take(record)

        await read(key, both, **parameters)

    monkeypatch.setattr(graph, "read", counted)
    root = row("n0", content=LARGE)
    await grove.plant([root, *(row(f"n{at}", root) for at in range(1, 40))])
    for field in FIELDS:
        lengths.clear()
        assert len(await nodes.load_tree(grove.project_id, NOW, fields=[field])) == 40
        assert lengths == ([18, 18, 4] if field in {"content", "attributes"} else [40]), field


async def test_one_large_node_is_remembered_and_ordinary_ones_are_read_by_the_thousand(
    grove: Grove, graph: Graph
) -> None:
    """The watermark says how many nodes a row may hold; nothing is looked at for it in a read."""
    project = grove.project_id

    async def lengths(*, large: bool = True) -> list[int]:
        rows: list[Record] = []
        at = {"project_id": project, "applied": grove.applied, "fields": ["id"], "whole": False}
        await graph.read("project.load_tree", rows.append, large=large, **at)
        return [len(found["id"]) for found in rows]

    root = row("root")
    await grove.plant([root, *(row(f"n{at:04}", root) for at in range(1_500))])
    assert await lengths() == [1_000, 501]
    await grove.plant([row("large", root, content="x" * (ROW_CHARACTERS // 400))])
    await grove.plant([row("late", root)])
    assert await lengths() == [399, 399, 399, 306]
    assert await lengths(large=False) == [1_000, 503], "neither contents nor attributes are wanted"
