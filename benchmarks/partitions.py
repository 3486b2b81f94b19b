"""What partitions cost a flush, a look-up and a deletion, beside tables without; PostgreSQL alone.

    python benchmarks/partitions.py [--nodes 3000] [--rounds 5] [--servers bench]

Each kind of tables is in a database of its own. A round stores new nodes of 200 bytes, 100 a
commit, then two scores each, reads them from the cache, and deletes the project. Kinds take turns;
of the commits of all rounds the medians are printed. `generic` has `plan_cache_mode =
force_generic_plan`, which an administrator may set for a database.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import asyncpg
from bench import read_options

from sapwood import Database, Node, Principle, PrincipleScore, Rubric, new_id
from sapwood.batch import Batch
from sapwood.drafts import draft_node, draft_scores
from sapwood.relational import (
    Journal,
    PrincipleScoreRepository,
    ProjectRepository,
    RubricRepository,
)
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

GENERIC = "plan_cache_mode = force_generic_plan"
PER_COMMIT = 100
JUDGE = "judge@1"
WARM_UP = 8
"""Commits of a round that are not counted: PostgreSQL plans the first ones anew."""


class Kind(NamedTuple):
    """Partitions, and a setting of the database."""

    partitions: int | None
    setting: str | None = None


KINDS = {
    "none": Kind(None),
    "16": Kind(16),
    "64": Kind(64),
    "none, generic": Kind(None, GENERIC),
    "16, generic": Kind(16, GENERIC),
    "64, generic": Kind(64, GENERIC),
}


@asynccontextmanager
async def own_database(url: str, kind: Kind) -> AsyncGenerator[Database]:
    """Lend a new database with tables of this kind."""
    name = f"bench_{new_id().replace('-', '')[-12:]}"
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE DATABASE {name}")
    if kind.setting:
        await admin.execute(f"ALTER DATABASE {name} SET {kind.setting}")
    db = Database(urlsplit(url)._replace(path=f"/{name}").geturl())
    try:
        await db.create_tables(partitions=kind.partitions)
        yield db
    finally:
        await db.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def play(db: Database, count: int) -> dict[str, list[float]]:
    """Live one project's life; return milliseconds of each step."""
    took: dict[str, list[float]] = defaultdict(list)
    project_id, projects, journal = f"bench.{new_id()}", ProjectRepository(db), Journal(db)
    await projects.ensure(project_id)
    epoch = await projects.claim_epoch(project_id)
    rubric = await RubricRepository(db).save(
        project_id, Rubric(principles=(Principle(key="a"), Principle(key="b")))
    )
    ids = [new_id() for _ in range(count)]
    parents = [None, *(ids[(at - 1) // 8] for at in range(1, count))]
    nodes = [
        draft_node(Node(id=node_id, parent_id=parent, content="x" * 200))
        for node_id, parent in zip(ids, parents, strict=True)
    ]
    scores = [
        draft_scores(
            PrincipleScore(node_id=node_id, principle_id=each.id, judge=JUDGE, score=0.5)
            for each in rubric.principles
        )
        for node_id in ids
    ]
    for name, items in (
        ("commit of 100 nodes", [[node] for node in nodes]),
        ("commit of 200 scores", scores),
    ):
        for start in range(0, count, PER_COMMIT):
            some = [item for each in items[start : start + PER_COMMIT] for item in each]
            began = time.perf_counter()
            await journal.commit(project_id, epoch, Batch(new_id(), tuple(some)))
            took[name].append(1000 * (time.perf_counter() - began))
        took[name] = took[name][WARM_UP:]
    repository = PrincipleScoreRepository(db)
    for start in range(0, count, PER_COMMIT):
        began = time.perf_counter()
        await repository.cached(project_id, ids[start : start + PER_COMMIT], JUDGE, 1)
        took["look-up of 200 scores"].append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    await projects.mark_deleting(project_id)
    await projects.delete_rows(project_id)
    took["deletion, a 1,000 nodes"] = [1e6 * (time.perf_counter() - began) / count]
    return took


async def main(count: int, rounds: int, name: str) -> None:
    """Run the rounds and print a table in Markdown."""
    url = EmbeddedServers(default_data_dir(name)).up().database_url.get_secret_value()
    found: dict[str, dict[str, list[float]]] = {kind: defaultdict(list) for kind in KINDS}
    async with AsyncExitStack() as stack:
        databases = {
            kind: await stack.enter_async_context(own_database(url, KINDS[kind])) for kind in KINDS
        }
        for number in range(rounds + 1):
            for kind, db in databases.items():
                for step, took in (await play(db, count)).items():
                    if number:  # the first round warms everything up
                        found[kind][step] += took
    print("| median ms, partitions: |", " | ".join(KINDS), "|")
    print("|---|" + "--:|" * len(KINDS))
    for step in found["none"]:
        cells = (f"{statistics.median(found[kind][step]):,.1f}" for kind in KINDS)
        print(f"| {step} |", " | ".join(cells), "|")


if __name__ == "__main__":
    options = read_options(__doc__, nodes=3_000, rounds=5)
    asyncio.run(main(options.nodes, options.rounds, options.servers))
