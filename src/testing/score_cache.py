"""`cached_scores` of a memory adapter: see `sapwood.reading.Reads`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotFoundError, ValidationError
from ..model import Rubric
from ..relational import CachedScores, ScoreKey

if TYPE_CHECKING:
    from .project_rows import ProjectRows


def cached_scores(
    project: ProjectRows, node_ids: list[str], judge: str, rubric: int | Rubric | None
) -> CachedScores:
    """Return the scores that a judge gave under a rubric, and what has none."""
    stored = _stored(project, rubric)
    for node_id in node_ids:
        if node_id not in project.register:
            raise NotFoundError.node(project.id, node_id)
    result = CachedScores({}, [])
    for node_id in node_ids:
        for principle in stored.principles:
            key = ScoreKey(node_id, principle.id)
            found = project.scores.get((node_id, principle.id, judge))
            if found is None or found.score is None:
                result.misses.append(key)
            else:
                result.hits[key] = found.score
    return result


def _stored(project: ProjectRows, rubric: int | Rubric | None) -> Rubric:
    version = rubric.version if isinstance(rubric, Rubric) else rubric
    version = project.rubric_version if version is None else version
    if version is None:
        raise NotFoundError(f"project {project.id!r} has no current rubric")
    stored = project.rubrics.get(project.id, version)
    if isinstance(rubric, Rubric) and rubric.principles != stored.principles:
        problem = f"is not version {version} of project {project.id!r}"
        raise ValidationError("cached_scores", "rubric", problem)
    return stored
