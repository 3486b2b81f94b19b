"""What a node takes on disk, table by table, in both stores, and what changes of it take.

    python benchmarks/sizes.py [--nodes 50000] [--servers sizes]

Each step is measured by how much the tables and Neo4j's store files have grown once Neo4j, which
writes everything down as it stops, was stopped. Give it servers of its own, and a new data folder:
where something was deleted there is room that is filled first.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Final

from bench import open_stores, read_options
from sqlalchemy import text

from sapwood import (
    AsyncStorageAdapter,
    Node,
    NodeStatus,
    Principle,
    PrincipleScore,
    Rubric,
    new_id,
)
from sapwood.servers import EmbeddedServers, default_data_dir

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Step = Callable[[AsyncStorageAdapter], Awaitable[None]]

CONTENTS: Final = (0, 200, 2_000)
FAN_OUT: Final = 8
PER_FLUSH: Final = 100
JUDGE: Final = "judge@1"
COLUMNS: Final = {"journal": "journal", "node_ref": "register", "principle_score": "scores"}
OTHER: Final = "other tables"
TABLES: Final = text(
    "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c"
    " WHERE c.relnamespace = CAST('sapwood' AS regnamespace) AND c.relkind = 'r'"
)
WORDS: Final = [
    "".join(random.Random(number).choices("etaoinshrdlucmfw", k=2 + number % 8))
    for number in range(2_000)
]


def prose(numbers: random.Random, size: int) -> str:
    """Return a text of invented words, which packs about as well as English does."""
    return " ".join(numbers.choices(WORDS, k=size // 3))[:size]


def tree(count: int, size: int) -> list[Node]:
    """Return nodes with contents of `size` characters, parents first."""
    numbers, ids = random.Random(size), [new_id() for _ in range(count)]
    parents = [ids[(at - 1) // FAN_OUT] if at else None for at in range(count)]
    return [
        Node(id=node_id, parent_id=parent, content=prose(numbers, size))
        for node_id, parent in zip(ids, parents, strict=True)
    ]


async def save(nodes: list[Node], store: AsyncStorageAdapter) -> None:
    for start in range(0, len(nodes), PER_FLUSH):
        await store.save_nodes_batch(nodes[start : start + PER_FLUSH])
        await store.flush()


async def complete(nodes: list[Node], store: AsyncStorageAdapter) -> None:
    for start in range(0, len(nodes), PER_FLUSH):
        part = nodes[start : start + PER_FLUSH]
        await store.update_status_batch({node.id: NodeStatus.COMPLETE for node in part})
        await store.flush()


async def score(nodes: list[Node], store: AsyncStorageAdapter) -> None:
    rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
    await store.rubrics.activate(1, judge=JUDGE)
    key = rubric["a"].id
    for start in range(0, len(nodes), PER_FLUSH):
        part = nodes[start : start + PER_FLUSH]
        await store.update_scores_batch(
            PrincipleScore(node_id=node.id, principle_id=key, judge=JUDGE, score=len(node.id) / 7)
            for node in part
        )
        await store.flush()


async def stats(nodes: list[Node], store: AsyncStorageAdapter) -> None:
    await store.branch_stats(nodes[0].id)


async def prune(nodes: list[Node], store: AsyncStorageAdapter) -> None:
    await store.prune(nodes[0].id)
    await store.flush()


def steps(count: int) -> list[tuple[str, str, Step]]:
    """Return name, project and work of each step."""
    trees = [(size, f"sizes.{new_id()}", tree(count, size)) for size in CONTENTS]
    _, project_id, nodes = trees[-1]
    return [
        *(
            (f"a node, content of {size:,} characters", name, partial(save, made))
            for size, name, made in trees
        ),
        ("a prune, for each node that it closes", project_id, partial(prune, nodes)),
        ("a change of its status", project_id, partial(complete, nodes)),
        ("a score, with `rubric_score`", project_id, partial(score, nodes)),
        ("the stats of its branch, once asked for", project_id, partial(stats, nodes)),
    ]


async def take(name: str, project_id: str, step: Step | None) -> dict[str, int]:
    """Do a step, stop the servers; return all bytes by column."""
    sizes = dict.fromkeys([*COLUMNS.values(), OTHER, "neo4j"], 0)
    async with open_stores(name) as stores:
        if step is not None:
            async with AsyncStorageAdapter(stores.db, stores.graph, project_id=project_id) as store:
                await step(store)
                await store.alive_nodes(limit=1)  # the graph has followed
        async with stores.db.transaction() as connection:
            for table, size in await connection.execute(TABLES):
                sizes[COLUMNS.get(table, OTHER)] += size
    folder = default_data_dir(name)
    await asyncio.to_thread(EmbeddedServers(folder).down)
    sizes["neo4j"] = held(folder / "neo4j" / "data" / "databases" / "neo4j")
    return sizes


def held(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def main(count: int, name: str) -> None:
    """Print a table in Markdown: bytes a node, by step and column."""
    before = await take(name, "", None)
    print("| bytes for |", " | ".join(before), "|")
    print("|---|" + "--:|" * len(before))
    for what, project_id, step in steps(count):
        after = await take(name, project_id, step)
        grown = (f"{(size - before[column]) / count:,.0f}" for column, size in after.items())
        print("|", what, "|", " | ".join(grown), "|", flush=True)
        before = after


if __name__ == "__main__":
    options = read_options(__doc__, nodes=50_000)
    asyncio.run(main(options.nodes, options.servers))
