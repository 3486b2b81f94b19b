"""What a subtree comes to, from the columns of its nodes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from .model import BranchStats, NodeStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .nodes import Columns

BRANCH_FIELDS: Final = ("id", "parent_id", "status", "depth")
"""The columns that are needed, besides that of the score."""


def branch_stats(node_id: str, branch: Columns, score: str) -> BranchStats:
    """Sum up the nodes of a subtree.

    Args:
        node_id: Its top.
        branch: Columns `BRANCH_FIELDS` and `score` of all its nodes.
        score: Name of the score's column.
    """
    parents = set(branch["parent_id"])
    scores = [
        (value, each)
        for value, each in zip(branch[score], branch["id"], strict=True)
        if value is not None
    ]
    best, best_id = min(scores, key=lambda each: (-each[0], each[1]), default=(None, None))
    return BranchStats(
        node_id=node_id,
        nodes=len(branch),
        alive=branch["status"].count(NodeStatus.ALIVE.value),
        leaves=sum(each not in parents for each in branch["id"]),
        max_depth=max(branch["depth"]),
        scored=len(scores),
        mean=_mean([value for value, _ in scores]),
        best=best,
        best_node_id=best_id,
    )


def _mean(values: Sequence[float]) -> float | None:
    """Return the float that is next to the exact mean; `None` without values."""
    return float(sum(map(Fraction, values)) / len(values)) if values else None
