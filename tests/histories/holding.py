"""What the stores hold in the end: the journal's commits, and all that can be read."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from sapwood import AsyncStorageAdapter
from sapwood.relational import Journal

from .calls import READS, rows_of
from .oracle import COLUMNS
from .records import Commit, Held

if TYPE_CHECKING:
    from sapwood import Database, Graph
    from sapwood.journal import Entry

_EPOCHS: Final = text("SELECT seq, epoch FROM sapwood.journal WHERE project_id = :project_id")
_REGISTER: Final = text("SELECT node_id FROM sapwood.node_ref WHERE project_id = :project_id")
_STATE: Final = text("SELECT seq FROM sapwood.orchestrator_state WHERE project_id = :project_id")


async def read_commits(db: Database, project_id: str) -> tuple[Commit, ...]:
    """Return the commits of a journal, in order."""
    entries: list[Entry] = []
    while more := await Journal(db).entries(
        project_id, len(entries) + 1, most_rows=20_000, most_bytes=32 << 20
    ):
        entries += more
    async with db.transaction() as connection:
        found = await connection.execute(_EPOCHS, {"project_id": project_id})
        epochs = {row.seq: row.epoch for row in found}
    # The entries of a commit are `b.1`, `b.2`, … and last `b`.
    commits = groupby(entries, key=lambda entry: entry.batch_id.partition(".")[0])
    return tuple(_commit(list(of_commit), epochs) for _, of_commit in commits)


def _commit(entries: list[Entry], epochs: dict[int, int]) -> Commit:
    last = entries[-1]
    operations = [entry.operations for entry in entries]
    reasons = {row["status_reason"] for each in operations for row in each.sets if "status" in row}
    reasons |= {each.prune.reason for each in operations if each.prune is not None}
    return Commit(
        last.batch_id,
        epochs[last.seq],
        entries[0].seq,
        last.seq,
        tuple(row["id"] for each in operations for row in each.creates),
        frozenset(reason for reason in reasons if reason is not None),
    )


async def read_held(db: Database, graph: Graph, project_id: str) -> Held:
    """Read everything, by an adapter that knows nothing yet."""
    values = {"project_id": project_id}
    async with AsyncStorageAdapter(db, graph, project_id=project_id, mode="read") as reader:
        seen = [
            await READS[name][0](reader, "") for name in ("project", "alive", "scores", "stats")
        ]
        rows = rows_of((await reader.load_project(fields=COLUMNS)).tree)
        check = await reader.verify()
    async with db.transaction() as connection:
        state_seq = await connection.scalar(_STATE, values)
        registered = await connection.scalars(_REGISTER, values)
        ids = frozenset(registered)
    return Held(
        registers={
            name: value for read in seen for moment in read for name, value in moment.items()
        },
        ids=tuple(row[0] for row in rows),
        rows={row[0]: row for row in rows},
        state_seq=state_seq,
        registered=ids,
        verified=check.ok,
    )
