"""Projects share the servers and nothing else: not a statement, not a row, not a node.

Hazard: F3 (projects are apart by nothing but a property and a column).
"""

from __future__ import annotations

import random
import re
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import TextClause, event

from sapwood import (
    Database,
    Node,
    NodeStatus,
    Principle,
    PrincipleScore,
    Rubric,
    RubricChanges,
    relational,
)

from ..held import Held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from sapwood import AsyncStorageAdapter, Graph
    from sapwood.servers import Endpoints

    from ..conftest import OpenStore, RunCypher, RunSql

OF_NO_PROJECT: Final = {
    "sapwood.relational.schema": "of the tables themselves",
    "sapwood.relational.partitions": "of the tables themselves",
    "sapwood.relational.migrations": "of the tables themselves",
}


def shipped() -> Iterator[tuple[str, str]]:
    """Every statement that a module of the room holds ready, under its name."""
    for found in iter_modules(relational.__path__, "sapwood.relational."):
        if found.name in OF_NO_PROJECT:
            continue
        for name, value in vars(import_module(found.name)).items():
            text = str(value) if isinstance(value, (TextClause, str)) else ""
            if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", text) and "sapwood." in text:
                yield f"{found.name}.{name}", text


STATEMENTS: Final = dict(shipped())


def test_the_statements_are_found() -> None:
    assert len(STATEMENTS) > 20
    assert "sapwood.relational.entries._REGISTER" in STATEMENTS


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_shipped_statement_is_given_the_project(name: str) -> None:
    text = STATEMENTS[name]
    of_its_row = text.startswith("UPDATE sapwood.project SET") and "WHERE id = $1" in text
    assert ":project_id" in text or ("project_id" in text and "$1" in text) or of_its_row


class Hearing:
    """What was sent to PostgreSQL, each statement with what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def of(self, project_id: str) -> tuple[list[str], list[str]]:
        """Return the statements on sapwood's tables that were given this id, and the others."""
        with_it: list[str] = []
        without: list[str] = []
        for statement, parameters in self.sent:
            if "sapwood." in statement and "alembic_version" not in statement:
                (with_it if f"'{project_id}'" in repr(parameters) else without).append(statement)
        return with_it, without


@pytest.fixture
async def hearing(servers: Endpoints) -> AsyncIterator[tuple[Database, Hearing]]:
    database, heard = Database(servers.database_url), Hearing()

    def connect(connection: Any, _record: Any) -> None:
        def hear(record: Any) -> None:
            heard.sent.append((record.query, record.args))

        connection.driver_connection.add_query_logger(hear)

    def execute(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        heard.sent.append((statement, parameters))

    event.listen(database.engine.sync_engine, "connect", connect)
    event.listen(database.engine.sync_engine, "before_cursor_execute", execute)
    yield database, heard
    await database.close()


@pytest.mark.usefixtures("database")
async def test_each_statement_that_a_call_sends_carries_its_project(
    hearing: tuple[Database, Hearing], graph: Graph, project_id: str
) -> None:
    """Also those that are composed: what is compared is what the driver is given."""
    from sapwood import AsyncStorageAdapter

    database, heard = hearing
    async with AsyncStorageAdapter(database, graph, project_id=project_id) as store:
        await plant(store)
        for call in CALLS.values():
            await call(store)
    async with AsyncStorageAdapter(database, graph, project_id=project_id) as store:
        await store.delete_project()
    with_it, without = heard.of(project_id)
    assert len(set(with_it)) > 30
    # The driver's own log has what it prepares for SQLAlchemy once more, without parameters.
    assert set(without) <= set(with_it), set(without) - set(with_it)


async def plant(store: AsyncStorageAdapter) -> None:
    """Save the same tree, ids, rubric and scores, whatever the project."""
    rubric = Rubric(principles=(Principle(id="principle", key="k", text="same"),))
    await store.rubrics.save(rubric)
    await store.save_nodes_batch([Node(id="root", content="same")])
    await store.save_nodes_batch(
        [Node(id=f"n{at}", parent_id="root", content="same") for at in range(9)]
    )
    await score(store, 0.5)
    await store.save_state({"same": True})
    await store.flush()


async def score(store: AsyncStorageAdapter, number: float) -> None:
    given = PrincipleScore(node_id="root", principle_id="principle", judge="j@1", score=number)
    await store.update_scores_batch([given])
    await store.flush()


async def stream(store: AsyncStorageAdapter) -> None:
    assert [node.id async for node in store.iter_nodes(page=4)]


async def grow(store: AsyncStorageAdapter) -> None:
    await store.save_nodes_batch([Node(parent_id="n1", content="another")])
    await store.update_status_batch({"n2": NodeStatus.COMPLETE}, reason="done")
    await store.flush()


async def edit(store: AsyncStorageAdapter) -> None:
    changed = await store.rubrics.new_version(RubricChanges(texts={"k": "edited"}))
    await store.rubrics.activate(changed.version or 0, judge="j@1")


CALLS: Final[dict[str, Callable[[AsyncStorageAdapter], Awaitable[Any]]]] = {
    "save": grow,
    "prune": lambda store: store.prune("n1", reason="closed"),
    "score": lambda store: score(store, 0.9),
    "state": lambda store: store.save_state([1]),
    "flush": lambda store: store.flush(),
    "rejoin": lambda store: store.rejoin(),
    "new_version": edit,
    "activate": lambda store: store.rubrics.activate(1),
    "rubrics": lambda store: store.rubrics.history(),
    "current": lambda store: store.rubrics.current(),
    "diff": lambda store: store.rubrics.diff(1, 1),
    "load_project": lambda store: store.load_project(),
    "load_state": lambda store: store.load_state(),
    "nodes": lambda store: store.nodes(["root", "n1"]),
    "children": lambda store: store.children("root"),
    "path": lambda store: store.path("n1"),
    "subtree": lambda store: store.subtree("root"),
    "alive_nodes": lambda store: store.alive_nodes(),
    "leaves": lambda store: store.leaves(),
    "best_nodes": lambda store: store.best_nodes(2),
    "branch_stats": lambda store: store.branch_stats("root"),
    "iter_nodes": stream,
    "cached_scores": lambda store: store.cached_scores(["root"], judge="j@1"),
    "verify": lambda store: store.verify(),
    "rebuild_graph": lambda store: store.rebuild_graph(),
}


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_call_on_a_project_changes_another_one_with_the_same_ids(
    seed: int, open_store: OpenStore, project_id: str, run_sql: RunSql, run_cypher: RunCypher
) -> None:
    others = project_id + ".b"
    one, other = open_store(), open_store(others)
    await plant(one)
    await plant(other)
    held = Held(run_sql, run_cypher, others)
    before, loaded = await held.now(), await other.load_project()
    assert all(before[kind] for kind in ("project", "journal", "principle_score", "graph"))
    calls = list(CALLS)
    random.Random(seed).shuffle(calls)
    for name in calls:
        await CALLS[name](one)
        await one.flush()
        assert await held.now() == before, name
    await one.delete_project()
    assert await held.now() == before
    assert (await other.verify()).ok
    again = await other.load_project()
    assert list(again.tree) == list(loaded.tree)
    assert (again.scores, again.state) == (loaded.scores, loaded.state)
