"""The projects as people look after them: where each stands, how large it is; and the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from ..errors import SchemaError
from . import schema
from .durability import SERVER, require_durable
from .project_row import missing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .database import Database

_PROJECTS: Final = text(
    "SELECT p.id, p.title, p.state, p.epoch, p.head_seq, p.incarnation,"
    " p.stalled_seq, p.stalled_cause, p.created_at,"
    " CAST(extract(epoch FROM clock_timestamp() - p.created_at) AS float8) AS age_s,"
    " (SELECT count(*) FROM sapwood.node_ref n WHERE n.project_id = p.id) AS nodes,"
    " (SELECT j.chain FROM sapwood.journal j"
    " WHERE j.project_id = p.id AND j.seq = mark.applied) AS chain_at_applied,"
    " coalesce((SELECT q.digest FROM sapwood.quarantine q"
    " WHERE q.project_id = p.id AND q.seq <= mark.applied"
    " ORDER BY q.seq DESC, q.node_id DESC LIMIT 1), '') AS quarantine_at_applied,"
    " (SELECT count(*) FROM sapwood.quarantine q WHERE q.project_id = p.id) AS quarantined,"
    " (SELECT CAST(extract(epoch FROM clock_timestamp() - j.created_at) AS float8)"
    " FROM sapwood.journal j WHERE j.project_id = p.id AND j.seq = coalesce(mark.applied, 0) + 1)"
    " AS oldest_unapplied_s"
    " FROM sapwood.project p"
    " LEFT JOIN unnest(CAST(:ids AS text[]), CAST(:applied AS bigint[])) AS mark (id, applied)"
    " ON mark.id = p.id"
    " WHERE CAST(:project_id AS text) IS NULL OR p.id = :project_id ORDER BY p.id"
)
_SIZES: Final = text(
    "SELECT j.entries, j.bytes, s.scores"
    " FROM (SELECT count(*) AS entries, coalesce(sum(octet_length(payload)), 0) AS bytes"
    " FROM sapwood.journal WHERE project_id = :project_id) j,"
    " (SELECT count(*) AS scores FROM sapwood.principle_score WHERE project_id = :project_id) s"
)
_NOW: Final = text("SELECT current_setting('server_version') AS version, clock_timestamp() AS now")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one project stands, as PostgreSQL sees it.

    Attributes:
        chain_at_applied: The journal's chain at the given position; `None` if it has no entry
            there.
        quarantine_at_applied: Digest of what is left out up to there; empty if nothing is.
        quarantined: How much is in quarantine.
        oldest_unapplied_s: Age of the entry after the given position; `None` if there is none.
    """

    project_id: str
    title: str
    state: str
    epoch: int
    head: int
    incarnation: str
    stalled_seq: int | None
    stalled_cause: str | None
    created_at: datetime
    age_s: float
    nodes: int
    chain_at_applied: str | None
    quarantine_at_applied: str
    quarantined: int
    oldest_unapplied_s: float | None


class Sizes(NamedTuple):
    """How much PostgreSQL keeps of a project; bytes of the journal as they are stored."""

    journal_entries: int
    journal_bytes: int
    scores: int


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """The PostgreSQL that answers.

    Attributes:
        revision: Of the tables; `None` before the first project.
        durability_problem: Why an acknowledged commit could be lost here; `None` if it cannot.
        tables_problem: Why this release cannot work with the tables.
        now_s: Its clock, in seconds since 1970 UTC.
    """

    version: str
    synchronous_commit: str
    fsync: str
    revision: str | None
    durability_problem: str | None
    tables_problem: str | None
    now_s: float


class Overview:
    """Looks, and changes nothing, makes no tables either. Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def projects(self, applied: Mapping[str, int]) -> list[Standing]:
        """Return where all projects stand, by id; none if there are no tables yet.

        Args:
            applied: Position of each project's graph; 0 where it is left out. Read before this
                is called, or the graph may seem to be ahead.

        Raises:
            SchemaError: The tables are not this release's.

        Cost: three statements; grows with all nodes of all projects, which are counted.
        """
        return await self._standings(applied, None)

    async def project(self, project_id: str, applied: Mapping[str, int]) -> Standing:
        """Return where one project stands, also while it is being deleted. As `projects`.

        Raises:
            NotFoundError: There is no such project.
        """
        for standing in await self._standings(applied, project_id):
            return standing
        raise missing(project_id)

    async def sizes(self, project_id: str) -> Sizes:
        """Return how much is kept of a project. Cost: grows with its journal and its scores."""
        async with self._database.transaction(read_only_snapshot=True) as connection:
            row = (await connection.execute(_SIZES, {"project_id": project_id})).one()
        return Sizes(row.entries, int(row.bytes), row.scores)

    async def server(self) -> DatabaseServer:
        """Return version, clock, and whether `Database.check` would pass. Four statements."""
        async with self._database.transaction(read_only_snapshot=True) as connection:
            now = (await connection.execute(_NOW)).one()
            server = (await connection.execute(SERVER)).one()
            revision = await schema.current(connection)
        return DatabaseServer(
            now.version.partition(" ")[0],
            server.synchronous_commit,
            server.fsync,
            revision,
            _durability_problem(server.version, server.synchronous_commit, server.fsync),
            _tables_problem(revision),
            now.now.timestamp(),
        )

    async def _standings(self, applied: Mapping[str, int], only: str | None) -> list[Standing]:
        values = {"ids": list(applied), "applied": list(applied.values()), "project_id": only}
        async with self._database.transaction(read_only_snapshot=True) as connection:
            revision = await schema.current(connection)
            if revision is None:
                return []
            schema.require_head(revision)
            rows = (await connection.execute(_PROJECTS, values)).all()
        return [Standing(*row) for row in rows]


def _durability_problem(version: int, synchronous_commit: str, fsync: str) -> str | None:
    try:
        require_durable(version, synchronous_commit, fsync)
    except SchemaError as exc:
        return str(exc)
    return None


def _tables_problem(revision: str | None) -> str | None:
    try:
        schema.require_head(revision)
    except SchemaError as exc:
        return str(exc)
    return None
