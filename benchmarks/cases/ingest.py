"""Ingest through the adapter, beside the plain driver."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import sources
from harness import Case, Ratio
from writers import through_adapter, through_driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from harness import Bench, Contenders

ABOUT = """
Both sides begin with parents and contents of a tree (fan-out 8, contents of 200 bytes), parents
first, and write the same properties, labels and edges under the same constraints.

- *sapwood*: `Node` objects made inside the clock, each drawing its id, `save_nodes_batch` of 100,
  `flush_at=100`, journal and register in PostgreSQL; the clock stops when the graph has applied the
  journal's head.
- *UNWIND of 2,500* and *UNWIND of 100*: the plain async driver with `neo4j-rust-ext`, a managed
  transaction for each list of maps, `UNWIND … CREATE`, the maps made inside the clock, ids given.
  The parent of each row is looked up, as one writes it; Sapwood looks one up once for all its
  children of a transaction. No journal, nothing is checked.
"""


@asynccontextmanager
async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    source = sources.even(size)
    yield {
        "sapwood": lambda: through_adapter(bench, source),
        "UNWIND of 2,500": lambda: through_driver(bench, source, 2_500),
        "UNWIND of 100": lambda: through_driver(bench, source, 100),
    }


CASES = (
    Case(
        name="ingest",
        title="ingest",
        unit="nodes/s",
        better="more",
        about=ABOUT,
        prepare=prepare,
        quick={50_000: 5},
        full={100_000: 7},
        targets=(
            Ratio(
                over="driver, `UNWIND` of 2,500",
                ours="sapwood",
                peer="UNWIND of 2,500",
                least=0.80,
                aim=0.90,
            ),
            Ratio(
                over="driver, `UNWIND` of 100, a transaction each",
                ours="sapwood",
                peer="UNWIND of 100",
                least=1.2,
            ),
        ),
    ),
)
