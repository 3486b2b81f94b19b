"""The commands that look after projects: what they say and end with, in good and in bad state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from sapwood import Database, Node, StalledError
from sapwood.relational import ProjectRepository

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunCypher, RunSql
    from .conftest import Run

EDITED = "MATCH (n:Node {project_id: $id, id: 'b'}) SET n.content = 'edited'"
REFUSED = "CREATE (:Node {project_id: $id, id: 'refused'})"
MENDED = "MATCH (n:Node {project_id: $id, id: 'refused'}) WHERE n.seq IS NULL DELETE n"
LOST = "MATCH (n {project_id: $id}) WHERE n:Node OR n:Watermark DETACH DELETE n"
MARK = "MATCH (w:Watermark {project_id: $id}) "


@pytest.fixture
async def planted(open_store: OpenStore, project_id: str) -> str:
    """A project of two nodes, one batch, all of it in the graph."""
    store = open_store()
    await store.save_nodes_batch(
        [Node(id="a", content=""), Node(id="b", parent_id="a", content="")]
    )
    assert (await store.flush()).applied
    await store.close()
    return project_id


@pytest.fixture
async def stalled(planted: str, open_store: OpenStore, run_cypher: RunCypher) -> str:
    """That project with an entry that Neo4j refuses."""
    await run_cypher(REFUSED, id=planted)
    store = open_store()
    await store.save_nodes_batch([Node(id="refused", content="")])
    with pytest.raises(StalledError):
        await store.flush()
    await store.close()
    return planted


async def status_of(run: Run, project_id: str, code: int) -> dict[str, Any]:
    done = await run("status", project_id, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def state_of(project_id: str, run_sql: RunSql, run_cypher: RunCypher) -> Any:
    """All that there is of a project's row and watermark."""
    row = await run_sql("SELECT * FROM sapwood.project WHERE id = $1", project_id)
    mark = "MATCH (w:Watermark {project_id: $id}) RETURN properties(w) AS all"
    return row, await run_cypher(mark, id=project_id)


async def test_status_of_a_project_in_good_state(run: Run, planted: str) -> None:
    found = await status_of(run, planted, 0)
    ages = found.pop("age_s"), found.pop("created_at"), found.pop("journal_bytes")
    assert all(ages)
    assert found == {
        "project_id": planted,
        "title": "",
        "state": "open",
        "head": 1,
        "applied": 1,
        "lag": 0,
        "oldest_unapplied_s": None,
        "nodes": 2,
        "quarantined": 0,
        "under_way": None,
        "problem": None,
        "todo": None,
        "epoch": 1,
        "stalled_seq": None,
        "stalled_cause": None,
        "journal_entries": 1,
        "scores": 0,
        "quarantine": [],
        "graph_problem": None,
    }


