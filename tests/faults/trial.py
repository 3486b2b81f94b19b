"""Cases in a process of their own, of whichever copy of the package is imported first.

    python -m tests.faults.trial SERVERS_FILE FOLDER CASE…

Prints one JSON document: by case what it found, nothing if all is as it has to be. FOLDER is where
the package has to come from: a trial of another copy than the one that was changed says nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sapwood
from sapwood import SapwoodError
from sapwood.failpoints import FailpointError

from . import graph_cases, writer_cases
from .bench import Bench

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Case = Callable[[Bench], Awaitable[str]]

LONGEST_S: Final = 30.0
CASES: Final[dict[str, Case]] = {
    name: case
    for module in (writer_cases, graph_cases)
    for name, case in vars(module).items()
    if name.startswith(("a_", "an_", "two_", "entries_"))
}
"""What goes wrong, by the name of it."""


async def _try(bench: Bench, case: Case) -> str:
    """Return what a case found: a word, or the error or the silence that it ended with."""
    try:
        async with asyncio.timeout(LONGEST_S), bench.project():
            return await case(bench)
    except TimeoutError:
        return "never ends"
    except SapwoodError as exc:
        if type(exc) is SapwoodError and not isinstance(exc.__cause__, FailpointError):
            raise  # a slip of the program, such as a wrong name, is nothing that was caught
        return f"{type(exc).__name__}"


async def main(given: dict[str, str], *names: str) -> dict[str, str]:
    for name in ("neo4j", "sapwood", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    async with Bench.open(given) as bench:
        return {name: await _try(bench, CASES[name]) for name in names or CASES}


if __name__ == "__main__":
    servers_file, folder, *cases = sys.argv[1:]
    place = Path(sapwood.__file__).resolve().parent
    assert place == Path(folder).resolve(), f"{place} was imported"
    print(json.dumps(asyncio.run(main(json.loads(Path(servers_file).read_text()), *cases))))
