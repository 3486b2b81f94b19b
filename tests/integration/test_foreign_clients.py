"""Clients that know nothing of sapwood read the tree as the store does, and cannot break it.

They run the blocks of `docs/how-to/read-with-other-clients.md`, as a user would.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from neo4j import AsyncGraphDatabase

from sapwood import Node, NodeStatus, Principle, PrincipleScore, Rubric

from ..clients import javascript
from ..clients.cypher_shell import install_cypher_shell
from ..clients.page import Page
from ..clients.rows import rows_of, shell_lines
from ..clients.terminal import Terminal

if TYPE_CHECKING:
    from neo4j import AsyncDriver

    from sapwood import AsyncStorageAdapter, Tree
    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunCypher

PAGE = Page("how-to/read-with-other-clients.md")
PROGRAMS = ("tree.cypher", "read-tree.mjs", "read_tree.py")
READERS = {
    "JavaScript": "node read-tree.mjs my-project",
    "Python": "python -W error read_tree.py my-project",
}
CONTENTS = (
    "",
    "4 9 10 13",
    "two\nlines\r\nand\ttabs\r",
    "Ünïcode: 樹 дерево 🌳 e\u0301 \u202eright to left\u202c",
    'quotes " and \' and \\" and a backslash at the end \\',
    "line separators \u2028 \u2029 \x85, a bell \x07, a byte order mark \ufeff",
    "'}) DETACH DELETE n // $project_id {{x}} %s",
    "long " * 5_000,
)
SCORES = (None, 0.7, 0.1 + 0.2, -1e300, 1e-300, 3.0)
MOMENTS = (
    datetime(2026, 2, 28, 12, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 7, 20, 20, 17, 40, 120_000, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
)
ATTRIBUTES: tuple[dict[str, Any], ...] = ({}, {"nested": [1, 2.5, None, {"ключ": 'a "b" \\'}]})
REFUSED = {
    "a second parent": """
        MATCH (other:Node {project_id: $project_id, id: 'root-1'})
        MATCH (child:Node {project_id: $project_id, id: 'node-7'})
        CREATE (other)-[:PARENT_OF {project_id: $project_id, child_id: child.id}]->(child)
    """,
    "a second node of an id": "CREATE (:Node:Alive {project_id: $project_id, id: 'node-7'})",
    "a second watermark": "CREATE (:Watermark {project_id: $project_id, applied: 1000000})",
}
CONSTRAINT = "Neo.ClientError.Schema.ConstraintValidationFailed"


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's programs, the JavaScript driver and `bin/cypher-shell`."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "bin").mkdir()
    install_cypher_shell(folder / "bin")
    (folder / "node_modules").symlink_to(javascript.install_driver())
    for name in PROGRAMS:
        (folder / name).write_text(PAGE.blocks[name], encoding="utf-8")
    shutil.copy(Path(javascript.__file__).with_name("refused.mjs"), folder)
    return folder


@pytest.fixture
def terminal(clients: Path, servers: Endpoints, servers_dir: Path, project_id: str) -> Terminal:
    programs = (clients / "bin", javascript.NODE_FOLDER, Path(sys.executable).parent)
    password = servers_dir / "passwords" / "neo4j"
    log_in = PAGE.blocks["log in"]
    for example, here in (
        ("bolt://127.0.0.1:7687", servers.neo4j_uri),
        ("~/.local/share/sapwood/default/passwords/neo4j", shlex.quote(str(password))),
    ):
        assert log_in.count(example) == 1
        log_in = log_in.replace(example, here)
    environment = {
        "PATH": os.pathsep.join([*map(str, programs), os.defpath]),
        "HOME": str(clients),
        "LANG": "C.UTF-8",
    }
    return Terminal(clients, environment, log_in, project_id)


def driver_of(servers: Endpoints) -> AsyncDriver:
    """The plain driver, as any other program has it."""
    auth = (servers.neo4j_username, servers.neo4j_password.get_secret_value())
    return AsyncGraphDatabase.driver(servers.neo4j_uri, auth=auth)


async def plant(store: AsyncStorageAdapter) -> None:
    """Save a tree with everything in it, in several flushes: three roots, all statuses, scores."""
    nodes = [Node(id=f"root-{number}", content=CONTENTS[number]) for number in range(3)]
    for number in range(40):
        nodes.append(
            Node(
                id=f"node-{number}",
                parent_id=nodes[number // 2].id,
                content=CONTENTS[number % len(CONTENTS)],
                attributes=ATTRIBUTES[number % 2],
                status=list(NodeStatus)[number % 4],
                status_reason='Grund: "ß"' if number % 4 == 1 else None,
                score=SCORES[number % len(SCORES)],
                iteration=number // 10,
                created_at=MOMENTS[number % len(MOMENTS)],
            )
        )
    rubric = await store.rubrics.save(Rubric(principles=(Principle(key="closeness"),)))
    await store.save_nodes_batch(nodes[:20])
    await store.flush()
    await store.save_nodes_batch(nodes[20:])
    principle = rubric["closeness"].id
    await store.update_scores_batch(
        PrincipleScore(node_id=node.id, principle_id=principle, judge="judge@1", score=number / 3)
        for number, node in enumerate(nodes[::3])
    )
    await store.update_status_batch({"node-0": NodeStatus.FAILED, "root-2": NodeStatus.PRUNED})
    await store.flush()


async def load(store: AsyncStorageAdapter) -> Tree:
    return (await store.load_project()).tree


@pytest.mark.parametrize("client", READERS)
async def test_a_driver_reads_what_the_store_loads(
    client: str, open_store: OpenStore, terminal: Terminal
) -> None:
    async with open_store() as store:
        await plant(store)
        tree = await load(store)
    lines = terminal.read(READERS[client])
    assert [json.loads(line) for line in lines] == rows_of(tree)


async def test_cypher_shell_reads_what_the_store_loads(
    open_store: OpenStore, terminal: Terminal
) -> None:
    async with open_store() as store:
        await plant(store)
        tree = await load(store)
    assert terminal.read(PAGE.blocks["with cypher-shell"]) == shell_lines(rows_of(tree))


async def test_cypher_shell_reads_the_tree_at_one_position(
    open_store: OpenStore, terminal: Terminal
) -> None:
    async with open_store() as store:
        await plant(store)
        head = (await store.flush()).seq
        tree = await load(store)
    lines = terminal.read(PAGE.blocks["with cypher-shell at one position"])
    assert lines == ["applied", str(head), *shell_lines(rows_of(tree))]


async def test_nothing_is_applied_while_another_client_holds_the_lock(
    open_store: OpenStore, servers: Endpoints, project_id: str
) -> None:
    lock = "MATCH (w:Watermark {project_id: $project_id}) SET w:Watermark"
    assert lock in PAGE.blocks["with cypher-shell at one position"]
    async with (
        open_store(apply_wait_s=0.2) as store,
        driver_of(servers) as driver,
        driver.session() as session,
    ):
        await store.save_nodes_batch([Node(id="root", content="")])
        assert len(await load(store)) == 1
        transaction = await session.begin_transaction()
        await transaction.run(lock, project_id=project_id)
        await store.save_nodes_batch([Node(id="below", parent_id="root", content="")])
        assert not (await store.flush()).applied
        await transaction.rollback()
        assert len(await load(store)) == 2


async def test_the_javascript_driver_is_refused_what_would_break_the_tree(
    open_store: OpenStore, terminal: Terminal
) -> None:
    async with open_store() as store:
        await plant(store)
        before = await load(store)
        statements = shlex.join(REFUSED.values())
        lines = terminal.read(f"node refused.mjs my-project {statements}")
        assert lines == [CONSTRAINT] * len(REFUSED)
        await assert_unharmed(store, before)


async def test_cypher_shell_is_refused_what_would_break_the_tree(
    open_store: OpenStore, terminal: Terminal
) -> None:
    async with open_store() as store:
        await plant(store)
        before = await load(store)
        statements = ";\n".join(REFUSED.values())
        done = terminal.run(
            f"""cypher-shell --fail-at-end --param "{{project_id: 'my-project'}}" <<'END'\n"""
            f"{statements};\nEND"
        )
        assert done.returncode == 1
        assert [line.partition("(")[0] for line in done.stderr.decode().splitlines()] == [
            "Relationship", "Node", "Node",
        ]  # fmt: skip
        assert done.stderr.count(b"already exists with") == len(REFUSED)
        await assert_unharmed(store, before)


async def assert_unharmed(store: AsyncStorageAdapter, before: Tree) -> None:
    """The tree is read as before, by a store that goes on writing."""
    assert rows_of(await load(store)) == rows_of(before)
    await store.save_nodes_batch([Node(id="later", parent_id="node-7", content="")])
    assert (await store.flush()).applied
    assert (await store.node("later")).parent_id == "node-7"


async def test_a_graph_that_was_edited_is_made_again_from_the_journal(
    open_store: OpenStore, terminal: Terminal, run_cypher: RunCypher, project_id: str
) -> None:
    async with open_store() as store:
        await plant(store)
        before = await load(store)
    await run_cypher(
        """
        MATCH (edited:Node {project_id: $project_id, id: 'node-7'})
        MATCH (deleted:Node {project_id: $project_id, id: 'node-3'})
        SET edited.content = 'edited'
        DETACH DELETE deleted
        """,
        project_id=project_id,
    )
    assert terminal.read(PAGE.blocks["begin the graph anew"]) == [""]
    async with open_store() as store:
        assert rows_of(await load(store)) == rows_of(before)


@pytest.mark.usefixtures("graph")
async def test_the_pages_statement_looks_at_no_other_project(
    servers: Endpoints, project_id: str
) -> None:
    statement = "EXPLAIN " + PAGE.blocks["tree.cypher"]
    async with driver_of(servers) as driver, driver.session() as session:
        result = await session.run(statement, project_id=project_id)  # pyright: ignore[reportArgumentType]
        plan = str((await result.consume()).plan)
    assert "NodeUniqueIndexSeek" in plan
    assert "Scan" not in plan


def test_every_block_of_the_page_is_run_and_every_link_leads_somewhere() -> None:
    assert set(PAGE.blocks) == {
        "log in",
        *PROGRAMS,
        "with cypher-shell",
        "with cypher-shell at one position",
        "begin the graph anew",
    }
    assert PAGE.links
    assert [link for link in PAGE.links if not (PAGE.path.parent / link).exists()] == []
