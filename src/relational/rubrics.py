"""Rubrics: immutable versions, shared principles, and which version is current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, text

from ..errors import NotFoundError
from ..journal import Operations
from ..judges import check_judge
from ..model import Principle, Receipt, Rubric, new_id
from ..rubric_model import RubricChanges, apply
from .driver import driver
from .entries import Place, append
from .project_row import Locked, lock_open
from .rubric_checks import changed_principle, check_rubric
from .rubric_scores import changed_rubric_scores
from .rubric_versions import (
    insert_version,
    read_all,
    read_current,
    read_known_principles,
    read_newest,
    read_principles,
    read_versions,
    require_versions,
)
from .tables import PrincipleRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from .database import Database

MOST_SETS: Final = 5000
"""Most values in one journal entry of an activation."""

_ACTIVATE = text(
    "UPDATE sapwood.project SET rubric_version = :version, judge = :judge, head_seq = :head_seq,"
    " chain = :chain, updated_at = now()"
    " WHERE id = :project_id"
)


class RubricEdit:
    """One `new_version`, through all its tries.

    A try whose commit was not heard of may have been made. The next one looks for the very
    version that it would have made; nobody else can have made an equal one there without having
    done the same.

    Attributes:
        base: Version to start from; `None` for the newest.
        tried: What the last try would have stored, if it got that far.
    """

    def __init__(self, changes: RubricChanges, base: int | None = None) -> None:
        self.changes = changes
        self.base = base
        self.tried: Rubric | None = None


class RubricRepository:
    """The rubrics of each project of a database.

    What writes takes the mark of the creation that was opened, `incarnation`, and raises
    `NotFoundError` if the project was made anew since; `None` stands for whichever is there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self, project_id: str, rubric: Rubric, *, incarnation: str | None = None
    ) -> Rubric:
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
            await lock_open(connection, project_id, incarnation)
            newest = await read_newest(connection, project_id)
            return await _save(connection, project_id, rubric, newest)

    async def new_version(
        self, project_id: str, edit: RubricEdit, *, incarnation: str | None = None
    ) -> Rubric:
        """Make a version out of another by changes, and return it as stored.

        Whoever edits at the same time comes before or after, and the later builds on the earlier.
        The newest version comes back if the result equals it. Nothing becomes current.

        Args:
            edit: The same for each try of one call.

        Cost: seven statements at most, one more for a later try; waits for a flush under way.

        Raises:
            ValidationError: The changes do not fit the base; see `apply` and `save`.
            NotFoundError: There is no such project or base, or no version yet.
        """
        async with self._database.transaction() as connection:
            await lock_open(connection, project_id, incarnation)
            newest = await read_newest(connection, project_id)
            if newest is None:
                raise NotFoundError(f"project {project_id!r} has no rubric yet; save one first")
            made = await _made_before(connection, project_id, edit)
            if made is not None:
                return made
            base = newest
            if edit.base is not None:
                (base,) = await require_versions(connection, project_id, edit.base)
            rubric = apply(edit.changes, base)
            check_rubric(rubric)
            edit.tried = await _save(connection, project_id, rubric, newest)
            return edit.tried

    async def current(self, project_id: str) -> Rubric | None:
        """Return the current version; `None` before the first. Cost: one statement."""
        async with self._database.single_read() as connection:
            return await read_current(connection, project_id)

    async def get(self, project_id: str, version: int) -> Rubric:
        """Return one version. Cost: one statement.

        Raises:
            NotFoundError: There is no such version.
        """
        async with self._database.single_read() as connection:
            (found,) = await require_versions(connection, project_id, version)
        return found

    async def history(self, project_id: str) -> list[Rubric]:
        """Return all versions, oldest first; empty before the first. Cost: one statement."""
        async with self._database.single_read() as connection:
            return await read_all(connection, project_id)

    async def pair(self, project_id: str, old: int, new: int) -> tuple[Rubric, Rubric]:
        """Return two versions, which may be one. Cost: one statement.

        Raises:
            NotFoundError: There is no such version.
        """
        async with self._database.single_read() as connection:
            before, after = await require_versions(connection, project_id, old, new)
        return before, after

    async def principles(self, project_id: str, ids: Iterable[str]) -> dict[str, Principle]:
        """Return the principles of these ids; unknown ones are left out. Cost: one statement."""
        async with self._database.single_read() as connection:
            wanted = PrincipleRow.id == func.any(list(ids))
            return await read_principles(connection, project_id, wanted)

    async def activate(
        self,
        project_id: str,
        version: int,
        *,
        judge: str | None = None,
        incarnation: str | None = None,
    ) -> int:
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
            project = await lock_open(connection, project_id, incarnation)
            await require_versions(connection, project_id, version)
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


async def _made_before(
    connection: AsyncConnection, project_id: str, edit: RubricEdit
) -> Rubric | None:
    """Return what an earlier try of `edit` made, whose commit was not heard of."""
    if edit.tried is None or edit.tried.version is None:
        return None
    version = edit.tried.version
    stored = (await read_versions(connection, project_id, version)).get(version)
    return stored if stored is not None and _equal(stored, edit.tried) else None


async def _save(
    connection: AsyncConnection, project_id: str, rubric: Rubric, newest: Rubric | None
) -> Rubric:
    """Return `newest` if `rubric` equals it, else `rubric` as the next version."""
    known = await read_known_principles(connection, project_id, rubric.principles)
    wanted = _with_known_ids(rubric, known)
    if newest is not None and _equal(newest, wanted):
        return newest
    version = 1 if newest is None or newest.version is None else newest.version + 1
    return await insert_version(connection, project_id, version, wanted, known)


def _with_known_ids(rubric: Rubric, known: list[Principle]) -> Rubric:
    """Return `rubric` with the ids that its principles already have, and every weight."""
    by_id = {principle.id: principle for principle in known}
    by_meaning = {(principle.key, principle.text): principle for principle in reversed(known)}
    principles: list[Principle] = []
    for principle in rubric.principles:
        other = by_id.get(principle.id, principle)
        if other != principle:
            raise changed_principle(principle, other.key)
        principles.append(by_meaning.get((principle.key, principle.text), principle))
    weights = {principle.key: rubric.weight(principle.key) for principle in principles}
    return Rubric(principles=tuple(principles), weights=weights)


def _equal(stored: Rubric, wanted: Rubric) -> bool:
    return stored.principles == wanted.principles and stored.weights == wanted.weights


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
    raw = await driver(connection)
    for number, values in enumerate(changes, start=1):
        last = last.next(f"{batch_id}.{number}")
        sets = [{"id": node_id, "rubric_score": value} for node_id, value in values.items()]
        await append(raw, last, Operations([], sets), Receipt(seq=last.seq))
    return last
