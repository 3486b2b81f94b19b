"""asyncpg's own connection, for the few statements that every flush sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.dialects.postgresql.asyncpg import dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg
    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection


async def driver(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's connection beneath `connection`, inside the same transaction.

    A statement costs it less than half the CPU time that it costs SQLAlchemy, which is what
    bounds a flush. If SQLAlchemy began a transaction, send its first statement by that.
    """
    raw = await connection.get_raw_connection()
    # Untyped: the driver has no stubs, and its connection is never None inside a transaction.
    connected: Any = raw.driver_connection
    return cast("asyncpg.Connection", connected)


class Query:
    """A query of SQLAlchemy's, compiled once, for the driver's own connection.

    Attributes:
        text: With numbered parameters, as PostgreSQL takes it.
    """

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        self._compiled: Any = query.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self.text: str = self._compiled.string

    async def fetch(
        self, connection: asyncpg.Connection, values: Mapping[str, Any]
    ) -> list[asyncpg.Record]:
        """Return the rows for these parameters. Cost: one statement."""
        known = self._compiled.construct_params(values)
        parameters = (known[name] for name in self._compiled.positiontup)
        rows: list[asyncpg.Record] = await connection.fetch(self.text, *parameters)
        return rows
