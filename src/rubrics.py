"""`store.rubrics`: what nodes are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import StoreError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .model import Rubric
    from .session import Session

_CANCELLED = "57014"


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
            saved = await session.rubrics.save(session.project_id, rubric)
            if await session.rubrics.current(session.project_id) is None:
                await self._activate(session, saved.version or 1, None)
            return saved

        return await session.insist("rubric", attempt)

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
            head = await session.rubrics.activate(session.project_id, version, judge=judge)
        except UnavailableError as exc:
            if exc.code != _CANCELLED:
                raise
            # Tried again it would only hold the project's lock as long again, for ever.
            raise StoreError(
                "postgresql",
                f"activating rubric version {version} took longer than statement_timeout_s; open "
                "the Database with a larger one",
                code=_CANCELLED,
            ) from exc
        session.delivery.committed(head, 0, 0)

    async def current(self) -> Rubric | None:
        """Return the current rubric; `None` before the first. Cost: one statement or two."""
        session = await self._ready()
        return await session.barrier.ask(lambda: session.rubrics.current(session.project_id))

    async def history(self) -> list[Rubric]:
        """Return all versions, oldest first; empty before the first."""
        session = await self._ready()
        return await session.barrier.ask(lambda: session.rubrics.history(session.project_id))
