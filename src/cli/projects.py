"""`sapwood verify` and `sapwood rebuild`: a project's graph, held against its journal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from .options import AsJson, DataDir, ProjectId, Yes  # noqa: TC001 - typer reads the annotations
from .printing import UNHEALTHY, ask, echo_json, echo_rows, echo_words

if TYPE_CHECKING:
    from .verify_report import VerifyReport


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
    conclude(asyncio.run(verify_project(endpoints, project_id)), as_json=as_json)


def rebuild(
    project_id: ProjectId,
    data_dir: DataDir = None,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a project's graph, make it again from the journal, and verify it.

    PostgreSQL stays as it is, and whoever writes to the project goes on; reads of it wait
    meanwhile. Ends with 3 if the graph still differs.
    """
    ask(f"Delete the graph of project {project_id} and make it again from the journal?", yes=yes)
    from .connecting import start_endpoints
    from .looking_after import rebuild_project

    endpoints = start_endpoints(data_dir)
    conclude(asyncio.run(rebuild_project(endpoints, project_id)), as_json=as_json)


def conclude(report: VerifyReport, *, as_json: bool) -> None:
    """Print a report; end with 3 if the graph is not what the journal says."""
    if as_json:
        echo_json(report)
    else:
        echo_rows(("What", "Found"), report.rows())
    echo_words(report.words())
    if not report.ok:
        raise typer.Exit(UNHEALTHY)
