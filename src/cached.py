"""What `cached_scores` returns: columns, and what people look at when they ask for it."""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class ScoreKey(NamedTuple):
    """A node and a principle of a rubric."""

    node_id: str
    principle_id: str


if TYPE_CHECKING:
    _Pair = tuple[dict[tuple[str, str], float], list[ScoreKey]]
else:
    _Pair = object  # the pair is made when it is asked for


class CachedScores(_Pair):
    """What is known of a judge's scores of some nodes under one rubric.

        hits, misses = cached  # equal to a pair of these, too

    All is in the order of the nodes that were asked for, then of the rubric's principles.

    Attributes:
        node_ids, principle_ids, scores: The scores that exist, as columns of one length.
        missing_node_ids, missing_principle_ids: The pairs that have none, never judged or failed.
    """

    node_ids: list[str]
    principle_ids: list[str]
    scores: list[float]
    missing_node_ids: list[str]
    missing_principle_ids: list[str]

    @classmethod
    def of_cells(
        cls,
        node_ids: Sequence[str],
        principle_ids: Sequence[str],
        found: Iterable[tuple[Sequence[int], Sequence[float]]],
    ) -> Self:
        """Return what a table of nodes by principles holds.

        Args:
            found: Cells and their scores; what comes later takes the place of what came before.
                A cell counts from 0, node after node.
        """
        cells: list[float | None] = [None] * (len(node_ids) * len(principle_ids))
        for numbers, scores in found:
            for number, score in zip(numbers, scores, strict=True):
                cells[number] = score
        nodes = [node_id for node_id in node_ids for _ in principle_ids]
        principles = [*principle_ids] * len(node_ids)
        missing = [score is None for score in cells]
        self = cls()
        self.missing_node_ids = list(compress(nodes, missing))
        self.missing_principle_ids = list(compress(principles, missing))
        there = [not each for each in missing]
        self.node_ids = list(compress(nodes, there))
        self.principle_ids = list(compress(principles, there))
        self.scores = [score for score in cells if score is not None]
        return self

    @cached_property
    def hits(self) -> dict[tuple[str, str], float]:
        """The scores that exist, by (node_id, principle_id)."""
        keys = zip(self.node_ids, self.principle_ids, strict=True)
        return dict(zip(keys, self.scores, strict=True))

    @cached_property
    def misses(self) -> list[ScoreKey]:
        """The pairs that have none."""
        keys = zip(self.missing_node_ids, self.missing_principle_ids, strict=True)
        return [ScoreKey(*key) for key in keys]

    def __repr__(self) -> str:
        return f"<CachedScores: {len(self.scores)} hits, {len(self.missing_node_ids)} misses>"

    __hash__ = None  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]

    if not TYPE_CHECKING:

        def __iter__(self) -> Iterator:
            return iter((self.hits, self.misses))

        def __len__(self) -> int:
            return 2

        def __getitem__(self, at: int) -> object:
            return (self.hits, self.misses)[at]

        def __eq__(self, other: object) -> bool:
            if not isinstance(other, (CachedScores, tuple)):
                return NotImplemented
            return (self.hits, self.misses) == tuple(other)
