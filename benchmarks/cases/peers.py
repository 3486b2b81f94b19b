"""Ingest beside what people use today, each as its own documentation has it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sources
from harness import Case, Ratio, peer
from neomodel_nodes import PER_CALL, NeomodelNodes
from writers import through_adapter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from harness import Bench, Contenders
    from sources import Edge

    Write = Callable[[list[Edge]], Awaitable[None]]

SHARE = 50
"""Peers that write node by node get a fiftieth, since they are slow; more would be no quicker."""
BATCH_SHARE = 5
"""Peers that write batches get a fifth."""
ABOUT = f"""
*sapwood* as in *ingest*. Each peer gets the first nodes of the same tree, one in {SHARE}, or one in
{BATCH_SHARE} where it writes batches, in the same servers, with the same durability, one call after
the other. Peers are given less to do than Sapwood where they cannot do the same:

- *neomodel save*: a node each, all properties, a unique `node_id`, no edge; *save, connect*: and
  the edge from its parent. *create_or_update*: {PER_CALL:,} a call, a `MERGE`, no edges;
  *create_or_update, edges*: the children of a node a call, which is how a batch gets edges, and
  what the target is asked of: a tree is its edges. *bulk_save*: {PER_CALL:,} a call, a `CREATE`,
  no edges.
- *langgraph puts*: a checkpoint a node through `AsyncPostgresSaver.aput`, named after it, its
  values in the checkpoint's own row, which is quicker than in blobs.
- *optuna*: `ask` and `tell` of a trial a node, `RDBStorage`, random sampler; no contents, no
  parents.
"""


async def rate(edges: list[Edge], write: Write) -> float:
    """Return nodes a second."""
    began = time.perf_counter()
    await write(edges)
    return len(edges) / (time.perf_counter() - began)


@asynccontextmanager
async def database(bench: Bench, name: str) -> AsyncGenerator[str]:
    """Lend the address of a PostgreSQL database of its own."""
    await bench.pg.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await bench.pg.execute(f'CREATE DATABASE "{name}"')
    try:
        url = urlsplit(bench.at.database_url.get_secret_value())
        yield url._replace(path=f"/{name}").geturl()
    finally:
        await bench.pg.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def put_checkpoints(saver: Any, edges: list[Edge]) -> None:
    """Put a checkpoint a node, each with its parent."""
    for edge in edges:
        values = {"content": edge.content, "status": "alive", "depth": edge.depth}
        versions = dict.fromkeys(values, 1)
        above = {} if edge.parent_id is None else {"checkpoint_id": edge.parent_id}
        config = {"configurable": {"thread_id": edges[0].id, "checkpoint_ns": "", **above}}
        checkpoint = {
            "v": 4,
            "id": edge.id,
            "ts": datetime.now(UTC).isoformat(),
            "channel_values": values,
            "channel_versions": versions,
            "versions_seen": {},
            "updated_channels": None,
        }
        metadata = {"source": "loop", "step": edge.depth, "parents": {}}
        await saver.aput(config, checkpoint, metadata, versions)


@asynccontextmanager
async def prepare_neomodel(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    source = sources.even(size)
    part, batch = source.first(size // SHARE), source.first(size // BATCH_SHARE)
    neomodel = NeomodelNodes(bench)
    await neomodel.open()

    def clocked(write: Write, what: sources.Source) -> Callable[[], Awaitable[float]]:
        async def contend() -> float:
            found = await rate(what.edges(), write)
            await neomodel.clear()
            return found

        return contend

    try:
        yield {
            "sapwood": lambda: through_adapter(bench, source),
            "neomodel save": clocked(neomodel.save, part),
            "neomodel save, connect": clocked(neomodel.save_and_connect, part),
            "neomodel create_or_update, edges": clocked(neomodel.create_or_update_below, batch),
            "neomodel create_or_update": clocked(neomodel.create_or_update, batch),
            "neomodel bulk_save": clocked(neomodel.bulk_save, batch),
        }
    finally:
        await neomodel.close()


@asynccontextmanager
async def prepare_relational(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    source = sources.even(size)
    part = source.first(size // SHARE)
    aio, optuna = peer("langgraph.checkpoint.postgres.aio"), peer("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    async with (
        database(bench, "bench_langgraph") as langgraph_url,
        database(bench, "bench_optuna") as optuna_url,
        aio.AsyncPostgresSaver.from_conn_string(langgraph_url) as saver,
    ):
        await saver.setup()
        url = optuna_url.replace("postgresql://", "postgresql+psycopg://", 1)
        storage = optuna.storages.RDBStorage(url)

        def new_study() -> Any:
            sampler = optuna.samplers.RandomSampler(seed=1)
            return optuna.create_study(storage=storage, sampler=sampler)

        def try_all(study: Any, edges: list[Edge]) -> None:
            for edge in edges:
                study.tell(study.ask(), float(edge.depth))

        async def trials() -> float:
            study = await asyncio.to_thread(new_study)
            found = await rate(part.edges(), lambda given: asyncio.to_thread(try_all, study, given))
            await asyncio.to_thread(
                optuna.delete_study, study_name=study.study_name, storage=storage
            )
            return found

        async def langgraph() -> float:
            edges = part.edges()
            found = await rate(edges, lambda given: put_checkpoints(saver, given))
            await saver.adelete_thread(edges[0].id)
            return found

        try:
            yield {
                "sapwood": lambda: through_adapter(bench, source),
                "langgraph puts": langgraph,
                "optuna": trials,
            }
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _beside(peer_name: str, over: str, least: float | None = None) -> Ratio:
    return Ratio(over=over, ours="sapwood", peer=peer_name, least=least)


CASES = (
    Case(
        name="ingest-neomodel",
        title="ingest, beside neomodel",
        unit="nodes/s",
        better="more",
        about=ABOUT,
        prepare=prepare_neomodel,
        quick={50_000: 2},
        full={100_000: 5},
        packages=("neomodel",),
        targets=(
            _beside("neomodel save", "neomodel, `save()` a node, no edges", 20),
            _beside("neomodel save, connect", "neomodel, `save()` and `connect()` a node"),
            _beside("neomodel create_or_update, edges", "neomodel, `create_or_update`, edges", 3),
            _beside("neomodel create_or_update", "neomodel, `create_or_update`, no edges"),
            _beside("neomodel bulk_save", "neomodel, `bulk_save`, no edges"),
        ),
    ),
    Case(
        name="ingest-relational",
        title="ingest, beside LangGraph and Optuna",
        unit="nodes/s",
        better="more",
        about=ABOUT,
        prepare=prepare_relational,
        quick={50_000: 2},
        full={100_000: 5},
        packages=("langgraph-checkpoint-postgres", "optuna", "psycopg"),
        targets=(
            _beside("langgraph puts", "`langgraph-checkpoint-postgres`, puts"),
            _beside("optuna", "Optuna `RDBStorage`, `ask` and `tell`, no contents"),
        ),
    ),
)
