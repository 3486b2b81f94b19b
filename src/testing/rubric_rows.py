"""A project's rubrics in memory, and the number that one of them makes of a node's scores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import NotFoundError
from ..model import Principle, Rubric
from ..relational.rubric_checks import changed_principle, check_rubric

if TYPE_CHECKING:
    from collections.abc import Mapping

_HUGE, _TINY = 1e200, 1e-200


class RubricRows:
    """The versions of a project's rubric, oldest first, and every principle that one of them has.

    Attributes:
        versions: As they were saved.
        principles: By id.
    """

    def __init__(self) -> None:
        self.versions: list[Rubric] = []
        self.principles: dict[str, Principle] = {}

    def save(self, rubric: Rubric) -> Rubric:
        """Make sure that `rubric` is the newest version."""
        check_rubric(rubric)
        principles = tuple(self.known(principle) for principle in rubric.principles)
        weights = {principle.key: rubric.weight(principle.key) for principle in principles}
        if self.versions:
            newest = self.versions[-1]
            if (newest.principles, newest.weights) == (principles, weights):
                return newest
        self.principles |= {principle.id: principle for principle in principles}
        saved = Rubric(
            principles=principles,
            weights=weights,
            version=len(self.versions) + 1,
            created_at=datetime.now(UTC),
        )
        self.versions.append(saved)
        return saved

    def known(self, wanted: Principle) -> Principle:
        """Return the saved principle of that key and text; `wanted` if there is none."""
        other = self.principles.get(wanted.id, wanted)
        if other != wanted:
            raise changed_principle(wanted, other.key)
        for principle in self.principles.values():
            if (principle.key, principle.text) == (wanted.key, wanted.text):
                return principle
        return wanted

    def get(self, project_id: str, version: int) -> Rubric:
        """Return one version."""
        if not 1 <= version <= len(self.versions):
            raise NotFoundError(f"project {project_id!r} has no rubric version {version}")
        return self.versions[version - 1]

    def base(self, project_id: str, version: int | None) -> Rubric:
        """Return what an edit starts from: a version, or the newest."""
        if not self.versions:
            raise NotFoundError(f"project {project_id!r} has no rubric yet; save one first")
        return self.versions[-1] if version is None else self.get(project_id, version)


def mean(rubric: Rubric, scores: Mapping[str, float]) -> float | None:
    """Return Σ w·s / Σ w over the principles in order; `None` while one that weighs has no score.

    Args:
        scores: One judge's numbers for one node, by principle id.
    """
    total = weights = 0.0
    for principle in rubric.principles:
        weight = rubric.weight(principle.key)
        if weight > 0:
            if principle.id not in scores:
                return None
            total += weight * bounded(scores[principle.id])
            weights += weight
    return total / weights if weights else None


def bounded(score: float) -> float:
    """Return a score as it counts: what PostgreSQL can multiply without refusing it."""
    return 0.0 if abs(score) < _TINY else min(max(score, -_HUGE), _HUGE)
