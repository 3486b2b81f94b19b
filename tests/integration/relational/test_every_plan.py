"""Every statement that goes to PostgreSQL: sent here, and of one project by an index."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text

from sapwood import Database, Node
from sapwood.relational import (
    Journal,
    Overview,
    PrincipleScoreRepository,
    ProjectRepository,
    QuarantineRepository,
    overview,
)

from ...sent import SENDING, SOURCE, noted
from ..calls import CALLS, Planted, planted
from .test_database import own_database
from .test_plans import DIALECT, fresh_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sapwood import Graph
    from sapwood.servers import Endpoints

OF_ALL_PROJECTS: Final = {
    str(overview._PROJECTS.compile(dialect=DIALECT())): "`sapwood status` lists all projects",
}
"""Statements that are not of one project, and why they are not."""
OF_NO_PROJECT: Final = {
    "schema.py": "is about the tables themselves, when they are made or checked",
    "database.py": "sets connections up, and asks the server what it is",
}
"""Modules whose statements touch no row of a project."""
BY_INDEX: Final = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}


@dataclass(frozen=True, repr=False)
class Heard:
    """What all calls together sent.

    Attributes:
        places: File and line of each place that sent a statement.
        plans: By state of the tables and statement, the plan that serves any parameters.
    """

    places: set[tuple[Path, int]]
    plans: dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
async def heard(
    servers: Endpoints, graph: Graph, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Heard]:
    """What all calls together send, and how it is planned: for new tables, and for those after."""
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        await database.close()
        with noted(database) as sent:
            project = await planted(database, graph, 10, tmp_path_factory.mktemp("labels"))
            async with project.store:
                for call in CALLS.values():
                    await call(project)
                await look_after(project)
        statements = sorted({each for each in sent.sql if re.search(r"sapwood\.(?!alembic)", each)})
        async with fresh_tables(servers) as new_tables:
            new = {each: await plan_of(new_tables, each) for each in statements}
        async with database.transaction() as connection:
            await connection.execute(text("ANALYZE"))
            used_tables = (await connection.get_raw_connection()).driver_connection
            used = {each: await plan_of(used_tables, each) for each in statements}
        await database.close()
        yield Heard(sent.places, {"new": new, "used": used})


async def look_after(project: Planted) -> None:
    """Send what is sent after a best node got worse, and for those who look after projects."""
    db, project_id = project.db, project.store.project_id
    best = Node(content="", score=2.0, parent_id=project.chain[0])
    for score in (2.0, -1.0):
        await project.store.save_nodes_batch([best.model_copy(update={"score": score})])
        await project.store.branch_stats(best.id)
    seq = (await project.store.flush()).seq
    await Overview(db).projects({})
    await Overview(db).project(project_id, {project_id: seq})
    await Overview(db).sizes(project_id)
    await PrincipleScoreRepository(db).for_nodes(project_id, project.children)
    await PrincipleScoreRepository(db).count(project_id)
    await Overview(db).server()
    await Journal(db).outcome(project_id, "none")
    await ProjectRepository(db).set_stalled(project_id, 1, "a cause")
    await ProjectRepository(db).clear_stalled(project_id)
    await QuarantineRepository(db).add(project_id, best.id, seq=seq, reason="why", applied=0)
    await QuarantineRepository(db).get(project_id)
    await QuarantineRepository(db).release(project_id)


async def plan_of(driver: Any, statement: str) -> dict[str, Any]:
    """Return the plan that a session keeps for any parameters."""
    count = len(set(re.findall(r"\$\d+", statement)))
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    await driver.execute("SET plan_cache_mode = force_generic_plan")
    await driver.execute(f"PREPARE explained AS {statement}")
    answer = await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE explained {given}")
    await driver.execute("DEALLOCATE explained")
    plan: dict[str, Any] = answer[0]["Plan"]
    return plan


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from steps(child)


def reads_more_than_one_project(step: dict[str, Any]) -> bool:
    """Whether a step of a plan reads rows of a table that are of no one project."""
    kind = step["Node Type"]
    if kind not in BY_INDEX:
        return bool(kind == "Seq Scan")
    key = "id" if step["Index Name"] == "pk_project" else "project_id"
    return re.search(rf"\({key}\)?(::text)? = ", step.get("Index Cond", "")) is None


def places() -> Iterator[tuple[str, Path, range]]:
    """Every place of the room that sends a statement: its function, file and lines."""
    names = {name for each in SENDING.values() for name in each}
    for path in sorted((SOURCE / "relational").glob("*.py")):
        if path.name in OF_NO_PROJECT:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in (each for each in ast.walk(tree) if isinstance(each, ast.AsyncFunctionDef)):
            for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
                if isinstance(call.func, ast.Attribute) and call.func.attr in names:
                    lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
                    yield f"{path.stem}.{function.name}", path, lines


def test_each_place_that_sends_a_statement_was_reached(heard: Heard) -> None:
    """What is not sent here has no plan here either: add a call to `look_after`."""
    all_places = list(places())
    assert len(all_places) > 40
    missed = {
        name
        for name, path, lines in all_places
        if not any((path, line) in heard.places for line in lines)
    }
    assert missed == set()


@pytest.mark.parametrize("state", ["new", "used"])
def test_each_statement_reads_rows_of_one_project_by_an_index(heard: Heard, state: str) -> None:
    """Also by plans that were made for empty tables: a session keeps those for a while."""
    plans = heard.plans[state]
    assert len(plans) > 60
    wide = {
        statement
        for statement, plan in plans.items()
        if any(map(reads_more_than_one_project, steps(plan)))
    }
    assert wide == set(OF_ALL_PROJECTS)
