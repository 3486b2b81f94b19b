"""Rubrics: immutable versions, shared principles, and which version is current."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, text

from ..errors import ConflictError, NotFoundError
from ..journal import Operations
from ..judges import check_judge
from ..model import Principle, Receipt, Rubric, new_id
from .entries import Place, append
from .project_row import Locked, lock_open
from .rubric_checks import check_rubric
from .rubric_scores import changed_rubric_scores
from .tables import PrincipleRow, ProjectRow, RubricPrincipleRow, RubricRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from .database import Database

MOST_SETS: Final = 5000
"""Most values in one journal entry of an activation."""

_VERSIONS = (
    select(
        RubricRow.version,
        RubricRow.created_at,
        PrincipleRow.id,
        PrincipleRow.key,
        PrincipleRow.text,
        RubricPrincipleRow.weight,
    )
    .join_from(
        RubricRow,
        RubricPrincipleRow,
        (RubricPrincipleRow.project_id == RubricRow.project_id)
        & (RubricPrincipleRow.version == RubricRow.version),
    )
    .join(
        PrincipleRow,
        (PrincipleRow.project_id == RubricPrincipleRow.project_id)
        & (PrincipleRow.id == RubricPrincipleRow.principle_id),
    )
    .order_by(RubricRow.version, RubricPrincipleRow.position)
)
_INSERT_ENTRIES = text(
    "INSERT INTO sapwood.rubric_principle (project_id, version, position, principle_id, weight)"
    " SELECT :project_id, :version, place, id, weight"
    " FROM unnest(CAST(:ids AS text[]), CAST(:weights AS float8[]))"
    " WITH ORDINALITY AS given (id, weight, place)"
)
_ACTIVATE = text(
    "UPDATE sapwood.project SET rubric_version = :version, judge = :judge, head_seq = :head_seq,"
    " chain = :chain, updated_at = now()"
    " WHERE id = :project_id"
)


class RubricRepository:
    """The rubrics of each project of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, project_id: str, rubric: Rubric) -> Rubric:
        """Make sure that `rubric` is the project's newest version, and return it as stored.

        The newest version comes back unchanged if it is equal: same principles in the same
        order, same weights. Otherwise there is a next one. A principle with the key and text of
        one that any earlier version had gets that one's id. Nothing becomes current.

        Cost: six statements at most; waits for a flush that is under way.

        Raises:
            ValidationError: No principle, a key or id twice, a weight that is neither 0 nor from
                1e-9 to 1e9 or that belongs to no principle, a text that cannot be stored.
            ConflictError: A principle's id is that of another key or text.
            NotFoundError: There is no such project.
        """
        check_rubric(rubric)
        async with self._database.transaction() as connection:
            await lock_open(connection, project_id)
            known = await _known_principles(connection, project_id, rubric.principles)
            wanted = _with_known_ids(rubric, known)
            newest = await _newest(connection, project_id)
            if newest is not None and _equal(newest, wanted):
                return newest
            version = 1 if newest is None or newest.version is None else newest.version + 1
            return await _insert(connection, project_id, version, wanted, known)

    async def current(self, project_id: str) -> Rubric | None:
        """Return the current version; `None` before the first. Cost: one statement."""
        async with self._database.transaction() as connection:
            return await read_current(connection, project_id)

    async def get(self, project_id: str, version: int) -> Rubric:
        """Return one version. Cost: one statement.

        Raises:
            NotFoundError: There is no such version.
        """
        async with self._database.transaction() as connection:
            return await _get(connection, project_id, version)

    async def history(self, project_id: str) -> list[Rubric]:
        """Return all versions, oldest first; empty before the first. Cost: one statement."""
        statement = _VERSIONS.where(RubricRow.project_id == project_id)
        async with self._database.transaction() as connection:
            return _rubrics((await connection.execute(statement)).all())

    async def principles(self, project_id: str, ids: Iterable[str]) -> dict[str, Principle]:
        """Return the principles of these ids; unknown ones are left out. Cost: one statement."""
        row = PrincipleRow
        statement = select(row.id, row.key, row.text).where(
            row.project_id == project_id, row.id == func.any(list(ids))
        )
        async with self._database.transaction() as connection:
            found = (await connection.execute(statement)).all()
        return {id_: Principle(id=id_, key=key, text=text_) for id_, key, text_ in found}

    async def activate(self, project_id: str, version: int, *, judge: str | None = None) -> int:
        """Make a version current, and journal what it changes about each node's `rubric_score`.

        May be repeated: what is current already changes nothing. One transaction; flushes wait.

        Args:
            version: A saved one; going back is fine.
            judge: From now on the one whose scores count; `None` keeps the project's.

        Returns:
            The journal's head, after an entry for each 5,000 values that changed.

        Cost: five statements, and one more for each entry. Grows with the scores of the project.

        Raises:
            NotFoundError: There is no such project or version.
            ValidationError: `judge` has no version, or cannot be stored.
        """
        if judge is not None:
            check_judge("rubrics.activate", judge)
        async with self._database.transaction() as connection:
            project = await lock_open(connection, project_id)
            await _get(connection, project_id, version)
            judge = judge or project.judge
            changes = await changed_rubric_scores(
                connection,
                project_id,
                (project.rubric_version, project.judge),
                (version, judge),
                MOST_SETS,
            )
            last = await _journal(connection, project_id, project, changes)
            values = {
                "project_id": project_id,
                "version": version,
                "judge": judge,
                "head_seq": last.seq,
                "chain": last.chain,
            }
            await connection.execute(_ACTIVATE, values)
            return last.seq


