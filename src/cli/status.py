"""`sapwood status`: looking at servers and projects, changing nothing."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import typer

from ..errors import SapwoodError, UnavailableError
from .connecting import connected, find_endpoints
from .printing import echo_json, echo_rows, echo_words
from .project_report import ProjectReport, Projects, read_project, read_projects
from .quarantine_report import named
from .server_report import Report, read_report

if TYPE_CHECKING:
    from pathlib import Path

    from ..servers import Endpoints

_HEADINGS = ("Project", "State", "Head", "Applied", "Lag", "Nodes", "Age/s")
_FIELDS = ("project_id", "state", "head", "applied", "lag", "nodes", "age_s")


def servers_status(data_dir: Path | None, *, as_json: bool) -> bool:
    """Print the servers and the projects; return whether both servers answer."""
    report = with_projects(read_report(data_dir), data_dir)
    if as_json:
        echo_json(report)
    else:
        _echo(report)
    return report.healthy and report.projects_problem is None


def project_status(project_id: str, data_dir: Path | None, *, as_json: bool) -> bool:
    """Print one project; return whether it is as it should be.

    Raises:
        NotFoundError: There is no such project.
        UnavailableError: PostgreSQL does not answer.
    """
    report = read_report(data_dir)
    endpoints = find_endpoints(data_dir)
    problem = report.problem_of("postgres")
    if endpoints is None or problem is not None:
        raise UnavailableError("postgresql", f"{problem}; `sapwood status` shows the servers")
    project = asyncio.run(_look_at_one(endpoints, project_id, report.problem_of("neo4j")))
    if as_json:
        echo_json(project)
    else:
        left_out = named(project.quarantine, len(project.quarantine)) or None
        rows = project.model_dump() | {"quarantine": left_out}
        echo_rows(("What", "Found"), list(rows.items()))
    return project.problem is None and project.graph_problem is None


def with_projects(report: Report, data_dir: Path | None) -> Report:
    """Return the report with the projects, as far as the servers that answer know them."""
    problem = report.problem_of("postgres")
    endpoints = None if problem else find_endpoints(data_dir)
    if endpoints is None:
        return report.model_copy(update={"projects_problem": f"PostgreSQL: {problem}"})
    try:
        found = asyncio.run(_look_at_all(endpoints, report.problem_of("neo4j")))
    except SapwoodError as exc:
        return report.model_copy(update={"projects_problem": str(exc)})
    update = {
        "projects": found.lines,
        "leftovers": found.leftovers,
        "graph_problem": found.graph_problem,
    }
    return report.model_copy(update=update)


async def _look_at_all(endpoints: Endpoints, graph_problem: str | None) -> Projects:
    async with connected(endpoints) as stores:
        return await read_projects(stores, graph_problem)


async def _look_at_one(
    endpoints: Endpoints, project_id: str, graph_problem: str | None
) -> ProjectReport:
    async with connected(endpoints) as stores:
        return await read_project(stores, project_id, graph_problem)


def _echo(report: Report) -> None:
    if sys.stdout.isatty():
        from .server_table import print_table

        print_table(report)
    else:
        typer.echo(report.as_lines())
    if report.projects:
        rows = [[getattr(each, name) for name in _FIELDS] for each in report.projects]
        prefix = [] if sys.stdout.isatty() else ["project"]
        echo_rows(_HEADINGS, [prefix + row for row in rows])
    if report.projects_problem is not None:
        echo_words(f"The projects cannot be shown: {report.projects_problem}")
    elif report.graph_problem is not None:
        echo_words(f"How far they are applied is unknown. Neo4j: {report.graph_problem}")
    if any(each.problem for each in report.projects or ()):
        echo_words("Some need care; `sapwood doctor` says which and what to do.")
