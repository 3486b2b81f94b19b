"""`sapwood doctor --bisect` and `sapwood quarantine`, as used on a stalled project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from sapwood import Node, StalledError

if TYPE_CHECKING:
    from ..conftest import OpenStore, RunCypher, RunSql
    from .conftest import Run

REFUSED: Final = "CREATE (:Node {project_id: $id, id: 'refused'})"
MENDED: Final = "MATCH (n:Node {project_id: $id, id: 'refused'}) WHERE n.seq IS NULL DELETE n"
HIDDEN: Final = "a content that no command shows"


@pytest.fixture
async def stalled(open_store: OpenStore, project_id: str, run_cypher: RunCypher) -> str:
    """A project whose second entry Neo4j refuses for one of its nodes; a third one waits."""
    store = open_store()
    await store.save_nodes_batch([Node(id="a", content=HIDDEN)])
    assert (await store.flush()).applied
    await run_cypher(REFUSED, id=project_id)
    for nodes in (
        [Node(id="b", parent_id="a", content=HIDDEN), Node(id="refused", content=HIDDEN)],
        [Node(id="below", parent_id="refused", content=HIDDEN), Node(id="c", content=HIDDEN)],
    ):
        await store.save_nodes_batch(nodes)
        with pytest.raises(StalledError, match="sapwood doctor --bisect"):
            await store.flush()
    await store.close()
    return project_id


async def test_what_is_refused_is_found_left_out_shown_and_released(
    run: Run, stalled: str, run_cypher: RunCypher
) -> None:
    found = await run("doctor", "--bisect", stalled, "--json")
    assert found.returncode == 3
    report = json.loads(found.stdout)
    (refused,) = report["refused"]
    assert (report["seq"], refused["node_id"], refused["what"]) == (2, "refused", "node")
    words = f"sapwood quarantine {stalled} refused --seq 2 --reason TEXT"
    assert words in refused["todo"]
    plain = await run("doctor", "--bisect", stalled)
    assert words in plain.stdout
    assert HIDDEN not in found.stdout + found.stderr + plain.stdout + plain.stderr

    done = await run(*words.split()[1:], "--yes")
    assert done.returncode == 0
    assert done.stdout == "2\trefused\tnode\n3\tbelow\tnode\n"
    await run_cypher(MENDED, id=stalled)
    assert (await run("verify", stalled)).returncode == 0
    status = await run("status", stalled)
    assert status.returncode == 0
    assert "quarantine\trefused at 2, below at 3" in status.stdout
    doctor = (await run("doctor")).stdout
    assert f"project {stalled}\twarning\t2 in quarantine" in doctor

    released = await run("quarantine", stalled, "--release", "--yes", "--json")
    assert released.returncode == 0
    report = json.loads(released.stdout)
    assert (report["state"], report["graph_nodes"]) == ("same", 5)


async def test_a_quarantine_asks_first_and_wants_all_of_it(run: Run, stalled: str) -> None:
    item = ("quarantine", stalled, "refused", "--seq", "2")
    for arguments, code in (
        ((*item, "--reason", "why"), 2),
        ((*item, "--release", "--yes"), 2),
        (("quarantine", stalled, "a", "--seq", "1", "--reason", "why", "--yes"), 1),
    ):
        assert (await run(*arguments)).returncode == code
    assert json.loads((await run("status", stalled, "--json")).stdout)["quarantine"] == []


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_quarantine_that_is_killed_is_there_whole_or_not_at_all(
    moment: str, run: Run, stalled: str, run_sql: RunSql
) -> None:
    item = ("quarantine", stalled, "refused", "--seq", "2", "--reason", "why", "--yes")
    killed = await run(*item, SAPWOOD_FAILPOINTS=f"quarantine.{moment}_commit=kill")
    assert killed.returncode == -9
    query = (
        "SELECT count(*), (SELECT count(*) FROM sapwood.node_ref"
        " WHERE project_id = $1 AND left_out) FROM sapwood.quarantine WHERE project_id = $1"
    )
    there = 2 if moment == "after" else 0
    assert await run_sql(query, stalled) == [(there, there)]
    assert (await run(*item)).returncode == 0
    assert await run_sql(query, stalled) == [(2, 2)]
