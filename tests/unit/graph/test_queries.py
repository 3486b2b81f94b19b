"""The loader of statements, and files against calls."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from sapwood.graph.queries import parse, statement

SOURCE = Path(__file__).parents[3] / "src" / "graph"
FILES = {
    f"{folder.name}.{path.name.removesuffix('.cypher')}"
    for folder in files("sapwood.cypher").iterdir()
    if folder.is_dir()
    for path in folder.iterdir()
    if path.name.endswith(".cypher")
}
CALLED = {
    key
    for path in SOURCE.glob("*.py")
    for key in re.findall(
        r'"((?:frontier|lineage|node|overview|project|prune|schema|verify)\.\w+)"', path.read_text()
    )
}

HEADER = """// node.sample: what it is for,
//   in two lines
// $project_id: text
// $limit: integer, nodes
// row: id, text
// nothing: no row
// mode: read
// repeatable: yes
"""


def test_a_header_is_parted_from_its_statement() -> None:
    sample = parse("node.sample", HEADER + "\nMATCH (n)\nRETURN n.id AS id\n")
    assert sample.purpose == "what it is for, in two lines"
    assert sample.parameters == {"project_id": "text", "limit": "integer, nodes"}
    assert sample.about["nothing"] == "no row"
    assert sample.text == "MATCH (n)\nRETURN n.id AS id"


@pytest.mark.parametrize("line", HEADER.splitlines()[4:])
def test_an_incomplete_header_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"node\.sample"):
        parse("node.sample", HEADER.replace(line + "\n", "") + "\nRETURN 1")


def test_a_header_names_its_own_file() -> None:
    with pytest.raises(ValueError, match=r"node\.other"):
        parse("node.other", HEADER + "\nRETURN 1")


def test_a_statement_is_read_once() -> None:
    assert statement("node.nodes") is statement("node.nodes")


@pytest.mark.parametrize("key", sorted(CALLED))
def test_what_is_called_is_there(key: str) -> None:
    assert statement(key).key == key


def test_what_is_there_is_called_or_for_people() -> None:
    assert {key for key in FILES if not key.startswith("browser.")} == CALLED
