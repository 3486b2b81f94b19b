"""The typer application: what all commands share."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import SapwoodError
from . import doctor, projects, quarantine, servers

_INTERRUPTED = 130


class _Group(TyperGroup):
    """Turns our errors into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SapwoodError as exc:
            typer.secho(f"Error: {exc}", fg=typer.colors.RED, err=True)
            raise typer.Exit(1) from None
        except (KeyboardInterrupt, typer.Abort):  # the latter at a question
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(_INTERRUPTED) from None


app = typer.Typer(
    name="sapwood",
    cls=_Group,
    help="Durable storage for search trees.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold passwords
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sapwood {version('sapwood')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and end."
        ),
    ] = False,
) -> None:
    """Durable storage for search trees."""
    # Commands say themselves what went wrong; only waiting for another one has no other voice.
    logging.getLogger("sapwood.servers").addHandler(logging.StreamHandler())


servers.register(app)
projects.register(app)
doctor.register(app)
quarantine.register(app)
