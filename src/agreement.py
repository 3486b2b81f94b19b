"""How far judges agree with people: statistics over pairs of a label and a score. No I/O."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .extras import require
from .samples import Agreement
from .scales import ClassScale, parse_scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .model import Principle, Rubric


class Pair(NamedTuple):
    """A label and what a judge says of the same content.

    Attributes:
        principle_id: `None` for the whole.
        scale: The label's, in its short form.
    """

    judge: str
    principle_id: str | None
    scale: str
    label: float | str
    score: float


def require_statistics() -> None:
    """Raise `MissingExtraError` if the packages for it are not installed."""
    require("agreement", "comparing judges with people", "scipy.stats", "sklearn.metrics")


def agreements(
    rubric: Rubric, judges: Iterable[str], pairs: Iterable[Pair], stale: Iterable[str | None]
) -> list[Agreement]:
    """Return how far each judge agrees on each principle of a version, in order, and the whole.

    Args:
        pairs: Labels of this version with these judges' scores. A scale of one class offers no
            choice: its labels say nothing, and are left out.
        stale: Keys of the principles of the stale labels; `None` for one of the whole.
    """
    by_subject: dict[tuple[str, str | None], list[Pair]] = {}
    for pair in pairs:
        by_subject.setdefault((pair.judge, pair.principle_id), []).append(pair)
    stale_by_key = Counter(stale)
    subjects: list[Principle | None] = [*rubric.principles, None]
    return [
        _agreement(rubric, judge, subject, by_subject, stale_by_key)
        for judge in judges
        for subject in subjects
    ]


def _agreement(
    rubric: Rubric,
    judge: str,
    principle: Principle | None,
    by_subject: dict[tuple[str, str | None], list[Pair]],
    stale: Counter[str | None],
) -> Agreement:
    principle_id, key = (None, None) if principle is None else (principle.id, principle.key)
    return Agreement(
        judge=judge,
        principle_id=principle_id,
        key=key,
        rubric_version=rubric.version or 0,
        stale=stale[key],
        **_statistics(by_subject.get((judge, principle_id), [])),
    )


def _statistics(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the numbers of an `Agreement`."""
    scales = {text: parse_scale(text) for text in {pair.scale for pair in pairs}}
    labels: list[float] = []
    scores: list[float] = []
    for pair in pairs:
        scale = scales[pair.scale]
        if not isinstance(scale, ClassScale):
            labels.append(float(pair.label))
            scores.append(pair.score)
        elif len(scale.classes) > 1:
            labels.append(scale.classes[str(pair.label)])
            scores.append(pair.score)
    used = [scale for scale in scales.values() if scale.values is None or len(scale.values) > 1]
    values = used[0].values if len(used) == 1 else None
    kappa, weighted = (None, None) if values is None else _kappas(values, labels, scores)
    return {
        "count": len(labels),
        "spearman": _spearman(labels, scores),
        "mean_absolute_error": _mean_absolute_error(labels, scores),
        "bias": float(np.mean(np.subtract(scores, labels))) if labels else None,
        "kappa": kappa,
        "weighted_kappa": weighted,
    }


def _spearman(labels: list[float], scores: list[float]) -> float | None:
    from scipy.stats import spearmanr

    if len(set(labels)) < 2 or len(set(scores)) < 2:
        return None  # a constant side has no ranks, and scipy would warn of it
    found: Any = spearmanr(labels, scores)
    return float(found.statistic)


def _mean_absolute_error(labels: list[float], scores: list[float]) -> float | None:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(labels, scores)) if labels else None


def _kappas(
    values: list[float], labels: list[float], scores: list[float]
) -> tuple[float | None, float | None]:
    """Return Cohen's kappa, without weights and with quadratic ones, over the nearest values."""
    from sklearn.metrics import cohen_kappa_score

    people, judge = nearest(values, labels), nearest(values, scores)
    if len({*people, *judge}) < 2:
        return None, None  # all in one class: there is nothing that chance would not explain
    every = range(len(values))
    plain, weighted = (
        float(cohen_kappa_score(people, judge, labels=every, weights=weights))
        for weights in (None, "quadratic")
    )
    return plain, weighted


def nearest(values: list[float], numbers: list[float]) -> list[int]:
    """Return the place of the nearest value of each number, the lower of two that are as near.

    Args:
        values: Ascending.
    """
    between = [low + (high - low) / 2 for low, high in pairwise(values)]
    places: list[int] = np.searchsorted(between, numbers, side="left").tolist()
    return places
