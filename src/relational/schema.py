"""The schema's versions: Alembic, called from a running loop, without a settings file."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ..errors import SchemaError
from . import partitions
from .tables import SCHEMA

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "alembic_version"
_ONE_AT_A_TIME: Final = Lock()
_TRY_AGAIN_S: Final = 0.01

_HAS_VERSION = text("SELECT to_regclass('sapwood.alembic_version') IS NOT NULL")
_VERSION = text("SELECT version_num FROM sapwood.alembic_version")
_LOCK = text("SELECT pg_advisory_xact_lock(8318817281653172594)")
_DROP_VERSIONS = text("DROP TABLE IF EXISTS sapwood.alembic_version")
_DROP_SCHEMA = text("DROP SCHEMA IF EXISTS sapwood")


def config(connection: Connection | None = None, *, partitions: int | None = None) -> Config:
    """Return Alembic's settings for this package, bound to `connection`.

    Args:
        partitions: How many new tables get if they grow; if `None`, as many as the others have.
    """
    result = Config()
    result.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    result.set_main_option("path_separator", "os")
    if connection is not None:
        result.attributes["connection"] = connection
    if partitions is not None:
        result.attributes["partitions"] = partitions
    return result


@cache
def head() -> str:
    """Return the revision that this release works with."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:  # pragma: no cover
        raise SchemaError("this installation of sapwood has lost its migrations; install it again")
    return revision


@cache
def revisions() -> frozenset[str]:
    """Return the revisions that this release knows."""
    return frozenset(
        script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()
    )


async def current(connection: AsyncConnection) -> str | None:
    """Return the database's revision; `None` without tables. Cost: two round trips at most."""
    if not await connection.scalar(_HAS_VERSION):
        return None
    version = await connection.scalar(_VERSION)
    return None if version is None else str(version)


async def upgrade(connection: AsyncConnection, wanted: int | None = None) -> None:
    """Bring the tables to `head()`, within the caller's transaction.

    Processes that do it at once take turns: an advisory lock is held until the transaction ends.

    Args:
        wanted: How many partitions new tables get, `None` for none; tables keep theirs.

    Raises:
        SchemaError: A newer release of sapwood made the tables, or they have other partitions.
    """
    await connection.execute(_LOCK)
    revision = await current(connection)
    require_known(revision)
    if revision is not None:
        await require_partitions(connection, wanted)
        wanted = None
    if revision != head():
        async with _alembic():
            await connection.run_sync(
                lambda sync: command.upgrade(config(sync, partitions=wanted), "head")
            )


async def require_partitions(connection: AsyncConnection, wanted: int | None) -> None:
    """Refuse tables that have another number of partitions than `wanted`, unless that is `None`.

    Raises:
        SchemaError: They have.
    """
    if wanted is not None:
        partitions.require_same(await connection.run_sync(partitions.count), wanted)


async def drop(connection: AsyncConnection) -> None:
    """Drop the tables and their schema, within the caller's transaction; nothing if absent.

    Raises:
        SchemaError: A newer release of sapwood made the tables.
    """
    await connection.execute(_LOCK)
    revision = await current(connection)
    require_known(revision)
    if revision is not None:
        async with _alembic():
            await connection.run_sync(lambda sync: command.downgrade(config(sync), "base"))
    await connection.execute(_DROP_VERSIONS)
    await connection.execute(_DROP_SCHEMA)


@asynccontextmanager
async def _alembic() -> AsyncGenerator[None]:
    """Let one task of this process at a time into Alembic, whose context is a global.

    It is a lock of threads, tried again and again, because tasks of several loops may compete.
    """
    while not _ONE_AT_A_TIME.acquire(blocking=False):  # noqa: ASYNC110
        await asyncio.sleep(_TRY_AGAIN_S)
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def require_known(revision: str | None) -> None:
    """Refuse tables that a newer release made.

    Raises:
        SchemaError: `revision` is not one of `revisions()`.
    """
    if revision is not None and revision not in revisions():
        raise SchemaError(
            f"the tables in schema {SCHEMA} are of revision {revision}, which this release does "
            "not know. Upgrade sapwood on this machine."
        )


def require_head(revision: str | None) -> None:
    """Refuse tables that are not of this release.

    Raises:
        SchemaError: There are none, or they are older or newer.
    """
    require_known(revision)
    if revision is None:
        raise SchemaError(f"there are no tables in schema {SCHEMA}. Call create_tables().")
    if revision != head():
        raise SchemaError(
            f"the tables in schema {SCHEMA} are of revision {revision}, older than {head()}. Call "
            "create_tables() to bring them up to date."
        )
