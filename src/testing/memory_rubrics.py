"""`store.rubrics` of a memory adapter: see `sapwood.rubrics.Rubrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import Arguments
from ..judges import check_judge
from .rubric_edits import changed, differences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..model import Rubric
    from ..rubric_model import RubricChanges, RubricDiff
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

    async def new_version(self, changes: RubricChanges, *, base: int | None = None) -> Rubric:
        """Make the next version out of another one by changes."""
        if base is not None:
            Arguments("rubrics.new_version").count("base", base, least=1)
        project = self._there()
        self._writable()
        return project.rubrics.save(changed(project.rubrics.base(project.id, base), changes))

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

    async def get(self, version: int) -> Rubric:
        """Return one version."""
        Arguments("rubrics.get").count("version", version, least=1)
        project = await self._drained()
        return project.rubrics.get(project.id, version)

    async def diff(self, old: int, new: int) -> RubricDiff:
        """Return in what version `new` differs from version `old`."""
        Arguments("rubrics.diff").count("old", old, least=1)
        Arguments("rubrics.diff").count("new", new, least=1)
        project = await self._drained()
        return differences(
            project.rubrics.get(project.id, old), project.rubrics.get(project.id, new)
        )
