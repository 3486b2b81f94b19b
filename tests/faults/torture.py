"""Every fault that the tests draw a few of, one after the other; and a report.

    python -m tests.faults.torture [--servers torture] [--only KINDS] [--every 1] [--report FILE]

Kinds: `messages`, a cut, a hang, a lost reply at each, both ways, to both servers; `awaits`, a
cancellation at each of the caller; `failpoints`, an error, a hang, a kill at each visit of each;
`kills` of each server under load; `disk`, full under load; `memory`, little for a transaction of
Neo4j; `outages` of a minute; `histories`, clients under many of these, all that they did recorded;
`mutants`, the program with a rule left out, which has to be seen. What is stored after each is held
against what has to be.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sapwood.servers import EmbeddedServers, default_data_dir
from tests.histories import runner as histories

from . import mutating, resource_rounds
from .conftest import prepare, write_servers
from .rounds import Rounds
from .scenario import expected
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HISTORY_S: Final = 240.0
HISTORY: Final = """## A recorded history

Clients under such faults, every call held against an oracle
([what is checked](guarantees.md#recorded-histories))."""
NOISY: Final = ("neo4j", "sapwood", "asyncio")
"""Loggers that tell each fault; here there is nothing but faults."""


async def record(rounds: Rounds) -> None:
    """Let many clients work under faults for minutes, and hold what they saw against an oracle."""
    with tempfile.TemporaryDirectory() as folder:
        found = await histories.run(
            rounds.servers, Path(folder), seconds=HISTORY_S, seed=1, to_kill=rounds.embedded
        )
    rounds.table.wrong += found.wrong
    rounds.table.say(f"{HISTORY}\n\n{found.text()}")


async def mutate(rounds: Rounds) -> None:
    """Leave rules out of the program, one at a time; a fault has to show each."""
    with tempfile.TemporaryDirectory() as folder:
        said, wrong = await mutating.report(Path(folder), rounds.servers_file)
    rounds.table.wrong += wrong
    rounds.table.say(said)


KINDS: Final[dict[str, Callable[[Rounds, int], Awaitable[None]]]] = {
    "messages": lambda rounds, every: rounds.messages(every),
    "awaits": lambda rounds, every: rounds.awaits(every),
    "failpoints": lambda rounds, every: rounds.failpoints(every),
    "kills": lambda rounds, _: rounds.kills(),
    "disk": lambda rounds, _: resource_rounds.disk(rounds),
    "memory": lambda rounds, _: resource_rounds.memory(rounds),
    "outages": lambda rounds, _: resource_rounds.away(rounds),
    "mutants": lambda rounds, _: mutate(rounds),
    "histories": lambda rounds, _: record(rounds),
}
"""A round each, by the name that `--only` knows."""
REPORT: Final = """# A fault at every step

Written by `{command}`, which took {minutes:.0f} minutes on {cores} cores: a short search that
saves, scores, prunes and flushes is disturbed at one place, goes on as an orchestrator would, and
what is stored then is held, item by item, against what the adapter in memory holds. Where a server
is killed, away or full, searches under load are disturbed, and held against what they were told of.
{share}

*Lost* is an item that is not stored as it has to be, *doubled* one that is there and should not be,
a *silent divergence* a run with either after which `verify()` finds nothing. Seconds are those of
the search with its recovery; a hang is noticed by a timeout of 1 s, a killed Neo4j takes its start.
Those of a full disk and of an outage are from its end until all is in the graph.

{table}

{wrong}

{said}

What the faults are, and where: `tests/faults` (`sweep`, `cancelling`, `breaking`, `killing`,
`filling`, `limits`, `outages`, `mutants`), `tests/histories`.
"""


async def main(options: argparse.Namespace) -> int:
    """Go through all faults, and report."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    began, table = monotonic(), Table()
    embedded = EmbeddedServers(default_data_dir(options.servers), class_cache=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    db, graph = await prepare(servers := embedded.up())
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars,
        ):
            file = write_servers(servers, Path(folder))
            oracle = await expected()
            rounds = Rounds(embedded, servers, (db, graph), file, oracle, table, bars)
            for kind in options.only:
                await KINDS[kind](rounds, options.every)
    finally:
        await graph.close()
        await db.close()
        embedded.down()
    report = _report(options, table, (monotonic() - began) / 60)
    print(report)
    if options.report:
        options.report.write_text(report)
    return 1 if table.wrong else 0


def _report(options: argparse.Namespace, table: Table, minutes: float) -> str:
    every, share = options.every, "Every place is disturbed."
    if every > 1:
        share = f"Of messages, awaits and visits, one in {every} is disturbed (`--every {every}`)."
    if len(options.only) < len(KINDS):
        share += f" Only these kinds were run: {', '.join(options.only)}."
    wrong = "\n".join(f"- {line}" for line in table.wrong)
    return REPORT.format(
        command=_command(options),
        minutes=minutes,
        cores=os.cpu_count(),
        share=share,
        table=table.text(),
        said="\n\n".join(table.said),
        wrong=wrong or "No run ended by an error or after its time.",
    )


def _command(options: argparse.Namespace) -> str:
    given = [f"--only {','.join(options.only)}"] if len(options.only) < len(KINDS) else []
    given += [f"--every {options.every}"] if options.every > 1 else []
    return f"make torture TORTURE='{' '.join(given)}'" if given else "make torture"


def _kinds(given: str) -> list[str]:
    chosen = given.split(",")
    if not set(chosen) <= KINDS.keys():
        raise argparse.ArgumentTypeError(f"kinds are {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in chosen]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--servers", default="torture", help="data folder of its own servers")
    parser.add_argument("--only", type=_kinds, default=list(KINDS), help="these kinds, by commas")
    parser.add_argument("--every", type=int, default=1, help="every n-th place only")
    parser.add_argument("--report", type=Path, help="write the report here")
    sys.exit(asyncio.run(main(parser.parse_args())))
