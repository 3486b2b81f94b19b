"""Imports point one way, so that the architecture can be read from the folders."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sapwood

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(SOURCE.rglob("*.py"))

MAY_NAME = {
    "neo4j": {"graph"},
    "sqlalchemy": {"relational"},
    "alembic": {"relational"},
    "asyncpg": {"relational", "servers"},
    "typer": {"cli"},
    "treequest": {"integrations"},
    "pytest": {"testing"},
    "hypothesis": {"testing"},
}
NEVER = {
    "graph": {"relational", "servers", "cli", "adapter", "session", "delivery", "flushing"},
    "relational": {"graph", "servers", "cli", "adapter", "session", "delivery", "flushing"},
    "servers": {"graph", "relational", "cli", "adapter", "session", "delivery", "flushing"},
    "testing": {"servers", "cli", "adapter", "session", "delivery", "flushing"},
    "replica": {"graph", "relational", "servers", "cli", "adapter", "session", "testing"},
    "model": {"graph", "relational", "servers", "cli", "adapter", "batch", "journal"},
    "errors": {"graph", "relational", "servers", "cli", "adapter", "batch", "journal"},
}


def room(path: Path) -> str:
    """The folder of a module in `src`, or its own name if it stands at the top."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[tuple[str, bool]]:
    """What a module imports: first name of it, and whether it is of this package."""
    names: set[tuple[str, bool]] = set()
    depth = len(path.relative_to(SOURCE).parts)
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.Import):
            names |= {(alias.name.split(".")[0], False) for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            module = (statement.module or "").split(".")[0]
            if statement.level == 0:
                names.add((module, False))
            elif statement.level == depth:
                names |= {(module, True)} if module else {(a.name, True) for a in statement.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    for name, own in imported(path):
        if own:
            assert name not in NEVER.get(room(path), set()), f"{room(path)} imports {name}"
        else:
            assert name not in {"src", "cypher"}, "the package is called sapwood"
            assert name not in MAY_NAME or room(path) in MAY_NAME[name], f"{name} is not for here"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_has_at_most_300_lines_of_code(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= 300, "look for the second noun in it"


def test_every_public_name_can_be_imported() -> None:
    for name in sapwood.__all__:
        assert getattr(sapwood, name) is not None


def test_the_memory_adapter_needs_no_test_tool_and_talks_to_no_server() -> None:
    tools = {"pytest", "hypothesis", "psutil", "requests"}
    code = f"import sys, sapwood.testing; print(sorted(set(sys.modules) & {tools!r}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


HEAVY = {"alembic", "asyncpg", "neo4j", "numpy", "orjson", "pydantic", "sqlalchemy", "zstandard"}
STARTS = {
    "the package": ("import sapwood", HEAVY | {"asyncio", "importlib.metadata"}),
    "its version": ("import sapwood; sapwood.__version__", HEAVY | {"asyncio"}),
    "a node": ("from sapwood import Node, NodeStatus", HEAVY - {"pydantic"}),
    "an error": ("from sapwood import SapwoodError", HEAVY | {"asyncio"}),
    "the command line": ("from sapwood.cli import app", HEAVY - {"pydantic"}),
}


@pytest.mark.parametrize("start", STARTS)
def test_a_program_imports_no_more_than_it_uses(start: str) -> None:
    """What a program pays before it uses anything."""
    statement, heavy = STARTS[start]
    code = f"import sys; {statement}; print(sorted(set(sys.modules) & {heavy!r}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
