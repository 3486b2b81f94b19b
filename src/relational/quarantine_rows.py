"""Rows of table `quarantine`: how they are read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from ..quarantine import LeftOut, Quarantine
from .driver import driver

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_READ: Final = text(
    "SELECT seq, node_id, whole, reason, cause, created_at FROM sapwood.quarantine"
    " WHERE project_id = :project_id ORDER BY seq, node_id"
)
# A row that was there gets the digest that it has behind the new ones.
_WRITE: Final = (
    "INSERT INTO sapwood.quarantine (project_id, seq, node_id, whole, reason, cause, digest)"
    " SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bool[], $5::text[], $6::text[],"
    " $7::text[]) ON CONFLICT (project_id, seq, node_id) DO UPDATE SET digest = excluded.digest"
)
_MARK: Final = (
    "UPDATE sapwood.node_ref n SET left_out = true FROM unnest($2::text[]) AS named (id)"
    " WHERE n.project_id = $1 AND n.node_id = named.id"
)
_UNMARK: Final = text(
    "UPDATE sapwood.node_ref n SET left_out = NULL FROM sapwood.quarantine q"
    " WHERE q.project_id = :project_id AND q.whole"
    " AND n.project_id = :project_id AND n.node_id = q.node_id"
)
_DELETE: Final = text("DELETE FROM sapwood.quarantine WHERE project_id = :project_id")


async def read_quarantine(connection: AsyncConnection, project_id: str) -> Quarantine:
    """Return what is left out of a project's graph. Cost: one statement."""
    rows = await connection.execute(_READ, {"project_id": project_id})
    return Quarantine(LeftOut.model_validate(dict(row)) for row in rows.mappings())


async def write_quarantine(
    connection: AsyncConnection, project_id: str, quarantine: Quarantine
) -> None:
    """Store what is left out, and let the register say so. Cost: two statements."""
    rows = quarantine.rows
    columns = [
        list(column)
        for column in zip(
            *((row.seq, row.node_id, row.whole, row.reason, row.cause) for row in rows),
            strict=True,
        )
    ]
    raw = await driver(connection)
    await raw.execute(_WRITE, project_id, *columns, quarantine.digests)
    await raw.execute(_MARK, project_id, [row.node_id for row in rows if row.whole])


async def clear_quarantine(connection: AsyncConnection, project_id: str) -> None:
    """Leave nothing out any more. Cost: two statements."""
    await connection.execute(_UNMARK, {"project_id": project_id})
    await connection.execute(_DELETE, {"project_id": project_id})
