"""Rows of a project's rubric versions: how they are read and written within a transaction."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, BigInteger, func, insert, literal, select, text

from ..errors import NotFoundError
from ..model import Principle, Rubric
from .tables import PrincipleRow, ProjectRow, RubricPrincipleRow, RubricRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

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


async def read_current(connection: AsyncConnection, project_id: str) -> Rubric | None:
    """Return the current version; `None` before the first. Cost: one statement."""
    current = select(ProjectRow.rubric_version).where(ProjectRow.id == project_id)
    return await _one(connection, project_id, RubricRow.version == current.scalar_subquery())


async def read_newest(connection: AsyncConnection, project_id: str) -> Rubric | None:
    """Return the newest version; `None` before the first. Cost: one statement."""
    newest = select(func.max(RubricRow.version)).where(RubricRow.project_id == project_id)
    return await _one(connection, project_id, RubricRow.version == newest.scalar_subquery())


async def read_all(connection: AsyncConnection, project_id: str) -> list[Rubric]:
    """Return all versions, oldest first; empty before the first. Cost: one statement."""
    statement = _VERSIONS.where(RubricRow.project_id == project_id)
    return _rubrics((await connection.execute(statement)).all())


async def read_versions(
    connection: AsyncConnection, project_id: str, *wanted: int
) -> dict[int, Rubric]:
    """Return those of these versions that there are, by version. Cost: one statement."""
    numbers = literal(wanted, ARRAY(BigInteger))  # whatever number is asked for
    statement = _VERSIONS.where(
        RubricRow.project_id == project_id, RubricRow.version == func.any(numbers)
    )
    found = _rubrics((await connection.execute(statement)).all())
    return {rubric.version: rubric for rubric in found if rubric.version is not None}


async def require_versions(
    connection: AsyncConnection, project_id: str, *versions: int
) -> list[Rubric]:
    """Return these versions, in their order. Cost: one statement.

    Raises:
        NotFoundError: There is no such version.
    """
    found = await read_versions(connection, project_id, *versions)
    for version in versions:
        if version not in found:
            raise NotFoundError(f"project {project_id!r} has no rubric version {version}")
    return [found[version] for version in versions]


async def read_principles(
    connection: AsyncConnection, project_id: str, *conditions: ColumnElement[bool]
) -> dict[str, Principle]:
    """Return those principles of all versions that fulfil the conditions, by id, oldest first.

    Cost: one statement.
    """
    row = PrincipleRow
    statement = (
        select(row.id, row.key, row.text)
        .where(row.project_id == project_id, *conditions)
        .order_by(row.created_at, row.id)
    )
    found = await connection.execute(statement)
    return {id_: Principle(id=id_, key=key, text=text_) for id_, key, text_ in found}


async def _one(
    connection: AsyncConnection, project_id: str, condition: ColumnElement[bool]
) -> Rubric | None:
    statement = _VERSIONS.where(RubricRow.project_id == project_id, condition)
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


async def read_known_principles(
    connection: AsyncConnection, project_id: str, wanted: tuple[Principle, ...]
) -> list[Principle]:
    """Return the project's principles that share an id or a key with a wanted one, oldest first."""
    ids = [principle.id for principle in wanted]
    keys = [principle.key for principle in wanted]
    shared = (PrincipleRow.id == func.any(ids)) | (PrincipleRow.key == func.any(keys))
    return [*(await read_principles(connection, project_id, shared)).values()]


async def insert_version(
    connection: AsyncConnection,
    project_id: str,
    version: int,
    wanted: Rubric,
    known: list[Principle],
) -> Rubric:
    """Store a version and those of its principles that are not `known`; return it as stored."""
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
