"""`cached_scores` and `invalidation_preview` of a memory adapter: see `sapwood.loading.Loads`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cached import CachedScores
from ..errors import NotFoundError
from ..model import InvalidationPreview, PrinciplePreview, Rubric
from ..relational.rubric_checks import check_rubric

if TYPE_CHECKING:
    from .project_rows import ProjectRows


def cached_scores(
    project: ProjectRows,
    node_ids: list[str],
    judge: str,
    rubric: int | Rubric | None,
    *,
    by_content: bool,
) -> CachedScores:
    """Return the scores that a judge gave under a rubric, and what has none."""
    stored = project.asked_rubric("cached_scores", rubric)
    _require(project, node_ids)
    principle_ids = [principle.id for principle in stored.principles]
    cells: list[int] = []
    scores: list[float] = []
    for row, node_id in enumerate(node_ids):
        for column, principle_id in enumerate(principle_ids):
            score = _number(project, node_id, principle_id, judge)
            if score is None and by_content:
                score = _lent(project, node_id, principle_id, judge)
            if score is not None:
                cells.append(row * len(principle_ids) + column)
                scores.append(score)
    return CachedScores.of_cells(node_ids, principle_ids, [(cells, scores)])


def invalidation_preview(
    project: ProjectRows, rubric: int | Rubric, judge: str | None, node_ids: list[str] | None
) -> InvalidationPreview:
    """Return what judging by a rubric would cost."""
    if isinstance(rubric, int):
        rubric = project.rubrics.get(project.id, rubric)
    check_rubric(rubric)
    principles = [project.rubrics.known(principle) for principle in rubric.principles]
    by = judge or project.judge
    if by is None:
        raise NotFoundError(f"project {project.id!r} has no judge before its first score")
    if node_ids is None:
        numbers = [key for key, draft in project.scores.items() if draft.score is not None]
        node_ids = list({node_id for node_id, _, each in numbers if each == by})
    _require(project, node_ids)
    found: list[PrinciplePreview] = []
    for principle in principles:
        kept = sum(_number(project, each, principle.id, by) is not None for each in node_ids)
        left = len(node_ids) - kept
        found.append(PrinciplePreview(key=principle.key, kept=kept, to_compute=left))
    return InvalidationPreview(judge=by, nodes=len(node_ids), principles=tuple(found))


def _number(project: ProjectRows, node_id: str, principle_id: str, judge: str) -> float | None:
    draft = project.scores.get((node_id, principle_id, judge))
    return None if draft is None else draft.score


def _lent(project: ProjectRows, node_id: str, principle_id: str, judge: str) -> float | None:
    """Return the score of the first node, by id, of the same content that has one."""
    content = project.register[node_id].content_digest
    for each in sorted(project.register):
        score = _number(project, each, principle_id, judge)
        if project.register[each].content_digest == content and score is not None:
            return score
    return None


def _require(project: ProjectRows, node_ids: list[str]) -> None:
    for node_id in node_ids:
        if node_id not in project.register:
            raise NotFoundError.node(project.id, node_id)
