"""Trees for tests: the same for the same seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from ..model import Node, NodeStatus

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def make_tree(size: int, seed: int, *, prefix: str = "node", roots: float = 0.05) -> list[Node]:
    """Return nodes of a random tree, parents first, with every field set.

    Args:
        size: How many.
        seed: Equal seeds make equal trees, ids and times included.
        prefix: What ids begin with.
        roots: Share of further roots, about.
    """
    rng = random.Random(seed)
    nodes: list[Node] = []
    for number in range(size):
        parent = rng.choice(nodes).id if nodes and rng.random() >= roots else None
        nodes.append(_node(f"{prefix}-{number:06}", parent, number, rng))
    return nodes


def _node(node_id: str, parent_id: str | None, number: int, rng: random.Random) -> Node:
    return Node(
        id=node_id,
        parent_id=parent_id,
        content=f"ünïcode {number}\n" * rng.randrange(3),
        attributes={"nested": {"list": [1, 2.5, None, "x"]}} if number % 3 else {},
        score=rng.choice([None, 0.1, -1e300, 5e-324]),
        status=rng.choice(list(NodeStatus)),
        status_reason=rng.choice([None, "why"]),
        iteration=number // 10,
        created_at=_BEGIN + timedelta(microseconds=rng.randrange(10**12)),
    )
