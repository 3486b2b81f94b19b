"""`sapwood verify` and `sapwood rebuild`: a project's graph, held against its journal."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, DataDir  # noqa: TC001 - typer reads the annotations
from .printing import UNHEALTHY, echo_json, echo_rows, echo_words

if TYPE_CHECKING:
    from .verify_report import VerifyReport

ProjectId = Annotated[str, typer.Argument(metavar="PROJECT", help="Name of the project.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(verify)
    app.command()(rebuild)


def verify(project_id: ProjectId, data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Hold a project's graph against its journal, node by node.

    The graph catches up first, as for any read. Ends with 3 if something differs.
    """
    from .connecting import start_endpoints
    from .looking_after import verify_project

    endpoints = start_endpoints(data_dir)
    _conclude(asyncio.run(verify_project(endpoints, project_id)), as_json=as_json)


def rebuild(
    project_id: ProjectId,
    data_dir: DataDir = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a project's graph, make it again from the journal, and verify it.

    PostgreSQL stays as it is, and whoever writes to the project goes on; reads of it wait
    meanwhile. Ends with 3 if the graph still differs.
    """
    if not yes:
        _ask(project_id)
    from .connecting import start_endpoints
    from .looking_after import rebuild_project

    endpoints = start_endpoints(data_dir)
    _conclude(asyncio.run(rebuild_project(endpoints, project_id)), as_json=as_json)


def _ask(project_id: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to ask at, give --yes", param_hint="--yes")
    question = f"Delete the graph of project {project_id} and make it again from the journal?"
    if not typer.confirm(question, err=True):
        echo_words("Nothing was changed.")
        raise typer.Exit(1)


def _conclude(report: VerifyReport, *, as_json: bool) -> None:
    if as_json:
        echo_json(report)
    else:
        echo_rows(("What", "Found"), report.rows())
    echo_words(report.words())
    if not report.ok:
        raise typer.Exit(UNHEALTHY)
