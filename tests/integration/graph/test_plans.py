"""The server's plan of every shipped statement, held against the statement's own header (B7)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sapwood.graph import GraphWriter
from sapwood.graph.queries import under_lock

from .test_statements import STATEMENTS, by_key, samples
from .trees import Grove, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neo4j import AsyncTransaction

    from sapwood import Graph
    from sapwood.graph.queries import Statement
    from tests.conftest import RunCypher

COSTLY = re.compile(r"\w*Scan|CartesianProduct|Eager|Sort|\w*HashJoin")
"""What grows with all that there is, or holds all of it at once: a header names it and says why."""
SEEK = re.compile(r"\w*Seek(ByRange)?")
ONE_PROJECT = re.compile(r"\(project_id[,)].* WHERE project_id = \$project_id\b")
"""An index that begins with the project, asked for one of them alone."""
LOCKED = [
    statement
    for statement in STATEMENTS
    if "applied" in statement.parameters and statement.about["mode"] == "read"
]
OF_THE_DATABASE = re.compile(r":SchemaVersion\(product\)")


@pytest.fixture(scope="module")
async def populated(graph: Graph, run_cypher: RunCypher) -> Graph:
    """A database of several trees of some size, which the planner knows of.

    Of an empty one it makes other plans; Neo4j makes them anew as soon as there is more.
    """
    writer = GraphWriter(graph)
    for _ in range(3):
        grove = Grove(writer, f"plans.{uuid4().hex[:16]}")
        await writer.create_watermark(grove.project_id, "first")
        rows = [row("n0000")]
        for at in range(1, 1000):
            status = ("alive", "failed")[at % 2]
            rows.append(row(f"n{at:04}", rows[(at - 1) // 3], status=status))
        await grove.plant(rows)
    await run_cypher("CALL db.prepareForReplanning(60)")
    return graph


async def plan_of(statement: Statement, graph: Graph) -> list[tuple[str, str]]:
    """Return name and details of each operator of the statement's plan."""
    async with graph.writing() as transaction:
        inner: AsyncTransaction = transaction._inner
        result = await inner.run(
            "CYPHER replan=force EXPLAIN " + statement.text, samples(statement)
        )
        plan = (await result.consume()).plan
    assert plan is not None
    return list(operators(plan))


def operators(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield re.split(r"[@(]", plan["operatorType"])[0], str(plan.get("args", {}).get("Details"))
    for child in plan.get("children", []):
        yield from operators(child)


def explained(statement: Statement) -> tuple[set[str], str]:
    """Return the operators that a header names, and why they are there: `plan: A, B, because`."""
    found = re.fullmatch(r"((?:[A-Z]\w+, )*)(.*)", statement.about.get("plan", ""))
    assert found is not None
    return set(found[1].split(", ")) - {""}, found[2]


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
async def test_a_plan_has_no_costly_operator_that_the_header_does_not_explain(
    statement: Statement, populated: Graph
) -> None:
    names = {name for name, _ in await plan_of(statement, populated)}
    costly = {name for name in names if COSTLY.fullmatch(name)}
    named, why = explained(statement)
    assert "AllNodesScan" not in costly
    assert costly <= named, f"write into the header why: plan: {', '.join(sorted(costly))}, …"
    assert named <= names, "the header names an operator that the plan has not"
    assert bool(why) == bool(named), "an operator without a reason, or a reason without one"


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
async def test_a_plan_looks_into_an_index_for_one_project_alone(
    statement: Statement, populated: Graph
) -> None:
    for name, details in await plan_of(statement, populated):
        if SEEK.fullmatch(name):
            assert ONE_PROJECT.search(details) or OF_THE_DATABASE.search(details), details


@pytest.mark.parametrize("statement", LOCKED, ids=by_key)
async def test_reading_under_the_lock_costs_no_more_than_one_row_held_back(
    statement: Statement, populated: Graph
) -> None:
    """The lock is taken for the one row of the watermark, which `Eager` holds; nothing else."""
    alone = {name for name, _ in await plan_of(statement, populated)}
    locked = replace(statement, text=under_lock(statement.key))
    together = {name for name, _ in await plan_of(locked, populated)}
    assert {name for name in together - alone if COSTLY.fullmatch(name)} <= {"Eager"}
