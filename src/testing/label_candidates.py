"""Which nodes are worth a label, in the plainest way: see `sapwood.labels.Labels.next`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ..model import NodeStatus
from ..samples import LabelCandidate

if TYPE_CHECKING:
    from ..samples import Reason
    from .project_rows import ProjectRows

_HUGE = 1e200


def label_candidates(project: ProjectRows, n: int) -> list[LabelCandidate]:
    """Return at most `n` nodes, the best of each reason in turn."""
    rankings: dict[Reason, list[tuple[float, str]]] = {
        "judges disagree": sorted((-spread, each) for each, spread in _spreads(project).items()),
        "near the pruning line": sorted(_distances(project)),
        "high score": sorted(
            (-value, each)
            for each, value in _values(project, NodeStatus.ALIVE, NodeStatus.COMPLETE).items()
        ),
    }
    labelled = project.labels.digests
    found: list[LabelCandidate] = []
    while len(found) < n and any(rankings.values()):
        for reason, ranking in rankings.items():
            while ranking:
                value, node_id = ranking.pop(0)
                digest = project.register[node_id].content_digest
                if digest not in labelled:
                    labelled.add(digest)
                    one = LabelCandidate(node_id=node_id, reason=reason, value=abs(value))
                    if reason == "high score":
                        one = one.model_copy(update={"value": -value})
                    found.append(one)
                    break
    return found[:n]


def _values(project: ProjectRows, *statuses: NodeStatus) -> dict[str, float]:
    nodes = project.graph.nodes
    by_rubric = any(node["rubric_score"] is not None for node in nodes.values())
    name = "rubric_score" if by_rubric else "score"
    return {
        node_id: min(max(node[name], -_HUGE), _HUGE)
        for node_id, node in nodes.items()
        if node["status"] in statuses and node[name] is not None
    }


def _distances(project: ProjectRows) -> list[tuple[float, str]]:
    pruned = _values(project, NodeStatus.PRUNED)
    alive = _values(project, NodeStatus.ALIVE)
    if not pruned or not alive:
        return []
    values = sorted({*pruned.values(), *alive.values()})
    lines = [low + (high - low) / 2 for low, high in pairwise(values)]
    wrong = [
        sum(value > line for value in pruned.values())
        + sum(value <= line for value in alive.values())
        for line in lines
    ]
    if not lines:
        return []
    best = lines[wrong.index(min(wrong))]
    return [(abs(value - best), each) for each, value in {**pruned, **alive}.items()]


def _spreads(project: ProjectRows) -> dict[str, float]:
    rubric = project.rubric
    asked = {each.id for each in rubric.principles} if rubric is not None else set()
    numbers: dict[tuple[str, str], list[float]] = {}
    for score in project.scores.values():
        if score.score is not None and score.principle_id in asked:
            bounded = min(max(score.score, -_HUGE), _HUGE)
            numbers.setdefault((score.node_id, score.principle_id), []).append(bounded)
    spreads: dict[str, float] = {}
    for (node_id, _), given in numbers.items():
        if max(given) > min(given):
            spreads[node_id] = max(spreads.get(node_id, 0.0), max(given) - min(given))
    return spreads
