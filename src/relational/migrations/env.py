"""Runs the migrations: in the connection it is handed, or as SQL text (`alembic upgrade --sql`).

The caller's transaction is used and left open, so that tables appear all at once or not at all; the
caller also holds the lock that lets processes take turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context
from sqlalchemy import text

from sapwood.relational import partitions
from sapwood.relational.schema import VERSION_TABLE
from sapwood.relational.tables import SCHEMA, Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CREATE_SCHEMA = text("CREATE SCHEMA IF NOT EXISTS sapwood")


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    if kind == "schema":
        return name == SCHEMA
    return not partitions.is_part(kind, name or "")


def _configure(connection: Connection | None) -> None:
    context.configure(
        connection=connection,
        dialect_name=None if connection is not None else "postgresql",
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_is_ours,
        compare_type=True,
        compare_server_default=True,
        literal_binds=connection is None,
    )


def _run_online() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("call Database.create_tables(), or hand over attributes['connection']")
    connection.execute(_CREATE_SCHEMA)
    _configure(connection)
    wanted: int | None = context.config.attributes.get("partitions")
    number = partitions.count(connection) if wanted is None else wanted
    with partitions.divided(number), context.begin_transaction():
        context.run_migrations()


def _run_offline() -> None:
    _configure(None)
    number: int = context.config.attributes.get("partitions") or 0
    with partitions.divided(number), context.begin_transaction():
        context.execute(_CREATE_SCHEMA)
        context.run_migrations()


if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
