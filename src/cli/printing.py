"""How commands speak: data on stdout, words and progress on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pydantic import BaseModel

UNHEALTHY = 3
"""Exit code of a command that found something not to be as it should."""


def echo_json(document: BaseModel) -> None:
    """Print one JSON document."""
    typer.echo(document.model_dump_json(indent=2))


def echo_rows(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on a terminal; else a line a row, its values parted by tabs."""
    texts = [[_plain(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            typer.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings)
    for row in texts:
        table.add_row(*(Text(value, overflow="fold") for value in row))
    Console().print(table)


def echo_words(words: str) -> None:
    """Say something to a person."""
    typer.echo(words, err=True)


def ask(question: str, *, yes: bool) -> None:
    """Go on if it is answered with yes, or was beforehand."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to ask at, give --yes", param_hint="--yes")
    if not typer.confirm(question, err=True):
        echo_words("Nothing was changed.")
        raise typer.Exit(1)


def _plain(value: object) -> str:
    """One line of printable text: what a server said may hold anything."""
    if value is None:
        return "-"
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    return "".join(sign if sign.isprintable() else " " for sign in text)


@contextmanager
def progress_bar(title: str) -> Generator[Callable[[int, int], None]]:
    """Show a bar on stderr, on a terminal only; call what is given with done and total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