async def read_current(connection: AsyncConnection, project_id: str) -> Rubric | None:
    """Return the current version; `None` before the first. Cost: one statement."""
    current = select(ProjectRow.rubric_version).where(ProjectRow.id == project_id)
    return await _one(connection, project_id, current.scalar_subquery())


async def _newest(connection: AsyncConnection, project_id: str) -> Rubric | None:
    newest = select(func.max(RubricRow.version)).where(RubricRow.project_id == project_id)
    return await _one(connection, project_id, newest.scalar_subquery())


async def _get(connection: AsyncConnection, project_id: str, version: int) -> Rubric:
    found = await _one(connection, project_id, version)
    if found is None:
        raise NotFoundError(f"project {project_id!r} has no rubric version {version}")
    return found


async def _one(connection: AsyncConnection, project_id: str, version: Any) -> Rubric | None:
    statement = _VERSIONS.where(RubricRow.project_id == project_id, RubricRow.version == version)
    found = _rubrics((await connection.execute(statement)).all())
    return found[0] if found else None


def _rubrics(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Rubric]:
    """Return the rubrics in rows of `_VERSIONS`."""
    result: list[Rubric] = []
    for version, group in groupby(rows, key=lambda row: row.version):
        entries = list(group)
        result.append(
            Rubric(
                principles=tuple(Principle(id=e.id, key=e.key, text=e.text) for e in entries),
                weights={entry.key: entry.weight for entry in entries},
                version=version,
                created_at=entries[0].created_at,
            )
        )
    return result


async def _known_principles(
    connection: AsyncConnection, project_id: str, wanted: tuple[Principle, ...]
) -> list[Principle]:
    """Return the project's principles that share an id or a key with a wanted one, oldest first."""
    row = PrincipleRow
    ids = [principle.id for principle in wanted]
    keys = [principle.key for principle in wanted]
    statement = (
        select(row.id, row.key, row.text)
        .where(
            row.project_id == project_id, (row.id == func.any(ids)) | (row.key == func.any(keys))
        )
        .order_by(row.created_at, row.id)
    )
    found = (await connection.execute(statement)).all()
    return [Principle(id=id_, key=key, text=text_) for id_, key, text_ in found]


def _with_known_ids(rubric: Rubric, known: list[Principle]) -> Rubric:
    """Return `rubric` with the ids that its principles already have, and every weight."""
    by_id = {principle.id: principle for principle in known}
    by_meaning = {(principle.key, principle.text): principle for principle in reversed(known)}
    principles: list[Principle] = []
    for principle in rubric.principles:
        other = by_id.get(principle.id, principle)
        if other != principle:
            raise ConflictError(
                f"principle {principle.id} was saved with key {other.key!r} and another text or "
                "key; a changed principle is a new one: make it without an id"
            )
        principles.append(by_meaning.get((principle.key, principle.text), principle))
    weights = {principle.key: rubric.weight(principle.key) for principle in principles}
    return Rubric(principles=tuple(principles), weights=weights)


def _equal(stored: Rubric, wanted: Rubric) -> bool:
    return stored.principles == wanted.principles and stored.weights == wanted.weights


async def _insert(
    connection: AsyncConnection,
    project_id: str,
    version: int,
    wanted: Rubric,
    known: list[Principle],
) -> Rubric:
    new = [principle for principle in wanted.principles if principle not in known]
    if new:
        rows = [{"project_id": project_id, **principle.model_dump()} for principle in new]
        await connection.execute(insert(PrincipleRow), rows)
    statement = insert(RubricRow).values(project_id=project_id, version=version)
    created = await connection.execute(statement.returning(RubricRow.created_at))
    values = {
        "project_id": project_id,
        "version": version,
        "ids": [principle.id for principle in wanted.principles],
        "weights": list(wanted.weights.values()),
    }
    await connection.execute(_INSERT_ENTRIES, values)
    return wanted.model_copy(update={"version": version, "created_at": created.scalar_one()})


async def _journal(
    connection: AsyncConnection,
    project_id: str,
    project: Locked,
    changes: list[dict[str, float | None]],
) -> Place:
    """Append an entry for each part of `changes`; return the place of the journal's last entry."""
    last = Place(
        project_id, project.head_seq, "", project.chain, project.incarnation, project.epoch
    )
    batch_id = new_id()
    for number, values in enumerate(changes, start=1):
        last = last.next(f"{batch_id}.{number}")
        sets = [{"id": node_id, "rubric_score": value} for node_id, value in values.items()]
        await append(connection, last, Operations([], sets), Receipt(seq=last.seq))
    return last