async def test_status_lists_the_projects(run: Run, planted: str) -> None:
    done = await run("status", "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    (line,) = (each for each in report["projects"] if each["project_id"] == planted)
    assert (line["state"], line["head"], line["applied"], line["lag"], line["nodes"]) == (
        "open",
        1,
        1,
        0,
        2,
    )
    plain = await run("status")
    assert f"project\t{planted}\topen\t1\t1\t0\t2\t" in plain.stdout


async def test_a_stalled_project_is_named_with_its_cause_and_looking_changes_nothing(
    run: Run, stalled: str, run_sql: RunSql, run_cypher: RunCypher
) -> None:
    before = await state_of(stalled, run_sql, run_cypher)
    found = await status_of(run, stalled, 3)
    assert (found["state"], found["stalled_seq"], found["lag"]) == ("stalled", 2, 1)
    assert "node refused" in found["stalled_cause"]
    assert found["oldest_unapplied_s"] > 0
    done = await run("doctor", "--json")
    assert done.returncode == 3
    checks = json.loads(done.stdout)["checks"]
    (check,) = (each for each in checks if each["name"] == f"project {stalled}")
    assert check["state"] == "problem"
    assert f"sapwood doctor --bisect {stalled}" in check["todo"]
    assert f"sapwood verify {stalled}" in check["todo"]
    assert await state_of(stalled, run_sql, run_cypher) == before


async def test_a_stalled_project_is_not_verified_until_it_is_mended(
    run: Run, stalled: str, run_cypher: RunCypher
) -> None:
    done = await run("verify", stalled, "--json")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert (report["state"], report["ok"], report["found"]) == ("stalled", False, None)
    assert "position 2" in report["problem"]
    assert done.stderr.strip() == report["problem"], "said once"
    await run_cypher(MENDED, id=stalled)
    assert (await run("verify", stalled)).returncode == 0
    assert (await status_of(run, stalled, 0))["state"] == "open"


async def test_a_rebuild_mends_a_stalled_project(run: Run, stalled: str) -> None:
    assert (await run("rebuild", stalled, "--yes")).returncode == 0
    await status_of(run, stalled, 0)


async def test_an_edited_graph_is_named_and_a_rebuild_mends_it(
    run: Run, planted: str, run_cypher: RunCypher
) -> None:
    same = await run("verify", planted, "--json")
    assert same.returncode == 0
    report = json.loads(same.stdout)
    assert report["journal_digest"] == report["graph_digest"] != "0" * 32
    assert (report["state"], report["journal_nodes"], report["graph_nodes"]) == ("same", 2, 2)
    await run_cypher(EDITED, id=planted)
    done = await run("verify", planted, "--json")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert (report["state"], report["found"]) == ("different", 1)
    assert report["differences"] == [{"node_id": "b", "problem": "has another content"}]
    assert f"sapwood rebuild {planted}" in done.stderr
    assert "b\thas another content" in (await run("verify", planted)).stdout
    mended = await run("rebuild", planted, "--yes", "--json")
    assert mended.returncode == 0
    assert json.loads(mended.stdout)["state"] == "same"


async def test_a_rebuild_fences_nobody(
    run: Run, open_store: OpenStore, project_id: str, run_sql: RunSql
) -> None:
    owner = open_store()
    await owner.save_nodes_batch([Node(id="a", content="")])
    await owner.flush()
    epoch = "SELECT epoch, owner FROM sapwood.project WHERE id = $1"
    before = await run_sql(epoch, project_id)
    assert (await run("rebuild", project_id, "--yes")).returncode == 0
    assert await run_sql(epoch, project_id) == before
    await owner.save_nodes_batch([Node(id="b", parent_id="a", content="")])
    assert (await owner.flush()).applied


@pytest.mark.parametrize(
    ("change", "state", "under_way", "ending"),
    [
        (LOST, "open", None, "sapwood verify"),
        (MARK + "SET w.state = 'clearing'", "open", "clearing", "sapwood verify"),
        (MARK + "SET w.chain = 'another'", "diverged", None, "sapwood rebuild"),
        (MARK + "SET w.applied = 9", "diverged", None, "sapwood rebuild"),
        (MARK + "SET w.incarnation = 'another'", "diverged", None, "sapwood rebuild"),
    ],
)
async def test_the_way_out_that_is_named_leads_out(
    change: str,
    state: str,
    under_way: str | None,
    ending: str,
    run: Run,
    planted: str,
    run_cypher: RunCypher,
) -> None:
    await run_cypher(change, id=planted)
    found = await status_of(run, planted, 3)
    assert (found["state"], found["under_way"]) == (state, under_way)
    assert found["todo"].endswith(f"{ending} {planted}")
    if state == "diverged":
        verified = await run("verify", planted, "--json")
        assert verified.returncode == 3
        assert json.loads(verified.stdout)["state"] == "diverged"
        assert (await run("rebuild", planted, "--yes")).returncode == 0
    else:
        assert found["lag"] == 1
        assert (await run("verify", planted)).returncode == 0
    await status_of(run, planted, 0)


async def test_a_half_deleted_project_is_named_until_it_is_deleted(
    run: Run, planted: str, database: Database, open_store: OpenStore
) -> None:
    await ProjectRepository(database).mark_deleting(planted)
    found = await status_of(run, planted, 3)
    assert (found["state"], found["under_way"]) == ("deleting", "deletion")
    assert "delete_project()" in found["todo"]
    for command in (("verify", planted), ("rebuild", planted, "--yes")):
        assert (await run(*command)).returncode == 1
    await open_store().delete_project()
    assert (await run("status", planted)).returncode == 1


async def test_what_only_the_graph_has_is_a_leftover(
    run: Run, project_id: str, run_cypher: RunCypher
) -> None:
    await run_cypher(
        "CREATE (:Watermark {project_id: $id, applied: 1, chain: 'c', incarnation: 'i',"
        " state: 'deleting'})",
        id=project_id,
    )
    assert project_id in json.loads((await run("status", "--json")).stdout)["leftovers"]
    assert f"project {project_id}\tproblem\tis in the graph alone" in (await run("doctor")).stdout
    await run_cypher(LOST, id=project_id)


@pytest.mark.parametrize(
    "command", [("status",), ("verify",), ("rebuild", "--yes")], ids=lambda command: command[0]
)
async def test_a_project_that_is_not_there_is_an_error_and_is_not_made(
    command: tuple[str, ...], run: Run, project_id: str, run_sql: RunSql
) -> None:
    done = await run(*command, project_id)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no project '{project_id}'" in done.stderr
    assert not await run_sql("SELECT FROM sapwood.project WHERE id = $1", project_id)


async def test_without_neo4j_status_shows_what_postgresql_knows(run: Run, planted: str) -> None:
    done = await run("status", planted, "--json", NEO4J_URI="bolt://127.0.0.1:1")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert (found["head"], found["nodes"], found["applied"], found["lag"]) == (1, 2, None, None)
    assert found["graph_problem"]
    every = await run("status", "--json", NEO4J_URI="bolt://127.0.0.1:1")
    assert every.returncode == 3
    assert planted in {each["project_id"] for each in json.loads(every.stdout)["projects"]}
    for command in (("verify", planted), ("rebuild", planted, "--yes")):
        done = await run(*command, NEO4J_URI="bolt://127.0.0.1:1")
        assert done.returncode == 1
        assert "neo4j: the server cannot be reached" in done.stderr


async def test_looking_at_an_empty_database_makes_no_tables(
    run: Run, servers: Endpoints, run_sql: RunSql
) -> None:
    name = f"cli_{uuid4().hex}"
    await run_sql("CREATE DATABASE " + name)
    try:
        url = urlsplit(servers.database_url.get_secret_value())._replace(path=name).geturl()
        done = await run("status", "--json", DATABASE_URL=url)
        assert json.loads(done.stdout)["projects"] == []
        doctor = await run("doctor", DATABASE_URL=url)
        assert "tables\tok\tnone yet" in doctor.stdout
        database = Database(url)
        async with database.transaction() as connection:
            found = await connection.exec_driver_sql("SELECT to_regnamespace('sapwood')")
            assert found.scalar_one() is None
        await database.close()
    finally:
        await run_sql("DROP DATABASE " + name)


async def test_doctor_refuses_a_database_that_gives_up_durability(
    run: Run, servers: Endpoints, run_sql: RunSql
) -> None:
    name = f"cli_{uuid4().hex}"
    await run_sql("CREATE DATABASE " + name)
    try:
        await run_sql("ALTER DATABASE " + name + " SET synchronous_commit = off")
        url = urlsplit(servers.database_url.get_secret_value())._replace(path=name).geturl()
        done = await run("doctor", DATABASE_URL=url)
        assert done.returncode == 3
        assert "durability\tproblem\t" in done.stdout
    finally:
        await run_sql("DROP DATABASE " + name)
