"""The stats of branches, kept in PostgreSQL: a second follower of the journal, beside the graph."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from .. import failpoints
from ..branch_fold import BranchFold, Changes
from ..errors import JournalError, NotFoundError
from ..model import BranchStats
from .branch_rows import read_best_children, read_needed, write
from .driver import driver
from .entries import read_entries
from .project_row import missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..nodes import Score
    from .database import Database

MOST_ROWS: Final = 100_000
"""Rows of the journal that one transaction takes in; what was taken in is not lost with the next.

It ends after the portion that gets there.
"""
_PORTION_ROWS: Final = 5_000
_PORTION_BYTES: Final = 8 << 20
_READ: Final = text(
    "SELECT p.head_seq, coalesce(mark.seq, 0) AS mark_seq, b.node_id, b.nodes, b.alive, b.leaves,"
    " b.max_depth, b.scored, b.total, b.best, b.best_node_id,"
    " b.rubric_scored, b.rubric_total, b.rubric_best, b.rubric_best_node_id"
    " FROM sapwood.project p"
    " LEFT JOIN sapwood.branch_stats_mark mark ON mark.project_id = p.id"
    " LEFT JOIN sapwood.branch_stats b ON b.project_id = p.id AND b.node_id = :node_id"
    " WHERE p.id = :project_id AND p.state <> 'deleting'"
)
# Flushes do not wait for this lock, nor it for them; a deletion's does, before it takes any row.
_HOLD: Final = text(
    "SELECT head_seq FROM sapwood.project WHERE id = :project_id AND state <> 'deleting'"
    " FOR KEY SHARE"
)
# Locks the row, made now if there was none, once whoever else brings the stats on has ended.
_TAKE_MARK: Final = text(
    "INSERT INTO sapwood.branch_stats_mark AS mark (project_id, seq) VALUES (:project_id, 0)"
    " ON CONFLICT (project_id) DO UPDATE SET seq = mark.seq RETURNING seq"
)
_MOVE_MARK: Final = text(
    "UPDATE sapwood.branch_stats_mark SET seq = :seq WHERE project_id = :project_id"
)
_FORGET: Final = text("DELETE FROM sapwood.branch_stats WHERE project_id = :project_id")


class BranchStatsRepository:
    """The stats of each branch of each project of a database.

    They follow the journal when they are asked for, not before. Neo4j has no part in it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(
        self,
        project_id: str,
        node_id: str,
        key: Score = "score",
        *,
        refresh: Callable[[str], Awaitable[None]] | None = None,
    ) -> BranchStats:
        """Return what a subtree comes to, as of a position no older than this call.

        Cost: one statement while the stats are at the journal's head, else what `refresh` costs.

        Args:
            node_id: Top of the subtree.
            key: The score that counts.
            refresh: Does what `refresh` does, in another way.

        Raises:
            NotFoundError: There is no such project, or it has no such node.
        """
        row = await self._read(project_id, node_id)
        head: int = row.head_seq
        # A smaller head is that of another project, which took the name meanwhile.
        while row.mark_seq < min(head, row.head_seq):
            await (refresh or self.refresh)(project_id)
            row = await self._read(project_id, node_id)
        if row.node_id is None:
            raise NotFoundError.node(project_id, node_id)
        return _stats(row, key)

    async def refresh(self, project_id: str) -> None:
        """Bring the stats to the journal's head, or beyond where it was when this began.

        Several may do it at once: they take turns, and the later ones find it done. A transaction
        takes in 100,000 rows of the journal, so that one which is interrupted loses no more; but
        a prune as a whole, which has to be done within twice the `statement_timeout_s` of the
        database (at 60 s, some millions of alive nodes).

        Cost: eight statements a transaction, one more if the best node of a branch got worse, and
        one for each 5,000 rows of the journal and 5,000 rows of stats that have changed. Beside
        these it looks up what is above them, below a prune what was alive, and the children of a
        branch whose best node got worse.

        Raises:
            NotFoundError: There is no such project, or it is being deleted.
            JournalError: An entry is missing or damaged.
        """
        while not await self._advance(project_id):
            pass

    async def _advance(self, project_id: str) -> bool:
        """Take in the next entries, in one transaction; return whether those were all."""
        async with self._database.transaction() as connection:
            values = {"project_id": project_id}
            head: int | None = await connection.scalar(_HOLD, values)
            if head is None:
                raise missing(project_id)
            mark: int = (await connection.execute(_TAKE_MARK, values)).scalar_one()
            if mark >= head:
                return True
            changes = await _read_changes(connection, project_id, mark, head)
            await _fold(connection, project_id, changes)
            await connection.execute(_MOVE_MARK, values | {"seq": changes.seq})
            await failpoints.reach(failpoints.STATS_BEFORE_COMMIT)
        return changes.seq >= head

    async def _read(self, project_id: str, node_id: str) -> Row[*tuple[Any, ...]]:
        values = {"project_id": project_id, "node_id": node_id}
        async with self._database.single_read() as connection:
            row = (await connection.execute(_READ, values)).one_or_none()
        if row is None:
            raise missing(project_id)
        return row


async def _read_changes(
    connection: AsyncConnection, project_id: str, mark: int, head: int
) -> Changes:
    """Read the journal behind `mark`: to `head` at least, or until there is enough."""
    changes = Changes(mark)
    while changes.seq < head and changes.rows < MOST_ROWS:
        after = changes.seq + 1
        entries = await read_entries(connection, project_id, after, _PORTION_ROWS, _PORTION_BYTES)
        for expected, entry in enumerate(entries, start=after):
            if entry.seq != expected:
                raise _gap(project_id, expected)
            changes.add(entry)
        if not entries:
            raise _gap(project_id, after)
    return changes


async def _fold(connection: AsyncConnection, project_id: str, changes: Changes) -> None:
    """Bring the rows over the changes; the folding itself is left to a thread."""
    raw = await driver(connection)
    rows = await read_needed(raw, project_id, changes.named, changes.closed)
    fold = await asyncio.to_thread(BranchFold, changes, rows)
    children = await read_best_children(raw, project_id, fold.lost) if fold.lost else []
    branches = await asyncio.to_thread(fold.finish, children)
    await write(raw, project_id, changes.seq, branches)


async def forget_stats(connection: AsyncConnection, project_id: str, seq: int) -> None:
    """Have the stats counted anew if they follow the journal up to `seq` or further.

    Waits for whoever brings them on; the caller holds the project's lock. Cost: one statement,
    three if they do.
    """
    values = {"project_id": project_id}
    mark: int = (await connection.execute(_TAKE_MARK, values)).scalar_one()
    if mark >= seq:
        await connection.execute(_FORGET, values)
        await connection.execute(_MOVE_MARK, values | {"seq": 0})


def _stats(row: Row[*tuple[Any, ...]], key: str) -> BranchStats:
    if key == "score":
        scored, total, best, best_id = row.scored, row.total, row.best, row.best_node_id
    else:
        scored, total = row.rubric_scored, row.rubric_total
        best, best_id = row.rubric_best, row.rubric_best_node_id
    return BranchStats(
        node_id=row.node_id,
        nodes=row.nodes,
        alive=row.alive,
        leaves=row.leaves,
        max_depth=row.max_depth,
        scored=scored,
        mean=float(Fraction(total) / scored) if scored else None,
        best=best,
        best_node_id=best_id,
    )


def _gap(project_id: str, seq: int) -> JournalError:
    return JournalError(
        f"project {project_id!r}: journal position {seq} is missing. Restore PostgreSQL from a "
        "backup."
    )
