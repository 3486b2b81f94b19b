"""What every benchmark begins and ends with: its options, its servers, its way to print times."""

from __future__ import annotations

import argparse
import statistics
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from sapwood import Database, Graph
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.servers import Endpoints


class Stores(NamedTuple):
    """Both stores, with their schemas, and where they are."""

    at: Endpoints
    db: Database
    graph: Graph


@asynccontextmanager
async def open_stores(name: str) -> AsyncGenerator[Stores]:
    """Lend the stores of the embedded servers in a data folder of this name."""
    servers = EmbeddedServers(default_data_dir(name)).up()
    db = Database(servers.database_url)
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))
    try:
        await db.create_tables()
        await graph.create_schema()
        yield Stores(servers, db, graph)
    finally:
        await graph.close()
        await db.close()


def read_options(doc: str | None, **counts: int) -> argparse.Namespace:
    """Read the command line: the counts, with their defaults, and `--servers`."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    for name, default in counts.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--servers", default="bench", help="data folder of the embedded servers")
    return parser.parse_args()


def spread(found: list[float]) -> str:
    """Return the median, the least and the most."""
    digits = 0 if min(found) >= 100 else 1
    low, high = f"{min(found):,.{digits}f}", f"{max(found):,.{digits}f}"
    return f"{statistics.median(found):,.{digits}f} ({low} to {high})"
