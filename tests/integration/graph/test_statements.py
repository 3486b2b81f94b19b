"""Every shipped statement, held against its own header on the real server (B7)."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from sapwood.graph.queries import Statement, parse, under_lock

from .trees import row

if TYPE_CHECKING:
    from neo4j import AsyncTransaction

    from sapwood import Graph
    from tests.conftest import RunCypher

    from .trees import Grove

FOLDERS = (
    "browser",
    "frontier",
    "lineage",
    "node",
    "overview",
    "project",
    "prune",
    "schema",
    "verify",
)
STATEMENTS = [
    parse(f"{folder}.{path.name.removesuffix('.cypher')}", path.read_text())
    for folder in FOLDERS
    for path in sorted((files("sapwood.cypher") / folder).iterdir(), key=lambda path: path.name)
    if path.name.endswith(".cypher")
]
LOCKED = [
    statement
    for statement in STATEMENTS
    if "applied" in statement.parameters and statement.about["mode"] == "read"
]
TO_NAME = {"AllNodesScan", "CartesianProduct", "Eager", "NodeByLabelScan"}
"""Operators that a header must name with a reason; the first is refused all the same."""
SAMPLES: dict[str, Any] = {"boolean": True, "integer": 1, "list": [], "text": "x"}
"""A value of each type that a header may give a parameter."""


def by_key(statement: Statement) -> str:
    return statement.key


def operators(plan: dict[str, Any]) -> set[str]:
    names = {str(plan["operatorType"]).partition("@")[0].partition("(")[0]}
    return names.union(*(operators(child) for child in plan.get("children", [])))


async def explain(transaction: AsyncTransaction, statement: Statement) -> dict[str, Any]:
    parameters = {
        name: SAMPLES[re.split(r"\W", about)[0]] for name, about in statement.parameters.items()
    }
    result = await transaction.run("EXPLAIN " + statement.text, parameters)
    plan = (await result.consume()).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
async def test_a_plan_has_no_costly_operator_that_the_header_does_not_explain(
    statement: Statement, graph: Graph
) -> None:
    async with graph.writing() as transaction:
        plan = await explain(transaction._inner, statement)
    costly = operators(plan) & TO_NAME
    named = {word.strip() for word in statement.about.get("plan", "").split(",")}
    assert "AllNodesScan" not in costly
    assert costly <= named, f"write into the header why: plan: {', '.join(sorted(costly))}, …"
    assert named & TO_NAME <= costly, "the header names an operator that the plan has not"


@pytest.mark.parametrize("statement", LOCKED, ids=by_key)
async def test_reading_under_the_lock_costs_no_more_than_one_row_held_back(
    statement: Statement, graph: Graph
) -> None:
    """The lock is taken for the one row of the watermark, which `Eager` holds; nothing else."""
    plain = {"parameters": statement.parameters, "about": statement.about}
    locked = Statement(statement.key, "", **plain, text=under_lock(statement.key))
    async with graph.writing() as transaction:
        alone = operators(await explain(transaction._inner, statement)) & TO_NAME
        together = operators(await explain(transaction._inner, locked)) & TO_NAME
    assert together - alone <= {"Eager"}


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
def test_a_header_names_the_parameters_that_the_text_uses(statement: Statement) -> None:
    used = set(re.findall(r"\$(\w+)", statement.text))
    assert set(statement.parameters) == used


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
def test_a_header_says_how_a_statement_is_used(statement: Statement) -> None:
    assert statement.about["mode"] in {"read", "write", "schema"}
    assert statement.about["repeatable"].partition(";")[0] in {"yes", "no"}
    assert statement.about.keys() <= {"row", "nothing", "mode", "repeatable", "plan", "note"}


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
def test_a_statement_stands_alone_in_its_file(statement: Statement) -> None:
    assert ";" not in statement.text
    assert "//" not in statement.text


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
def test_a_statement_that_touches_data_names_the_project_at_each_label(
    statement: Statement,
) -> None:
    """F3: projects are apart by nothing but this property."""
    if statement.key.startswith(("overview.", "schema.")):  # of the whole database, no nodes
        return
    assert "$project_id" in statement.text
    for name, rest in re.findall(
        r"\((\w*):(?:Node|Watermark)\b(?::\$\([\w\[\]]+\))?([^)]*)", statement.text
    ):
        within = "project_id: $project_id" in rest
        assert within or (name and f"{name}.project_id = $project_id" in statement.text), name


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
def test_only_what_says_so_writes(statement: Statement) -> None:
    writes = re.search(r"\b(CREATE|MERGE|SET|REMOVE|DELETE)\b", statement.text) is not None
    assert writes == (statement.about["mode"] != "read")


def test_statements_that_give_columns_all_give_them_alike() -> None:
    blocks = {
        statement.text[statement.text.index("WITH collect(n) AS found") :]
        for statement in STATEMENTS
        if "fields" in statement.parameters
    }
    assert len(blocks) == 1


@pytest.mark.parametrize(
    ("key", "edges"),
    [
        ("browser.tree", {"root>a", "root>b", "a>c", "c>d"}),
        ("browser.frontier", {"root>a", "a>c", "c>d"}),
        ("browser.lineage", {"root>a", "a>c", "c>d"}),
    ],
)
async def test_what_people_look_at_has_the_edges_to_draw(
    key: str, edges: set[str], grove: Grove, run_cypher: RunCypher
) -> None:
    root = row("root")
    a, b = row("a", root), row("b", root, status="failed")
    c = row("c", a, status="complete")
    await grove.plant([root, a, b, c, row("d", c, score=0.5)])
    text = next(each.text for each in STATEMENTS if each.key == key)
    returned = text.rindex("RETURN")
    drawn = await run_cypher(
        text[:returned] + "RETURN startNode(edge).id + '>' + endNode(edge).id AS drawn",
        project_id=grove.project_id,
        node_id="c",
    )
    assert {found["drawn"] for found in drawn} - {None} == edges
