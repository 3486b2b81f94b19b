"""Every fault that the tests draw a few of, one after the other; and a report.

    python -m tests.faults.torture [--servers torture] [--every 1] [--report FILE]

Faults: a cut, a hang, a lost reply at each message, both ways, to both servers; a cancellation at
each await of the caller; an error, a hang, a kill at each visit of each failpoint; a kill of each
server under load. What is stored after each is held against what the memory says.
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

from sapwood import Database, Graph
from sapwood.servers import EmbeddedServers, default_data_dir

from . import mutating
from .conftest import write_servers
from .rounds import Rounds
from .scenario import expected
from .table import Table

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

NOISY: Final = ("neo4j", "sapwood", "asyncio")
"""Loggers that tell each fault; here there is nothing but faults."""
REPORT: Final = """# A fault at every step

Written by `{command}`, which took {minutes:.0f} minutes on {cores} cores: a short search that
saves, scores, prunes and flushes is disturbed at one place, goes on as an orchestrator would, and
what is stored then is held, item by item, against what the adapter in memory holds.
{share}

*Lost* is an item that is not stored as it has to be, *doubled* one that is there and should not be,
a *silent divergence* a run with either after which `verify()` finds nothing. Seconds are those of
the search with its recovery; a hang is noticed by a timeout of 1 s, a killed Neo4j takes its start.

{table}

{wrong}

{mutants}

What the faults are, and where: `tests/faults` (`sweep`, `cancelling`, `breaking`, `killing`).
"""


async def prepare(servers: Endpoints) -> tuple[Database, Graph]:
    """Open both stores and make their schemas."""
    db = Database(servers.database_url)
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))
    await db.create_tables()
    await graph.create_schema()
    return db, graph


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
            await rounds.messages(options.every)
            await rounds.awaits(options.every)
            await rounds.failpoints(options.every)
            await rounds.kills()
            mutants, uncaught = await mutating.report(Path(folder), file)
            table.wrong += uncaught
    finally:
        await graph.close()
        await db.close()
        embedded.down()
    report = _report(options, table, (monotonic() - began) / 60, mutants)
    print(report)
    if options.report:
        options.report.write_text(report)
    return 1 if table.wrong else 0


def _report(options: argparse.Namespace, table: Table, minutes: float, mutants: str) -> str:
    every, share = options.every, "Every place is disturbed."
    if every > 1:
        share = f"Of messages, awaits and visits, one in {every} is disturbed (`--every {every}`)."
    wrong = "\n".join(f"- {line}" for line in table.wrong)
    return REPORT.format(
        command=f"make torture TORTURE='--every {every}'" if every > 1 else "make torture",
        minutes=minutes,
        cores=os.cpu_count(),
        share=share,
        table=table.text(),
        mutants=mutants,
        wrong=wrong or "No run ended by an error or after its time.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--servers", default="torture", help="data folder of its own servers")
    parser.add_argument("--every", type=int, default=1, help="every n-th place only")
    parser.add_argument("--report", type=Path, help="write the report here")
    sys.exit(asyncio.run(main(parser.parse_args())))
