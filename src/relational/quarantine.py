"""Leaving things out of a project's graph, and letting them in again: one transaction each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from .. import failpoints
from ..errors import ConflictError, NotFoundError
from ..quarantine import LeftOut, Quarantine, add_below, what_is
from ..values import check_id, check_text
from .branch_stats import forget_stats
from .entries import read_entries
from .project_row import lock_open
from .quarantine_rows import clear_quarantine, read_quarantine, write_quarantine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..journal import Entry
    from .database import Database

_PORTION_ROWS: Final = 5_000
_PORTION_BYTES: Final = 8 << 20
_CAUSE: Final = text(
    "SELECT stalled_cause FROM sapwood.project WHERE id = :project_id AND stalled_seq = :seq"
)


class QuarantineRepository:
    """What is left out of the graph of each project of a database.

    Nothing here asks the graph. The project's row is locked, so what a flush stores before has
    been looked through, and what it stores later is held against the register.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, project_id: str) -> list[LeftOut]:
        """Return what is left out, by position and node id. Cost: one statement."""
        async with self._database.transaction() as connection:
            return (await read_quarantine(connection, project_id)).rows

    async def add(
        self, project_id: str, node_id: str, *, seq: int, reason: str, applied: int
    ) -> list[LeftOut]:
        """Leave out what the entry at `seq` says of a node.

        If it creates the node, the node is left out as such, with everything that was created
        below it since, and nothing more may refer to these. A change or a prune is left out at
        this position alone. What is left out already stays so, and is returned.

        Args:
            reason: Why; kept for whoever looks.
            applied: Where the project's graph is, or 0.

        Returns:
            What is left out by it, by position and node id.

        Raises:
            ValidationError: A name or the reason cannot be stored.
            NotFoundError: There is no such project, or its entry says nothing of the node.
            ConflictError: The graph has the entry already.

        Cost: about ten statements; for a node, reads the journal from `seq` on.
        """
        check_id("quarantine", "node_id", node_id)
        check_text("quarantine", "reason", reason)
        async with self._database.transaction() as connection:
            project = await lock_open(connection, project_id)
            known = await read_quarantine(connection, project_id)
            there = [row for row in known.rows if (row.seq, row.node_id) == (seq, node_id)]
            if there:
                return there
            _require_next(project_id, seq, applied, project.head_seq)
            out = await _find(connection, project_id, seq, node_id)
            cause = await connection.scalar(_CAUSE, {"project_id": project_id, "seq": seq})
            added = [row.model_copy(update={"reason": reason, "cause": cause}) for row in out]
            quarantine = Quarantine([*known.rows, *added])
            await write_quarantine(connection, project_id, quarantine)
            await forget_stats(connection, project_id, seq)
            await failpoints.reach(failpoints.QUARANTINE_BEFORE_COMMIT)
        await failpoints.reach(failpoints.QUARANTINE_AFTER_COMMIT)
        return added

    async def release(self, project_id: str) -> int:
        """Leave nothing out any more; return how much was. The graph is to be made again.

        Raises:
            NotFoundError: There is no such project.

        Cost: about seven statements.
        """
        async with self._database.transaction() as connection:
            await lock_open(connection, project_id)
            rows = (await read_quarantine(connection, project_id)).rows
            if rows:
                await clear_quarantine(connection, project_id)
                await forget_stats(connection, project_id, rows[0].seq)
        return len(rows)


def _require_next(project_id: str, seq: int, applied: int, head: int) -> None:
    if seq <= applied:
        raise ConflictError(
            f"project {project_id!r}: the graph is at position {applied}, so Neo4j has accepted "
            f"the entry at {seq}; only what it has not can be left out. Nothing was changed."
        )
    if seq > head:
        raise NotFoundError(f"project {project_id!r}: the journal ends at position {head}")


async def _find(
    connection: AsyncConnection, project_id: str, seq: int, node_id: str
) -> list[LeftOut]:
    """Return what is to be left out, reason and cause yet to come."""
    found: dict[str, int] = {}
    async for entry in _read_from(connection, project_id, seq):
        if entry.seq == seq:
            what = what_is(entry.operations, node_id)
            if what is None:
                raise NotFoundError(
                    f"project {project_id!r}: the entry at position {seq} says nothing of node "
                    f"{node_id}; sapwood doctor --bisect {project_id} names what Neo4j refuses"
                )
            if what != "node":
                return [LeftOut(seq=seq, node_id=node_id, whole=False, reason="")]
            found[node_id] = seq
        add_below(entry, found)
    rows = [LeftOut(seq=at, node_id=each, whole=True, reason="") for each, at in found.items()]
    return Quarantine(rows).rows


async def _read_from(
    connection: AsyncConnection, project_id: str, seq: int
) -> AsyncIterator[Entry]:
    """Read the journal from `seq` to its end, a portion at a time."""
    while True:
        entries = await read_entries(connection, project_id, seq, _PORTION_ROWS, _PORTION_BYTES)
        if not entries:
            return
        for entry in entries:
            yield entry
        seq = entries[-1].seq + 1
