"""What every branch of a loaded tree comes to, from the tree's own columns."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .arguments import Arguments
from .model import BranchStats, NodeStatus
from .nodes import SCORES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .nodes import Score
    from .tree import Tree


class Counts(NamedTuple):
    """How many nodes each branch has, by place."""

    nodes: NDArray[np.int64]
    alive: NDArray[np.int64]
    leaves: NDArray[np.int64]
    max_depth: NDArray[np.int64]


class Tallies(NamedTuple):
    """What each branch has of one score, by place.

    Attributes:
        totals: Exact sums, in units of 1 / `scale`.
        best: Places of the best nodes; -1 without any.
    """

    scored: NDArray[np.int64]
    totals: NDArray[Any]
    scale: int
    best: NDArray[np.int64]


class TreeStats:
    """The stats of every branch of a loaded tree, as of its load.

    They are counted at the first use, all at once, without asking a store: O(n) numbers, and a
    sort of the scores. Nothing is recursive.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._tallies: dict[str, Tallies] = {}

    def __getitem__(self, node_id: str) -> BranchStats:
        """Return what `of` returns for `score`."""
        return self.of(node_id)

    def of(self, node_id: str, *, key: Score = "score") -> BranchStats:
        """Return what the subtree under a node comes to.

        Args:
            key: The score that counts: `score`, the caller's own, or `rubric_score`.

        Raises:
            NotFoundError: The tree has no such node.
            ValidationError: The score was not loaded, or `key` names none.
        """
        name = Arguments("stats").choice("key", key, SCORES)
        place = self._tree.place(node_id)
        tally, counts = self._of(name), self._counts
        scored, best = int(tally.scored[place]), int(tally.best[place])
        return BranchStats(
            node_id=node_id,
            nodes=int(counts.nodes[place]),
            alive=int(counts.alive[place]),
            leaves=int(counts.leaves[place]),
            max_depth=int(counts.max_depth[place]),
            scored=scored,
            mean=tally.totals[place] / (tally.scale * scored) if scored else None,
            best=None if best < 0 else self._tree.take(name, [best])[0],
            best_node_id=None if best < 0 else self._tree.take("id", [best])[0],
        )

    @cached_property
    def _levels(self) -> list[slice]:
        """The places of each depth but the first, deepest first."""
        depths = np.asarray(self._tree.column("depth"))
        starts = [*np.flatnonzero(np.diff(depths, prepend=-1)).tolist(), len(depths)]
        return [slice(*ends) for ends in pairwise(starts[1:])][::-1]

    @cached_property
    def _counts(self) -> Counts:
        tree = self._tree
        alive = np.array([each == NodeStatus.ALIVE.value for each in tree.column("status")], int)
        counts = Counts(
            nodes=np.ones(len(tree), np.int64),
            alive=alive,
            leaves=(tree.child_counts == 0).astype(np.int64),
            max_depth=np.array(tree.column("depth"), np.int64),
        )
        for level in self._levels:
            above = tree.parents[level]
            for sums in (counts.nodes, counts.alive, counts.leaves):
                _add_up(np.add, sums, above, level)
            _add_up(np.maximum, counts.max_depth, above, level)
        return counts

    def _of(self, name: str) -> Tallies:
        if name not in self._tallies:
            self._tallies[name] = self._tally(name)
        return self._tallies[name]

    def _tally(self, name: str) -> Tallies:
        tree = self._tree
        ids, values = tree.column("id"), tree.take(name, range(len(tree)))
        order = [place for place, value in enumerate(values) if value is not None]
        order.sort(key=lambda place: (-values[place], ids[place]))
        ranks = np.full(len(tree), len(tree), np.int64)
        ranks[order] = np.arange(len(order))
        scored = (ranks < len(tree)).astype(np.int64)
        totals, scale = _exact(values)
        for level in self._levels:
            above = tree.parents[level]
            _add_up(np.add, scored, above, level)
            _add_up(np.add, totals, above, level)
            _add_up(np.minimum, ranks, above, level)
        best = np.array([*order, *[-1] * (len(tree) + 1 - len(order))], np.int64)
        return Tallies(scored, totals, scale, best[ranks])


def _add_up(how: np.ufunc, sums: NDArray[Any], above: NDArray[Any], level: slice) -> None:
    """Add the values of a level to those of the parents.

    They are copied, else NumPy copies all of `sums`, at each level of a tree that may be a chain.
    """
    how.at(sums, above, sums[level].copy())


def _exact(values: list[float | None]) -> tuple[NDArray[Any], int]:
    """Return numbers as whole multiples of 1 / scale, 0 for none, and the scale."""
    ratios = [(0, 1) if value is None else value.as_integer_ratio() for value in values]
    scale = max((below for _, below in ratios), default=1)  # powers of two, all of them
    totals = np.empty(len(values), object)
    totals[:] = [above * (scale // below) for above, below in ratios]
    return totals, scale
