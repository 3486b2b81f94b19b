"""The project's row: what is read from it, and the lock on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select, text

from ..errors import NotFoundError, SchemaError
from ..journal import NO_CHAIN
from ..model import Project
from .tables import ProjectRow, QuarantineRow

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

PROJECT_COLUMNS: Final = (
    ProjectRow.id,
    ProjectRow.title,
    ProjectRow.attributes,
    ProjectRow.rubric_version,
    ProjectRow.judge,
    ProjectRow.state,
    ProjectRow.stalled_cause,
    ProjectRow.created_at,
)
_QUARANTINE: Final = (
    select(QuarantineRow.digest)
    .where(QuarantineRow.project_id == ProjectRow.id)
    .order_by(QuarantineRow.seq.desc(), QuarantineRow.node_id.desc())
    .limit(1)
    .correlate(ProjectRow)
    .scalar_subquery()
)
HEAD_COLUMNS: Final = (
    ProjectRow.head_seq,
    ProjectRow.incarnation,
    ProjectRow.state,
    ProjectRow.chain,
    func.coalesce(_QUARANTINE, NO_CHAIN).label("quarantine"),
)
_LOCK = text(
    "SELECT head_seq, chain, incarnation, epoch, rubric_version, judge,"
    " state, current_setting('synchronous_commit') AS synchronous_commit"
    " FROM sapwood.project WHERE id = :project_id FOR NO KEY UPDATE"
)


class Epoch(NamedTuple):
    """One writer's time as the owner of a project.

    Attributes:
        number: Counts the owners, from 1; 0 before the first.
        owner: Random mark of this one. A restored, older PostgreSQL gives a number out again, so
            the number alone would fence nobody; `tests/model` finds that.
    """

    number: int
    owner: str


class Head(NamedTuple):
    """Where a project's journal ends.

    Attributes:
        seq: Newest position; 0 before the first flush.
        incarnation: Random mark of this creation of the project.
        state: `open`, `stalled` or `deleting`.
        chain: Digest of the batch ids up to `seq`; empty before the first flush.
        quarantine: Digest of what is left out up to `seq`; empty if nothing is.
    """

    seq: int
    incarnation: str
    state: str
    chain: str
    quarantine: str


class Locked(NamedTuple):
    """A project's row, locked until the transaction ends."""

    head_seq: int
    chain: str
    incarnation: str
    epoch: int
    rubric_version: int | None
    judge: str | None
    state: str
    synchronous_commit: str


async def lock(connection: AsyncConnection, project_id: str) -> Locked:
    """Lock the project's row, once whoever writes to the project has ended. One statement.

    Raises:
        NotFoundError: There is no such project.
    """
    row = (await connection.execute(_LOCK, {"project_id": project_id})).one_or_none()
    if row is None:
        raise missing(project_id)
    return Locked(*row)


async def lock_open(
    connection: AsyncConnection, project_id: str, incarnation: str | None = None
) -> Locked:
    """Lock the row of a project that is not being deleted, to write durably. One statement.

    Args:
        incarnation: The creation that the caller opened; `None` for whichever is there.

    Raises:
        NotFoundError: There is no such project, it is being deleted, or was made anew since.
        SchemaError: This session's commits would not be durable.
    """
    project = await lock(connection, project_id)
    if project.state == "deleting" or incarnation not in (None, project.incarnation):
        raise missing(project_id)
    require_synchronous(project.synchronous_commit)
    return project


def missing(project_id: str) -> NotFoundError:
    """Return the error for a project that is not there."""
    return NotFoundError(f"there is no project {project_id!r}, or it is being deleted")


def require_synchronous(synchronous_commit: str) -> None:
    """Refuse a session whose commits are acknowledged before they are on disk.

    Raises:
        SchemaError: `synchronous_commit` is off.
    """
    if synchronous_commit == "off":
        raise SchemaError(
            "the server, this database or this role has synchronous_commit = off, so a crash would "
            "lose flushes that were acknowledged. Set synchronous_commit = on."
        )


def project_of(row: Row[*tuple[Any, ...]]) -> Project:
    """Return the project in a row that has `PROJECT_COLUMNS`."""
    return Project(
        id=row.id,
        title=row.title,
        attributes=row.attributes,
        rubric_version=row.rubric_version,
        judge=row.judge,
        state=row.state,
        stalled_cause=row.stalled_cause,
        created_at=row.created_at,
    )


def head_of(row: Row[*tuple[Any, ...]]) -> Head:
    """Return the head in a row that has `HEAD_COLUMNS`."""
    return Head(row.head_seq, row.incarnation, row.state, row.chain, row.quarantine)
