"""What a person sees while the servers are fetched and started: on stderr, and only if asked."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Progress:
    """Progress on stderr; silent if `shown` is false or stderr is no terminal."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    @contextlib.contextmanager
    def download(self) -> Generator[Callable[[int, int], None]]:
        """Show a bar for the time of the block, from the first report on."""
        if not self._shown or find_spec("rich") is None:
            yield lambda _done, _total: None
            return
        with _bar() as report:
            yield report


@contextlib.contextmanager
def _bar() -> Generator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Fetching Neo4j", total=None, visible=False)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield report
