"""`store.rubrics` of a memory adapter: see `sapwood.rubrics.Rubrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..judges import check_judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..model import Rubric
    from .project_rows import ProjectRows


class MemoryRubrics:
    """The versions of a project's rubric."""

    def __init__(
        self,
        there: Callable[[], ProjectRows],
        drained: Callable[[], Awaitable[ProjectRows]],
        writable: Callable[[], None],
    ) -> None:
        self._there = there
        self._drained = drained
        self._writable = writable

    async def save(self, rubric: Rubric) -> Rubric:
        """Make sure that this rubric is the project's newest version."""
        project = self._there()
        self._writable()
        saved = project.rubrics.save(rubric)
        if project.rubric_version is None:
            project.activate(saved.version or 1, None)
        return saved

    async def activate(self, version: int, *, judge: str | None = None) -> None:
        """Make a version current; the `rubric_score` of every scored node follows."""
        self._there()
        self._writable()
        project = await self._drained()
        if judge is not None:
            check_judge("rubrics.activate", judge)
        project.activate(version, judge)

    async def current(self) -> Rubric | None:
        """Return the current rubric; `None` before the first."""
        return (await self._drained()).rubric

    async def history(self) -> list[Rubric]:
        """Return all versions, oldest first."""
        return [*(await self._drained()).rubrics.versions]
