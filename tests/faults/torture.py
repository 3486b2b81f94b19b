"""A fault of each kind at each message of the scenario, both ways, to both servers; and a report.

    python -m tests.faults.torture [--servers torture] [--every 1] [--report FILE]

Runs go on beside each other, since most of them wait for a timeout. What is held after each is
compared with the memory; the first difference ends it, with the fault's name.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sapwood import Database, Graph, new_id
from sapwood.servers import EmbeddedServers, default_data_dir

from .interceptor import KINDS, Fault
from .scenario import expected
from .sweep import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sapwood.servers import Endpoints

    from .interceptor import Direction, Kind
    from .sweep import Server

AT_ONCE: Final = 6


class Case(NamedTuple):
    """A fault, and before which server."""

    server: Server
    fault: Fault


class Group(NamedTuple):
    """Faults of one kind before one server, in one direction."""

    server: Server
    direction: Direction
    kind: Kind


class Torture:
    """Goes through the cases, and keeps what came of them."""

    def __init__(self, servers: Endpoints, clean: tuple[Database, Graph]) -> None:
        self._servers = servers
        self._clean = clean
        self.seconds: dict[Group, list[float]] = defaultdict(list)
        self.wrong: list[Case] = []

    async def cases(self, every: int) -> list[Case]:
        """Return a case for each kind and each `every`-th message of an undisturbed run."""
        plain = await run(self._servers, self._clean, new_id(), {})
        return [
            Case(server, Fault(direction, at, kind))
            for kind in KINDS
            for (server, direction), count in plain.seen.items()
            for at in range(1, count + 1, every)
        ]

    async def go_through(self, cases: Iterable[Case], bars: Progress) -> None:
        """Run each case; stop at the first that loses or doubles something."""
        oracle = await expected()
        todo = list(cases)
        bar = bars.add_task("faults", total=len(todo))
        waiting = iter(todo)

        async def work() -> None:
            for case in waiting:
                await self._try(case, oracle)
                bars.advance(bar)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())

    async def _try(self, case: Case, oracle: dict[str, Any]) -> None:
        found = await run(self._servers, self._clean, new_id(), {case.server: case.fault})
        if found.held != oracle:
            self.wrong.append(case)
        if found.happened:
            group = Group(case.server, case.fault.direction, case.fault.kind)
            self.seconds[group].append(found.seconds)

    def report(self) -> str:
        """Return a table: faults that took place, lost or doubled, seconds of the search."""
        lines = [
            "| server | messages | fault | faults | lost or doubled | seconds, median (longest) |",
            "|---|---|---|---|---|---|",
        ]
        for group, seconds in sorted(self.seconds.items()):
            wrong = sum(
                (case.server, case.fault.direction, case.fault.kind) == group for case in self.wrong
            )
            middle, longest = statistics.median(seconds), max(seconds)
            lines.append(
                f"| {group.server} | {group.direction} | {group.kind} | {len(seconds)} | {wrong} |"
                f" {middle:.1f} ({longest:.1f}) |"
            )
        return "\n".join(lines)


async def main(options: argparse.Namespace) -> int:
    """Torture, and report."""
    servers = EmbeddedServers(default_data_dir(options.servers)).up()
    db = Database(servers.database_url)
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        await db.create_tables()
        await graph.create_schema()
        torture = Torture(servers, (db, graph))
        cases = await torture.cases(options.every)
        with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
            await torture.go_through(cases, bars)
    finally:
        await graph.close()
        await db.close()
    print(torture.report())
    if options.report:
        options.report.write_text(torture.report() + "\n")
    for case in torture.wrong:
        print(f"wrong: {case}", file=sys.stderr)
    return 1 if torture.wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--servers", default="torture", help="data folder of its own servers")
    parser.add_argument("--every", type=int, default=1, help="every n-th message only")
    parser.add_argument("--report", type=Path, help="write the table here")
    sys.exit(asyncio.run(main(parser.parse_args())))
