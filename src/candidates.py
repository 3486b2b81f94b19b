"""Which unlabelled nodes are most worth a person's look. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .model import NodeStatus
from .samples import LabelCandidate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .nodes import Columns
    from .samples import Reason

CANDIDATE_FIELDS: Final = ("id", "status", "score", "rubric_score")
"""The columns of nodes that are needed."""
_HUGE: Final = 1e200
_GOOD: Final = frozenset({NodeStatus.ALIVE.value, NodeStatus.COMPLETE.value})


def candidates(
    n: int, nodes: Columns, digests: Mapping[str, bytes], spreads: Mapping[str, float]
) -> list[LabelCandidate]:
    """Return at most `n` nodes, the first of each reason in turn, then the second of each, ….

    Args:
        nodes: `CANDIDATE_FIELDS` of all nodes of the project.
        digests: Of the contents that have no label, by node id.
        spreads: The largest spread between two judges, by node id.
    """
    known = set(nodes["id"])
    scored = _scored(nodes)
    line = pruning_line(
        [value for _, status, value in scored if status == NodeStatus.PRUNED.value],
        [value for _, status, value in scored if status == NodeStatus.ALIVE.value],
    )
    closed = {NodeStatus.ALIVE.value, NodeStatus.PRUNED.value}
    far = [] if line is None else [(abs(v - line), id_) for id_, s, v in scored if s in closed]
    high = [(-value, node_id) for node_id, status, value in scored if status in _GOOD]
    split = [(-spread, node_id) for node_id, spread in spreads.items() if node_id in known]
    rankings: list[list[tuple[str, Reason, float]]] = [
        [(id_, "judges disagree", -spread) for spread, id_ in sorted(split) if id_ in digests],
        [(id_, "near the pruning line", away) for away, id_ in sorted(far) if id_ in digests],
        [(id_, "high score", -value) for value, id_ in sorted(high) if id_ in digests],
    ]
    return _in_turn(n, rankings, digests)


def pruning_line(pruned: Sequence[float], alive: Sequence[float]) -> float | None:
    """Return the value that best tells the pruned from the alive.

    It is the middle of that gap between two neighbouring values which leaves fewest nodes on the
    wrong side (pruned above it, alive below), the lowest of several. So a branch that was pruned
    for another reason does not move it. If all pruned are below all alive, it is the middle
    between the best pruned and the worst alive. `None` without a pruned, an alive or two values.
    """
    values = np.unique(np.clip([*pruned, *alive], -_HUGE, _HUGE))
    if not pruned or not alive or len(values) < 2:
        return None
    cuts = values[:-1] + (values[1:] - values[:-1]) / 2
    pruned_above = len(pruned) - np.searchsorted(np.sort(pruned), cuts, side="right")
    alive_below = np.searchsorted(np.sort(alive), cuts, side="right")
    return float(cuts[np.argmin(pruned_above + alive_below)])


def _scored(nodes: Columns) -> list[tuple[str, str, float]]:
    """Return id, status and value of the nodes that have one.

    The value is `rubric_score` if any node has one, else `score`: the two need not be comparable.
    """
    by_rubric = any(value is not None for value in nodes["rubric_score"])
    values = nodes["rubric_score" if by_rubric else "score"]
    return [
        (node_id, status, min(max(value, -_HUGE), _HUGE))
        for node_id, status, value in zip(nodes["id"], nodes["status"], values, strict=True)
        if value is not None
    ]


def _in_turn(
    n: int, rankings: Sequence[Sequence[tuple[str, Reason, float]]], digests: Mapping[str, bytes]
) -> list[LabelCandidate]:
    """Take of each ranking in turn, of each content one node; a ranking at its end is passed by."""
    found: list[LabelCandidate] = []
    taken: set[bytes] = set()
    rest = [iter(ranking) for ranking in rankings]
    while rest and len(found) < n:
        for ranking in list(rest):
            first = next((each for each in ranking if digests[each[0]] not in taken), None)
            if first is None:
                rest.remove(ranking)
            elif len(found) < n:
                node_id, reason, value = first
                taken.add(digests[node_id])
                found.append(LabelCandidate(node_id=node_id, reason=reason, value=value))
    return found
