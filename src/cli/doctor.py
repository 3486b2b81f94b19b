"""`sapwood doctor`: what usually goes wrong, looked at one by one."""

from __future__ import annotations

import typer

from .options import AsJson, DataDir  # noqa: TC001 - typer reads the annotations
from .printing import UNHEALTHY, echo_json, echo_rows, echo_words


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(doctor)


def doctor(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Check settings, servers, schemas, clocks, disk and projects, and say what to do.

    Looks only: starts, makes and applies nothing. Ends with 3 if there is a problem; a warning is
    none.
    """
    from .diagnosis import diagnose

    diagnosis = diagnose(data_dir)
    if as_json:
        echo_json(diagnosis)
    else:
        rows = [(each.name, each.state, each.found, each.todo or "") for each in diagnosis.checks]
        echo_rows(("Check", "State", "Found", "What to do"), rows)
        echo_words("All is well." if diagnosis.healthy else "There are problems.")
    if not diagnosis.healthy:
        raise typer.Exit(UNHEALTHY)
