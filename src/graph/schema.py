"""What sapwood needs a Neo4j database to keep: created here, and verified before it is trusted."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import SchemaError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .connection import Graph

VERSION = 1
"""Counts the changes of `cypher/schema/` that a database must follow."""
AWAIT_S = 50
_TRIES = 6


class Index(NamedTuple):
    """An index that has to be there, with the constraint that owns it if `unique`."""

    key: str
    kind: str
    name: str
    properties: tuple[str, ...]
    unique: bool

    def __str__(self) -> str:
        what = "constraint" if self.unique else "index"
        return f"{what} on {self.name} ({', '.join(self.properties)})"


NEEDED = (
    Index("schema.node_unique", "NODE", "Node", ("project_id", "id"), unique=True),
    Index(
        "schema.parent_unique",
        "RELATIONSHIP",
        "PARENT_OF",
        ("project_id", "child_id"),
        unique=True,
    ),
    Index("schema.watermark_unique", "NODE", "Watermark", ("project_id",), unique=True),
    Index("schema.version_unique", "NODE", "SchemaVersion", ("product",), unique=True),
    Index("schema.node_status", "NODE", "Node", ("project_id", "status"), unique=False),
    Index("schema.node_score", "NODE", "Node", ("project_id", "score"), unique=False),
    Index("schema.node_rubric_score", "NODE", "Node", ("project_id", "rubric_score"), unique=False),
)


async def create(graph: Graph) -> None:
    """Create what is missing, wait until it is online, note the version, verify."""
    with suppress(SchemaError):
        await verify(graph)
        return
    for index in NEEDED:
        await _create_one(graph, index)
    async with graph.reading() as transaction:
        await transaction.run("schema.await_indexes", timeout_s=AWAIT_S)
    async with graph.writing() as transaction:
        await transaction.run("schema.set_version", version=VERSION)
        await transaction.commit()
    await verify(graph)


async def _create_one(graph: Graph, index: Index) -> None:
    """Create one constraint or index; another process may be doing the same."""
    for left in reversed(range(_TRIES)):
        try:
            async with graph.writing() as transaction:
                await transaction.run(index.key)
                await transaction.commit()
        except StoreError as exc:
            # IF NOT EXISTS looks before it waits: of two at once, one hears that it exists.
            again = exc.retryable or (exc.code or "").endswith("AlreadyExists")
            if again and left:
                await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - spreads the tries
                continue
            if ".Schema." not in (exc.code or ""):
                raise  # it is not about the schema: no password, no server, no such database
            raise SchemaError(
                f"neo4j: the {index} cannot be created. If the data breaks it, find what is there "
                "twice and remove it; if an index or constraint of yours stands in its place, drop "
                "that; then run create_schema() again."
            ) from exc
        else:
            return


async def verify(graph: Graph) -> None:
    """Check indexes, constraints and version in one transaction."""
    async with graph.reading() as transaction:
        found = await transaction.run("schema.indexes")
        versions = await transaction.run("schema.version")
    check(found, [row[0] for row in versions])


def check(found: Iterable[list[Any]], versions: list[int]) -> None:
    """Raise `SchemaError` unless everything needed is among `found`, online, of this version.

    Args:
        found: Rows of `schema.indexes`.
        versions: Rows of `schema.version`: one, or none before the first `create_schema`.
    """
    states = {_shape(row): row[0] for row in found}
    if versions and versions[0] > VERSION:
        raise SchemaError(
            f"neo4j: the schema has version {versions[0]}, made by a newer release; this one knows "
            f"{VERSION}. Upgrade sapwood on this machine."
        )
    missing = [index for index in NEEDED if index[1:] not in states]
    if missing or not versions or versions[0] < VERSION:
        what = ", ".join(map(str, missing)) or f"version {VERSION} of it"
        raise SchemaError(
            f"neo4j: the schema is incomplete: no {what}. Run `await graph.create_schema()`."
        )
    waiting = [index for index in NEEDED if states[index[1:]] != "ONLINE"]
    if waiting:
        state = states[waiting[0][1:]]
        raise SchemaError(
            f"neo4j: the {waiting[0]} is {state}, not ONLINE. If it is POPULATING, try again soon; "
            "if FAILED, drop it and run `await graph.create_schema()`."
        )


def _shape(row: list[Any]) -> tuple[str, str, tuple[str, ...], bool]:
    _, kind, names, properties, unique = row
    return kind, (names or [""])[0], tuple(properties or ()), unique
