"""Every shipped statement, held against its own header (B7); its plan: see `test_plans`."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from sapwood.graph.queries import Statement, parse

from .trees import row

if TYPE_CHECKING:
    from tests.conftest import RunCypher

    from .trees import Grove

ROOT = files("sapwood.cypher")
STATEMENTS = [
    parse(f"{folder.name}.{path.name.removesuffix('.cypher')}", path.read_text(encoding="utf-8"))
    for folder in sorted(ROOT.iterdir(), key=lambda path: path.name)
    if folder.is_dir()
    for path in sorted(folder.iterdir(), key=lambda path: path.name)
    if path.name.endswith(".cypher")
]


def by_key(statement: Statement) -> str:
    return statement.key


SAMPLES: dict[str, Any] = {"boolean": True, "integer": 1, "list": [], "text": "x"}
"""A value of each type that a header may give a parameter."""


def samples(statement: Statement) -> dict[str, Any]:
    """Return a value for each parameter."""
    return {
        name: SAMPLES[re.split(r"\W", about)[0]] for name, about in statement.parameters.items()
    }


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
def test_a_statement_that_touches_data_names_the_project_at_each_label_it_begins_at(
    statement: Statement,
) -> None:
    """F3: projects are apart by nothing but this property; no edge leaves its project."""
    if statement.key.startswith(("overview.", "schema.")):  # of the whole database, no nodes
        return
    assert "$project_id" in statement.text
    label = r"\((\w*):(?:Node|Watermark)\b(?::\$\([\w\[\]]+\))?([^)]*)"
    begun = False
    for found in re.finditer(label, statement.text):
        name, rest = found.groups()
        within = "project_id: $project_id" in rest
        named = name and f"{name}.project_id = $project_id" in statement.text
        walked_to = re.search(r"(\)\*|\]->)\s*$", statement.text[: found.start()])
        assert within or named or (begun and walked_to), name
        begun = True


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
