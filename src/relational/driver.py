"""asyncpg's own connection, for the few statements that every flush sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection


async def driver(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's connection beneath `connection`, inside the same transaction.

    A statement costs it less than half the CPU time that it costs SQLAlchemy, which is what
    bounds a flush. The transaction must have begun: send its first statement by SQLAlchemy.
    """
    raw = await connection.get_raw_connection()
    # Untyped: the driver has no stubs, and its connection is never None inside a transaction.
    connected: Any = raw.driver_connection
    return cast("asyncpg.Connection", connected)
