"""Real backups of real servers are restored: what heals, what is refused, and the way out.

The blocks of `docs/how-to/back-up-and-restore.md` are run as they stand there, as a user would.
Hazards: A8, A9, A10, A16, G1.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from neo4j import AsyncGraphDatabase

import sapwood
from sapwood import DivergedError, Node
from sapwood.servers.folder import default_cache_dir

from ..acceptance.programs import server_variables
from ..clients.page import Page
from ..clients.terminal import Terminal
from . import halfway, neo4j_admin
from .conftest import servers_beside
from .load import PER_FLUSH, Load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sapwood import AsyncStorageAdapter
    from sapwood.servers import EmbeddedServers, Endpoints

pytestmark = pytest.mark.once

PAGE = Page("how-to/back-up-and-restore.md")


@pytest.fixture(scope="module")
def own(servers_dir: Path) -> Iterator[EmbeddedServers]:
    """Servers to be stopped, emptied and restored."""
    with servers_beside(servers_dir, "restore") as servers:
        yield servers


@pytest.fixture
def endpoints(own: EmbeddedServers) -> Endpoints:
    return own.up()


@pytest.fixture
def terminal(own: EmbeddedServers, tmp_path: Path, project_id: str) -> Terminal:
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "SAPWOOD_DATA_DIR": str(own.data_dir),
        "SAPWOOD_CACHE_DIR": str(default_cache_dir()),
        "SAPWOOD_CLASS_CACHE": "0",
    }
    return Terminal(tmp_path, environment, PAGE.blocks["log in"], project_id)


def typed(terminal: Terminal, block: str) -> str:
    """Type a block of the page; it has to end well. Returns all that was printed."""
    done = terminal.run(PAGE.blocks[block])
    shown = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, shown
    return shown


def told(terminal: Terminal, *command: str) -> dict[str, Any]:
    """Run `sapwood … --json`, however it ends; return its document."""
    done = replace(terminal, log_in="").run(f"sapwood {' '.join(command)} --json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def opened(endpoints: Endpoints, project_id: str, **options: Any) -> AsyncStorageAdapter:
    """Open a project as a program does that knows nothing of the ones before."""
    return sapwood.open(
        project_id,
        database_url=endpoints.database_url.get_secret_value(),
        neo4j_uri=endpoints.neo4j_uri,
        neo4j_username=endpoints.neo4j_username,
        neo4j_password=endpoints.neo4j_password.get_secret_value(),
        **options,
    )


async def save(store: AsyncStorageAdapter, *names: str) -> None:
    """Save a small subtree for each name, a flush each."""
    for name in names:
        children = [Node(id=f"{name}-{n}", parent_id=name, content=f"{n}") for n in range(5)]
        await store.save_nodes_batch([Node(id=name, content=name), *children])
        await store.flush()


async def held(endpoints: Endpoints, project_id: str) -> list[str]:
    """What a project holds for a program that opens it, after journal and graph were compared."""
    async with opened(endpoints, project_id) as store:
        nodes = [node.model_dump_json() for node in (await store.load_project()).tree]
        check = await store.verify()
        assert check.ok, check
        return nodes


async def cut(endpoints: Endpoints, project_id: str, what: str, failpoint: str) -> None:
    """Begin a prune or a rebuild in a process that is killed half-way."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, halfway.__file__, what, project_id],
        env={
            **os.environ,
            **server_variables(endpoints),
            "SAPWOOD_FAILPOINTS": f"{failpoint}=kill",
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


async def test_an_older_neo4j_dump_heals_itself_also_one_of_half_a_prune_or_half_a_rebuild(
    own: EmbeddedServers, endpoints: Endpoints, terminal: Terminal, project_id: str, tmp_path: Path
) -> None:
    """Hazards A8, A16, G1: but for a project made anew, nobody has to do anything."""
    plain, pruned, cleared, late, anew = (f"{project_id}.{name}" for name in "abcde")
    for each in plain, pruned, cleared, anew:
        async with opened(endpoints, each) as store:
            await save(store, "root", "a", "b")
    await cut(endpoints, pruned, "prune", "prune.after_part")
    await cut(endpoints, cleared, "rebuild", "clear.after_step")
    await asyncio.to_thread(own.down)
    await asyncio.to_thread(neo4j_admin.dump, own, tmp_path)

    await asyncio.to_thread(own.up)
    for each in plain, pruned, cleared, late:
        async with opened(endpoints, each) as store:
            await save(store, "c", "d")
    await opened(endpoints, anew).delete_project()
    async with opened(endpoints, anew) as store:
        await save(store, "other")
    before = [await held(endpoints, each) for each in (plain, pruned, cleared, late)]
    assert [len(nodes) for nodes in before] == [30, 30, 30, 12]
    assert sum('"pruned"' in node for node in before[1]) == 6
    await asyncio.to_thread(own.down)
    await asyncio.to_thread(neo4j_admin.load, own, tmp_path)

    await asyncio.to_thread(own.up)
    found = {each["project_id"]: each for each in told(terminal, "status")["projects"]}
    places = [(found[each]["lag"], found[each]["under_way"]) for each in (plain, pruned, cleared)]
    assert places == [(2, None), (3, "prune"), (5, "clearing")], "the dump is an older graph"
    assert found[late]["applied"] == 0
    assert [await held(endpoints, each) for each in (plain, pruned, cleared, late)] == before
    async with opened(endpoints, anew) as store:
        with pytest.raises(DivergedError, match="another project of this name"):
            await store.load_project()
        await store.rebuild_graph()
    assert len(await held(endpoints, anew)) == 6


async def test_an_older_postgresql_dump_is_refused_and_a_rebuild_makes_the_graph_as_old(
    endpoints: Endpoints, terminal: Terminal, project_id: str
) -> None:
    """Hazard A9."""
    new = f"{project_id}.n"
    async with opened(endpoints, project_id) as store:
        await save(store, "root", "a", "b")
    before = await held(endpoints, project_id)
    typed(terminal, "back up")
    async with opened(endpoints, new) as store:
        await save(store, "root")
    writer = opened(endpoints, project_id)
    await save(writer, "lost-1", "lost-2")

    typed(terminal, "restore")
    await writer.save_nodes_batch([Node(content="after the restore")])
    with pytest.raises(DivergedError, match="no longer has the batch at position 5"):
        await writer.flush()
    with pytest.raises(DivergedError, match="no longer has the batch at position 5"):
        await writer.close()
    reader = opened(endpoints, project_id, mode="read")
    with pytest.raises(DivergedError, match="at position 5, but the journal ends before it"):
        await reader.load_project()
    await reader.close()
    assert told(terminal, "verify", project_id)["state"] == "diverged"
    checks = {each["name"]: each for each in told(terminal, "doctor")["checks"]}
    assert f"sapwood rebuild {project_id}" in checks[f"project {project_id}"]["todo"]
    assert checks[f"project {new}"]["found"] == "is in the graph alone"

    lost = await seen(endpoints, PAGE.blocks["look"].replace("my-project", project_id))
    assert {row["id"].rpartition("-")[0] for row in lost} == {"lost", "lost-1", "lost-2"}
    shown = typed(terminal, "rebuild")
    assert "Given up: the graph's own history, at position 5; the journal's ends at 3" in shown
    assert await held(endpoints, project_id) == before
    async with opened(endpoints, project_id) as store:
        await save(store, "again")
    assert len(await held(endpoints, project_id)) == len(before) + 6
    async with opened(endpoints, new) as store:
        with pytest.raises(DivergedError, match="another project of this name"):
            await store.load_project()
        await store.rebuild_graph()
        assert len((await store.load_project()).tree) == 0


async def test_an_older_postgresql_is_refused_also_if_neo4j_was_away_when_it_was_opened(
    own: EmbeddedServers, endpoints: Endpoints, terminal: Terminal, project_id: str
) -> None:
    """Hazards A9, A10: meanwhile the journal grows to where the graph is, so that numbers agree."""
    async with opened(endpoints, project_id) as store:
        await save(store, "root")
    typed(terminal, "back up")
    async with opened(endpoints, project_id) as store:
        await save(store, "lost-1", "lost-2")
    await asyncio.to_thread(stop_neo4j, own)
    typed(terminal, "restore")
    async with opened(endpoints, project_id, apply_wait_s=0.1) as store:
        await save(store, "kept-1", "kept-2")

    await asyncio.to_thread(own.up)
    place = told(terminal, "status", project_id)
    assert (place["head"], place["applied"], place["state"]) == (3, 3, "diverged")
    store = opened(endpoints, project_id)
    with pytest.raises(DivergedError, match="another history"):
        await store.load_project()
    await store.save_nodes_batch([Node(id="kept-3", content="")])
    with pytest.raises(DivergedError, match="PostgreSQL is the authority"):
        await store.flush()
    await store.close()
    typed(terminal, "rebuild")
    kept = await held(endpoints, project_id)
    assert len(kept) == 19, "what was flushed after the restore is PostgreSQL's, and stays"
    assert not any('"lost' in node for node in kept)


async def test_a_dump_taken_while_a_search_saves_is_all_that_a_new_machine_needs(
    own: EmbeddedServers, endpoints: Endpoints, terminal: Terminal, project_id: str
) -> None:
    """The dump is of one instant: what was acknowledged before, and whole flushes alone."""
    async with opened(endpoints, project_id) as store, asyncio.TaskGroup() as group:
        load = Load(store)
        searching = group.create_task(load.run())
        await load.flushes(3)
        acknowledged = load.acknowledged
        await asyncio.to_thread(typed, terminal, "back up")
        assert load.acknowledged > acknowledged, "the search went on meanwhile"
        searching.cancel()
    await asyncio.to_thread(own.down)
    await asyncio.to_thread(shutil.rmtree, own.data_dir)

    anew = await asyncio.to_thread(own.up)
    typed(terminal, "restore")
    async with opened(anew, project_id) as store:
        ids = {node.id for node in (await store.load_project()).tree}
    assert acknowledged <= len(ids) <= load.acknowledged + PER_FLUSH
    assert len(ids) % PER_FLUSH == 0
    assert ids == {f"n{number}" for number in range(len(ids))}
    assert len(await held(anew, project_id)) == len(ids)


async def test_an_empty_neo4j_without_a_schema_is_filled_by_the_next_program_or_a_rebuild(
    endpoints: Endpoints, terminal: Terminal, project_id: str
) -> None:
    """Hazard A8."""
    other = f"{project_id}.o"
    for each in project_id, other:
        async with opened(endpoints, each) as store:
            await save(store, "root", "a")
    before = [await held(endpoints, each) for each in (project_id, other)]
    await asyncio.to_thread(typed, terminal, "begin anew")
    assert await seen(endpoints, "MATCH (n) RETURN n") == []
    await asyncio.to_thread(typed, terminal, "rebuild")
    assert [await held(endpoints, each) for each in (project_id, other)] == before


async def test_both_servers_restored_from_one_copy_go_on_from_there(
    endpoints: Endpoints, terminal: Terminal, project_id: str
) -> None:
    late = f"{project_id}.l"
    async with opened(endpoints, project_id) as store:
        await save(store, "root", "a")
    before = await held(endpoints, project_id)
    await asyncio.to_thread(typed, terminal, "copy both")
    for each in project_id, late:
        async with opened(endpoints, each) as store:
            await save(store, "lost")
    await asyncio.to_thread(typed, terminal, "put the copy back")
    names = {each["project_id"] for each in told(terminal, "status")["projects"]}
    assert project_id in names
    assert late not in names
    assert await held(endpoints, project_id) == before
    async with opened(endpoints, project_id) as store:
        await save(store, "again")
    assert len(await held(endpoints, project_id)) == len(before) + 6


def test_every_block_of_the_page_is_run_by_a_drill() -> None:
    drills = Path(__file__).read_text(encoding="utf-8")
    assert len(PAGE.blocks) == 8
    assert [name for name in PAGE.blocks if f'"{name}"' not in drills] == []


def test_what_the_page_links_to_is_there() -> None:
    assert PAGE.links
    assert [link for link in PAGE.links if not (PAGE.path.parent / link).exists()] == []


def stop_neo4j(servers: EmbeddedServers) -> None:
    """Stop Neo4j alone, cleanly."""
    pid = servers.status().neo4j.pid
    assert pid is not None
    process = psutil.Process(pid)
    process.terminate()
    psutil.wait_procs([process], timeout=60)


async def seen(endpoints: Endpoints, statement: str) -> list[dict[str, Any]]:
    """What another client of Neo4j sees."""
    auth = (endpoints.neo4j_username, endpoints.neo4j_password.get_secret_value())
    async with (
        AsyncGraphDatabase.driver(endpoints.neo4j_uri, auth=auth) as driver,
        driver.session() as session,
    ):
        result = await session.run(statement)  # pyright: ignore[reportArgumentType]
        return await result.data()
