"""`sapwood doctor`: what usually goes wrong, looked at one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, DataDir  # noqa: TC001 - typer reads the annotations
from .printing import UNHEALTHY, echo_json, echo_rows, echo_words

if TYPE_CHECKING:
    from pathlib import Path


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(doctor)


def doctor(
    data_dir: DataDir = None,
    *,
    bisect: Annotated[
        str | None,
        typer.Option(
            metavar="PROJECT",
            help="Find what Neo4j refuses of this project's next entry; check nothing else.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check settings, servers, schemas, clocks, disk and projects, and say what to do.

    Looks only: starts, makes and applies nothing. Ends with 3 if there is a problem; a warning is
    none.
    """
    healthy = (
        _diagnose(data_dir, as_json=as_json)
        if bisect is None
        else _bisect(bisect, data_dir, as_json=as_json)
    )
    if not healthy:
        raise typer.Exit(UNHEALTHY)


def _diagnose(data_dir: Path | None, *, as_json: bool) -> bool:
    from .diagnosis import diagnose

    diagnosis = diagnose(data_dir)
    if as_json:
        echo_json(diagnosis)
    else:
        rows = [(each.name, each.state, each.found, each.todo or "") for each in diagnosis.checks]
        echo_rows(("Check", "State", "Found", "What to do"), rows)
        echo_words("All is well." if diagnosis.healthy else "There are problems.")
    return diagnosis.healthy


def _bisect(project_id: str, data_dir: Path | None, *, as_json: bool) -> bool:
    from .connecting import require_endpoints
    from .poison_report import bisect_project

    report = asyncio.run(bisect_project(require_endpoints(data_dir), project_id))
    if as_json:
        echo_json(report)
    else:
        rows = [
            (report.seq, each.node_id, each.what, each.refusal, each.below, each.todo)
            for each in report.refused
        ]
        echo_rows(("Position", "Node", "What", "Neo4j says", "Below it", "What to do"), rows)
    echo_words(report.words())
    return report.ok
