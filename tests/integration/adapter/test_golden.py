"""A journal that another release wrote, row for row in a project, is applied. Hazard: A12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from sapwood import Node, NodeStatus
from sapwood.nodes import FIELDS

from ...golden.files import FOLDER, read

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import OpenStore, RunCypher, RunSql
    from ...golden.files import Golden

PROJECT: Final = (
    "INSERT INTO sapwood.project (id, incarnation, owner, head_seq, chain)"
    " VALUES ($1, $2, $2, $3, $4)"
)
REGISTER: Final = (
    "INSERT INTO sapwood.node_ref (project_id, node_id, depth, digest, content_digest)"
    " VALUES ($1, $2, $3, $4, $4)"
)
APPEND: Final = (
    "INSERT INTO sapwood.journal (project_id, seq, batch_id, chain, incarnation, epoch, format,"
    " payload, crc, receipt, rows) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, '{}', $9)"
)
NODES: Final = (
    "MATCH (n:Node {project_id: $id}) OPTIONAL MATCH (p)-[:PARENT_OF]->(n)"
    " RETURN n, labels(n) AS labels, p.id AS parent"
)
PATHS: Final = sorted(FOLDER.glob("journal-*.json"))


async def plant(golden: Golden, project_id: str, run_sql: RunSql) -> None:
    """Put a golden journal into a project as it would be found."""
    last = golden.rows[-1]
    await run_sql(PROJECT, project_id, golden.incarnation, last.seq, last.chain)
    for node_id, values in golden.nodes.items():
        await run_sql(REGISTER, project_id, node_id, values["depth"], bytes(16))
    for row in golden.rows:
        place = (project_id, row.seq, row.batch_id, row.chain, golden.incarnation, golden.version)
        await run_sql(APPEND, *place, row.payload, row.crc, row.rows)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
async def test_a_golden_journal_is_applied_to_the_graph_it_was_written_for(
    path: Path, project_id: str, open_store: OpenStore, run_sql: RunSql, run_cypher: RunCypher
) -> None:
    golden = read(path)
    await plant(golden, project_id, run_sql)
    store = open_store(mode="join")
    verified = await store.verify()
    assert verified.ok, verified.differences
    assert await _graph(run_cypher, project_id) == golden.nodes
    top = await store.branch_stats("root")
    below = {"unicode", "rich", "branch", "leaf", "done", "broken", "closed", "late", "after"}
    assert (top.nodes, top.max_depth) == (1 + len(below), 3)
    await store.rebuild_graph()
    assert await _graph(run_cypher, project_id) == golden.nodes

    await store.save_nodes_batch([Node(id="new", parent_id="after", content="today's")])
    await store.update_status_batch({"leaf": NodeStatus.COMPLETE})
    assert (await store.flush()).seq == golden.rows[-1].seq + 1
    assert (await store.verify()).ok


async def _graph(run_cypher: RunCypher, project_id: str) -> dict[str, dict[str, Any]]:
    """Return what a foreign client finds, in the form of a golden file."""
    found: dict[str, dict[str, Any]] = {}
    for row in await run_cypher(NODES, id=project_id):
        values = dict(row["n"])
        assert sorted(row["labels"]) == sorted(["Node", values["status"].capitalize()])
        assert values.get("parent_id") == row["parent"]
        at = values["created_at"]
        values["created_at"] = round(at.to_native().timestamp() * 1_000_000)
        found[values["id"]] = {name: values[name] for name in FIELDS if name in values}
    return found
