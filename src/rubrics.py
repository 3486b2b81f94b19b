"""`store.rubrics`: what nodes are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Arguments
from .errors import StoreError, UnavailableError
from .relational import RubricEdit
from .rubric_model import diff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .model import Rubric
    from .rubric_model import RubricChanges, RubricDiff
    from .session import Session

_TOO_LONG = frozenset({"57014", "25P04"})
"""SQLSTATEs of a statement, or a transaction, that the server ended for its time."""


class Rubrics:
    """The versions of a project's rubric. Each is immutable; one is current."""

    def __init__(self, ready: Callable[[], Awaitable[Session]]) -> None:
        self._ready = ready

    async def save(self, rubric: Rubric) -> Rubric:
        """Make sure that this rubric is the project's newest version.

        Saving what already is the newest version changes nothing, so a program may call this at
        every start. Otherwise it becomes the next version; a principle whose key and text stood
        in an earlier version keeps its id, and with it its scores. The first version becomes
        current at once, later ones by `activate`.

        Returns:
            The rubric as stored, with its version and the ids of its principles.

        Raises:
            ValidationError: No principle, a key twice, a weight that is negative or not finite.
            ConflictError: A principle id came with another key or text.
        """
        session = await self._ready()

        async def attempt() -> Rubric:
            saved = await session.rubrics.save(
                session.project_id, rubric, incarnation=session.incarnation
            )
            if await session.rubrics.current(session.project_id) is None:
                await self._activate(session, saved.version or 1, None)
            return saved

        return await session.insist("rubric", attempt)

    async def new_version(self, changes: RubricChanges, *, base: int | None = None) -> Rubric:
        """Make the next version out of another one by changes; nothing becomes current.

        Two people who edit at once both get their edits: the later builds on the earlier. If the
        result equals the newest version, that comes back and there is no new one. A text that the
        key had in an earlier version gets that principle's id back, and with it its scores.

        Args:
            base: Version to start from; `None` for the newest. From an older one, what the later
                ones changed is left behind.

        Raises:
            ValidationError: A weight or a removal names a key that there is not; a key is both in
                `texts` and `remove`; nothing is left; a value that `save` refuses.
            NotFoundError: There is no version `base`, or none at all: `save` a rubric first.

        Cost: one PostgreSQL transaction of seven statements at most.
        """
        if base is not None:
            Arguments("rubrics.new_version").count("base", base, least=1)
        edit = RubricEdit(changes, base)
        session = await self._ready()
        make = session.rubrics.new_version
        return await session.insist(
            "rubric", lambda: make(session.project_id, edit, incarnation=session.incarnation)
        )

    async def activate(self, version: int, *, judge: str | None = None) -> None:
        """Make a version current; the `rubric_score` of every scored node follows.

        Args:
            version: A saved one.
            judge: From now on the one judge whose scores count; `None` keeps the present one.

        Raises:
            NotFoundError: There is no such version.
            ValidationError: The judge's name has no version: see `sapwood.judge_name`.
            StoreError: It took longer than the database's `statement_timeout_s`.

        Cost: one PostgreSQL transaction; grows with the number of scored nodes.
        """
        session = await self._ready()
        await session.flusher.drain()
        await session.insist("rubric", lambda: self._activate(session, version, judge))

    async def _activate(self, session: Session, version: int, judge: str | None) -> None:
        try:
            head = await session.rubrics.activate(
                session.project_id, version, judge=judge, incarnation=session.incarnation
            )
        except UnavailableError as exc:
            if exc.code not in _TOO_LONG:
                raise
            # Tried again it would only hold the project's lock as long again, for ever.
            raise StoreError(
                "postgresql",
                f"activating rubric version {version} took longer than statement_timeout_s; open "
                "the Database with a larger one",
                code=exc.code,
            ) from exc
        session.delivery.committed(head, 0, 0)

    async def current(self) -> Rubric | None:
        """Return the current rubric; `None` before the first. Cost: two statements."""
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.rubrics.current(session.project_id)
        )

    async def history(self) -> list[Rubric]:
        """Return all versions, oldest first; empty before the first."""
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.rubrics.history(session.project_id)
        )

    async def get(self, version: int) -> Rubric:
        """Return one version. Cost: two statements.

        Raises:
            NotFoundError: There is no such version.
        """
        Arguments("rubrics.get").count("version", version, least=1)
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.rubrics.get(session.project_id, version)
        )

    async def diff(self, old: int, new: int) -> RubricDiff:
        """Return in what version `new` differs from version `old`. Cost: two statements.

        `sapwood.rubric_model.diff` does the same with any two rubrics, saved or not.

        Raises:
            NotFoundError: There is no such version.
        """
        check = Arguments("rubrics.diff")
        versions = check.count("old", old, least=1), check.count("new", new, least=1)
        session = await self._ready()
        pair = await session.barrier.ask_project(
            lambda: session.rubrics.pair(session.project_id, *versions)
        )
        return diff(*pair)
