"""Projects: their rows, which order everything that is written to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, literal_column, select, text

from .. import failpoints
from ..errors import ConflictError
from ..model import new_id
from ..values import check_id, check_text
from .driver import Query
from .label_rows import read_samples
from .project_row import (
    HEAD_COLUMNS,
    PROJECT_COLUMNS,
    Epoch,
    Head,
    head_of,
    missing,
    project_of,
)
from .rubric_versions import read_current, read_principles
from .scores import read_columns
from .tables import (
    Base,
    BranchStatsMarkRow,
    BranchStatsRow,
    JournalRow,
    LabelledSampleRow,
    NodeRef,
    OrchestratorStateRow,
    PrincipleRow,
    PrincipleScoreRow,
    ProjectRow,
    QuarantineRow,
    RubricPrincipleRow,
    RubricRow,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..model import Principle, Project, Rubric
    from ..samples import LabeledSample
    from .database import Database
    from .scores import ScoreColumns

_INSERT: Final = text(
    # The mark is the owner's too before the first claim: whoever joined then, joined this creation.
    "INSERT INTO sapwood.project (id, title, incarnation, owner)"
    " VALUES (:project_id, :title, :incarnation, :incarnation) ON CONFLICT (id) DO NOTHING"
)
_CLAIM: Final = text(
    "UPDATE sapwood.project SET epoch = epoch + 1, owner = :owner, updated_at = now()"
    " WHERE id = :project_id AND state <> 'deleting'"
    " AND incarnation = coalesce(CAST(:incarnation AS text), incarnation) RETURNING epoch, owner"
)
_HEAD: Final = Query(select(*HEAD_COLUMNS).where(ProjectRow.id == bindparam("project_id")))
_STALL: Final = text(
    "UPDATE sapwood.project SET state = 'stalled', stalled_seq = :seq, stalled_cause = :cause,"
    " updated_at = now() WHERE id = :project_id AND state <> 'deleting' RETURNING state"
)
_RESUME: Final = text(
    "UPDATE sapwood.project SET state = 'open', stalled_seq = NULL, stalled_cause = NULL,"
    " updated_at = now() WHERE id = :project_id AND state = 'stalled'"
)
_MARK_DELETING: Final = text(
    "UPDATE sapwood.project SET state = 'deleting', stalled_seq = NULL, stalled_cause = NULL,"
    " epoch = epoch + 1, owner = '', rubric_version = NULL, updated_at = now()"
    " WHERE id = :project_id RETURNING incarnation"
)
_TABLES: Final = (
    QuarantineRow,
    BranchStatsRow,
    BranchStatsMarkRow,
    PrincipleScoreRow,
    LabelledSampleRow,
    RubricPrincipleRow,
    RubricRow,
    PrincipleRow,
    OrchestratorStateRow,
    NodeRef,
    JournalRow,
)
"""What belongs to a project, in an order that no reference forbids."""
DELETE_ROWS: Final = 20_000
"""Rows of one transaction of a deletion, so that none takes long."""


@dataclass(frozen=True, slots=True)
class ProjectSnapshot:
    """What PostgreSQL holds of a project, all as of one instant.

    Attributes:
        rubric: The current one; `None` before the first.
        scores: Of all judges.
        labels: Of all labelers, by creation and then id.
        principles: Of all versions, by id.
        state: The orchestrator's, as it was saved; `None` before the first.
    """

    project: Project
    head: Head
    rubric: Rubric | None
    scores: ScoreColumns
    labels: list[LabeledSample]
    principles: dict[str, Principle]
    state: bytes | None


class ProjectRepository:
    """The projects of a database. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, project_id: str, *, title: str = "") -> Project:
        """Return the project, made now if there was none; its title is then `title`.

        Cost: one statement, three for a new project.

        Raises:
            ValidationError: The id or the title cannot be stored.
            ConflictError: The project is being deleted.
        """
        check_id("Project", "id", project_id)
        check_text(f"Project {project_id}", "title", title)
        async with self._database.transaction() as connection:
            row = await _find(connection, project_id)
            if row is None:
                values = {"project_id": project_id, "title": title, "incarnation": new_id()}
                await connection.execute(_INSERT, values)
                row = await _find(connection, project_id)
        if row is None or row.state == "deleting":
            raise ConflictError(
                f"project {project_id!r} is being deleted; finish delete_project, then create it "
                "again"
            )
        return project_of(row)

    async def get(self, project_id: str) -> Project:
        """Return the project. Cost: one statement.

        Raises:
            NotFoundError: There is none of that id, or it is being deleted.
        """
        async with self._database.single_read() as connection:
            row = await _find(connection, project_id)
        if row is None or row.state == "deleting":
            raise missing(project_id)
        return project_of(row)

    async def head(self, project_id: str) -> Head:
        """Return where the journal ends. Cost: one statement.

        Raises:
            NotFoundError: There is no such project.
        """
        async with self._database.driver_read() as connection:
            rows = await _HEAD.fetch(connection, {"project_id": project_id})
        if not rows:
            raise missing(project_id)
        return Head(*rows[0])

    async def epoch(self, project_id: str, incarnation: str | None = None) -> Epoch:
        """Return the current writer's epoch, which `join` shares. Cost: one statement.

        Args:
            incarnation: The creation that was opened; any if `None`.

        Raises:
            NotFoundError: There is no such project, or it is another creation.
        """
        async with self._database.single_read() as connection:
            statement = select(ProjectRow.epoch, ProjectRow.owner, ProjectRow.incarnation)
            found = await connection.execute(statement.where(ProjectRow.id == project_id))
            row = found.one_or_none()
        if row is None or incarnation not in (None, row.incarnation):
            raise missing(project_id)
        return Epoch(row.epoch, row.owner)

    async def claim_epoch(self, project_id: str, incarnation: str | None = None) -> Epoch:
        """Take the project over: return a new epoch, which fences every older writer.

        Waits for a flush that is under way. Cost: one statement.

        Args:
            incarnation: The creation that was opened; any if `None`.

        Raises:
            NotFoundError: There is no such project, it is being deleted, or is another creation.
        """
        async with self._database.transaction() as connection:
            values = {"project_id": project_id, "owner": new_id(), "incarnation": incarnation}
            row = (await connection.execute(_CLAIM, values)).one_or_none()
        if row is None:
            raise missing(project_id)
        await failpoints.reach(failpoints.CLAIM_AFTER_COMMIT)
        return Epoch(*row)

    async def set_stalled(self, project_id: str, seq: int, cause: str) -> None:
        """Note that Neo4j refuses the entry at `seq`, and why. Cost: one statement.

        Raises:
            NotFoundError: There is no such project, or it is being deleted.
        """
        values = {"project_id": project_id, "seq": seq, "cause": cause}
        async with self._database.transaction() as connection:
            state = await connection.scalar(_STALL, values)
        if state is None:
            raise missing(project_id)

    async def clear_stalled(self, project_id: str) -> None:
        """Note that the project goes on; nothing if it was not stalled. Cost: one statement."""
        async with self._database.transaction() as connection:
            await connection.execute(_RESUME, {"project_id": project_id})

    async def load_state(self, project_id: str) -> bytes | None:
        """Return the orchestrator's state as it was saved; `None` without one. One statement."""
        statement = select(OrchestratorStateRow.state)
        async with self._database.single_read() as connection:
            return await connection.scalar(
                statement.where(OrchestratorStateRow.project_id == project_id)
            )

    async def load(self, project_id: str) -> ProjectSnapshot:
        """Return what PostgreSQL holds of the project, as of one instant.

        Cost: five statements; the rest grows with the scores and labels.

        Raises:
            NotFoundError: There is no such project, or it is being deleted.
        """
        statement = (
            select(*PROJECT_COLUMNS, *HEAD_COLUMNS, OrchestratorStateRow.state.label("saved"))
            .outerjoin(OrchestratorStateRow, OrchestratorStateRow.project_id == ProjectRow.id)
            .where(ProjectRow.id == project_id)
        )
        async with self._database.transaction(read_only_snapshot=True) as connection:
            row = (await connection.execute(statement)).one_or_none()
            if row is None or row.state == "deleting":
                raise missing(project_id)
            rubric = await read_current(connection, project_id)
            scores = await read_columns(connection, project_id)
            labels = await read_samples(connection, project_id)
            principles = await read_principles(connection, project_id)
        return ProjectSnapshot(
            project_of(row), head_of(row), rubric, scores, labels, principles, row.saved
        )

    async def mark_deleting(self, project_id: str) -> str:
        """Begin to delete the project: fence its writers. May be repeated. Cost: one statement.

        Returns:
            The mark of the creation that is deleted.

        Raises:
            NotFoundError: There is no such project.
        """
        async with self._database.transaction() as connection:
            incarnation: str | None = await connection.scalar(
                _MARK_DELETING, {"project_id": project_id}
            )
        if incarnation is None:
            raise missing(project_id)
        await failpoints.reach(failpoints.DELETE_AFTER_MARK)
        return incarnation

    async def delete_rows(self, project_id: str) -> None:
        """End the deletion that `mark_deleting` began, once the graph is clear of the project.

        Nothing if there is no such project. If it is interrupted, it may be called again.

        Cost: a transaction a table, and one for each 20,000 rows.

        Raises:
            ConflictError: The project was not marked.
        """
        for table in _TABLES:
            while await self._delete_some(project_id, table):
                pass
        async with self._database.transaction() as connection:
            await _require_deleting(connection, project_id)
            await connection.execute(delete(ProjectRow).where(ProjectRow.id == project_id))
        await failpoints.reach(failpoints.DELETE_AFTER_ROWS)

    async def _delete_some(self, project_id: str, table: type[Base]) -> bool:
        """Delete some rows of a table; return whether there may be more."""
        rows = table.__table__
        ctid: ColumnElement[Any] = literal_column("ctid")
        some = select(ctid).select_from(rows).where(rows.c.project_id == project_id)
        places = func.array(some.limit(DELETE_ROWS).scalar_subquery())
        # A `ctid` is a place within one partition: without the project it names others' rows, too.
        statement = delete(table).where(rows.c.project_id == project_id, ctid == func.any(places))
        async with self._database.transaction() as connection:
            await _require_deleting(connection, project_id)
            return bool((await connection.execute(statement)).rowcount)


async def _require_deleting(connection: AsyncConnection, project_id: str) -> None:
    """Raise `ConflictError` if the project is there and not marked."""
    statement = select(ProjectRow.state).where(ProjectRow.id == project_id)
    state = await connection.scalar(statement.with_for_update())
    if state not in (None, "deleting"):
        raise ConflictError(f"project {project_id!r} is not marked as being deleted")


async def _find(connection: AsyncConnection, project_id: str) -> Row[*tuple[Any, ...]] | None:
    statement = select(*PROJECT_COLUMNS).where(ProjectRow.id == project_id)
    return (await connection.execute(statement)).one_or_none()
