"""Writing entries into the graph: whole, counted, and never without the watermark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from neo4j.exceptions import ConstraintError

from sapwood import failpoints
from sapwood.errors import DivergedError, JournalError, StoreError
from sapwood.graph import GraphWriter, NodeRepository, Watermark, rows_of
from sapwood.journal import NO_CHAIN
from sapwood.model import NodeStatus

from .trees import Grove, at_least, fold_of, row

if TYPE_CHECKING:
    from tests.conftest import RunCypher


async def test_a_project_begins_once(writer: GraphWriter, project_id: str) -> None:
    assert await writer.watermark(project_id) is None
    assert await writer.create_watermark(project_id, "first")
    assert not await writer.create_watermark(project_id, "second")
    assert await writer.watermark(project_id) == Watermark(0, NO_CHAIN, "first", "open")


async def test_a_project_with_nodes_but_no_watermark_begins_with_a_clearing(
    writer: GraphWriter, project_id: str, run_cypher: RunCypher
) -> None:
    await run_cypher("CREATE (:Node {project_id: $p, id: 'stray'})", p=project_id)
    assert await writer.create_watermark(project_id, "first")
    assert await writer.watermark(project_id) == Watermark(0, NO_CHAIN, "first", "clearing")


async def test_an_entry_is_written_with_its_position(
    grove: Grove, nodes: NodeRepository, writer: GraphWriter
) -> None:
    root = row("root")
    await grove.plant([root, row("left", root), row("right", root)])
    assert await writer.watermark(grove.project_id) == Watermark(1, "chain 1", "first", "open")
    tree = await nodes.load_tree(grove.project_id, at_least(1))
    assert tree["id"] == ["root", "left", "right"]


async def test_nodes_and_edges_are_what_browser_shows(grove: Grove, run_cypher: RunCypher) -> None:
    root = row("root", created_at=1_763_000_000_123_456)
    await grove.plant([root, row("below", root, status="complete", score=0.5)])
    found = await run_cypher(
        "MATCH (a:Node {project_id: $p})-[e:PARENT_OF]->(b) "
        "RETURN labels(a) AS above, labels(b) AS below, properties(e) AS edge, b.score AS score, "
        "toString(a.created_at) AS created_at",
        p=grove.project_id,
    )
    assert found == [
        {
            "above": ["Node", "Alive"],
            "below": ["Node", "Complete"],
            "edge": {"project_id": grove.project_id, "child_id": "below"},
            "score": 0.5,
            "created_at": "2025-11-13T02:13:20.123456Z",
        }
    ]


async def test_a_child_may_come_with_its_parent_and_grandparent(
    grove: Grove, nodes: NodeRepository
) -> None:
    a = row("a")
    b = row("b", a)
    c = row("c", b)
    await grove.plant([a, b, c])
    await grove.plant([row("d", c)])
    lineage = await nodes.lineage(grove.project_id, at_least(2), "d")
    assert lineage is not None
    assert lineage["id"] == ["d", "c", "b", "a"]


async def test_an_orphan_rolls_everything_back_and_is_named(
    grove: Grove, nodes: NodeRepository
) -> None:
    """A15: a MATCH that finds no parent drops the row without a word."""
    root = row("root")
    orphan = row("orphan", row("never-saved"))
    with pytest.raises(DivergedError, match="never-saved"):
        await grove.plant([root, row("child", root), orphan])
    assert len(await nodes.load_tree(grove.project_id, at_least(0))) == 0


@pytest.mark.parametrize("change", [{"score": 1.0}, {"status": "pruned", "status_reason": None}])
async def test_a_change_of_a_missing_node_rolls_everything_back_and_is_named(
    grove: Grove, nodes: NodeRepository, change: dict[str, object]
) -> None:
    await grove.plant([row("root")])
    with pytest.raises(DivergedError, match="never-saved"):
        await grove.plant([], [{"id": "root", **change}, {"id": "never-saved", **change}])
    root = await nodes.node(grove.project_id, at_least(1), "root")
    assert root is not None
    assert (root.status, root.score) == (NodeStatus.ALIVE, None)


async def test_a_node_that_exists_is_refused_not_merged(grove: Grove) -> None:
    """B4: CREATE under a constraint fails loudly where MERGE would hide a divergence."""
    await grove.plant([row("root")])
    with pytest.raises(StoreError, match=r"exists already.*\(node root\)") as refused:
        await grove.plant([row("root", content="sentinel-content")])
    assert refused.value.code == "Neo.ClientError.Schema.ConstraintValidationFailed"
    assert not refused.value.retryable
    assert "sentinel-content" not in repr(refused.value) + repr(refused.value.__cause__)


async def test_a_second_parent_is_refused_whoever_writes_it(
    grove: Grove, run_cypher: RunCypher
) -> None:
    """B6: the relationship constraint keeps the tree a tree for foreign tools too."""
    root, other = row("root"), row("other")
    await grove.plant([root, other, row("child", root)])
    with pytest.raises(ConstraintError):
        await run_cypher(
            "MATCH (o:Node {project_id: $p, id: 'other'}), (c:Node {project_id: $p, id: 'child'}) "
            "CREATE (o)-[:PARENT_OF {project_id: $p, child_id: c.id}]->(c)",
            p=grove.project_id,
        )


async def test_a_change_of_status_swaps_the_node_label(grove: Grove, run_cypher: RunCypher) -> None:
    await grove.plant([row("root")])
    for status in ("pruned", "complete", "failed", "alive", "alive"):
        await grove.plant([], [{"id": "root", "status": status, "status_reason": None}])
        found = await run_cypher(
            "MATCH (n:Node {project_id: $p}) RETURN labels(n) AS labels, n.status AS status",
            p=grove.project_id,
        )
        label = NodeStatus(status).node_label
        assert found == [{"labels": ["Node", label], "status": status}]


async def test_none_removes_a_property_and_what_is_not_named_stays(
    grove: Grove, run_cypher: RunCypher
) -> None:
    await grove.plant([row("root", score=0.5, rubric_score=0.7)])
    await grove.plant([], [{"id": "root", "score": None}])
    found = await run_cypher(
        "MATCH (n:Node {project_id: $p}) RETURN n.score AS score, n.rubric_score AS rubric_score, "
        "'score' IN keys(n) AS there",
        p=grove.project_id,
    )
    assert found == [{"score": None, "rubric_score": 0.7, "there": False}]


async def test_changes_of_all_kinds_fit_into_one_entry(grove: Grove, nodes: NodeRepository) -> None:
    await grove.plant([row(name) for name in "abcd"])
    changes = [
        {"id": "a", "score": 0.25},
        {"id": "b", "status": "failed", "status_reason": "timeout", "score": 1.0},
        {"id": "c", "attributes": '{"k":[1,2]}', "rubric_score": 0.125},
    ]
    await grove.plant([], changes)
    found = (await nodes.load_tree(grove.project_id, at_least(2))).to_nodes()
    assert [node.score for node in found] == [0.25, 1.0, None, None]
    assert [node.status for node in found] == ["alive", "failed", "alive", "alive"]
    assert found[1].status_reason == "timeout"
    assert (found[2].attributes, found[2].rubric_score) == ({"k": [1, 2]}, 0.125)


async def test_leaving_without_a_commit_writes_nothing(
    grove: Grove, writer: GraphWriter, nodes: NodeRepository
) -> None:
    async with writer.apply(grove.project_id) as transaction:
        await transaction.write(rows_of(fold_of([row("root")])))
    assert await writer.watermark(grove.project_id) == Watermark(0, NO_CHAIN, "first", "open")
    assert len(await nodes.load_tree(grove.project_id, at_least(0))) == 0


async def test_stopping_before_the_commit_writes_nothing(grove: Grove, writer: GraphWriter) -> None:
    failpoints.arm(failpoints.APPLY_IN_TRANSACTION, "raise")
    with pytest.raises(failpoints.FailpointError):
        await grove.plant([row("root")])
    assert await writer.watermark(grove.project_id) == Watermark(0, NO_CHAIN, "first", "open")
    await grove.plant([row("root")])


async def test_stopping_after_the_commit_leaves_everything_written(
    grove: Grove, writer: GraphWriter, nodes: NodeRepository
) -> None:
    failpoints.arm(failpoints.APPLY_AFTER_COMMIT, "raise")
    with pytest.raises(failpoints.FailpointError):
        await grove.plant([row("root")])
    assert await writer.watermark(grove.project_id) == Watermark(1, "chain 1", "first", "open")
    assert len(await nodes.load_tree(grove.project_id, at_least(1))) == 1


async def test_the_watermark_never_moves_back(grove: Grove, writer: GraphWriter) -> None:
    await grove.plant([row("root")])
    async with writer.apply(grove.project_id) as transaction:
        with pytest.raises(ValueError, match="not below 1"):
            await transaction.commit(1, "again", NO_CHAIN)


async def test_a_project_without_a_watermark_cannot_be_written(
    writer: GraphWriter, project_id: str
) -> None:
    lost = Grove(writer, project_id)
    with pytest.raises(DivergedError, match="watermark"):
        await lost.plant([row("root")])
    assert await writer.create_watermark(project_id, "first"), "no node was left"


@pytest.mark.parametrize("change", [{"status": "sleeping"}, {"id2": 1}, {"project_id": "other"}])
async def test_a_journal_of_a_newer_release_is_refused_by_name(
    grove: Grove, change: dict[str, object]
) -> None:
    await grove.plant([row("root")])
    with pytest.raises(JournalError, match="root"):
        await grove.plant([], [{"id": "root", **change}])
