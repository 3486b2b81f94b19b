"""What the states of the Game of 24 are judged by; no score that was paid for is paid for twice.

Here a principle is a function. With a model it is a call that costs, and the counts are the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from puzzle24 import PRINCIPLES, REVISED, WEIGHTS, decode
from rich.table import Table

from sapwood import Principle, PrincipleScore, Rubric, RubricChanges, ScoreKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from puzzle24 import State

    from sapwood import AsyncStorageAdapter, Node

    Definitions = Mapping[str, Callable[[State], float]]

JUDGE = "puzzle24@1"


def definitions(revised: Collection[str] = ()) -> Definitions:
    """Return how each principle is evaluated, those of `revised` by their second definition."""
    return PRINCIPLES | {key: REVISED[key] for key in revised}


def texts(by: Definitions) -> dict[str, str]:
    """Return what each principle asks, as a model would be asked."""
    return {key: (function.__doc__ or "").strip() for key, function in by.items()}


def rubric(by: Definitions) -> Rubric:
    """Return the principles as sapwood keeps them."""
    principles = (Principle(key=key, text=text) for key, text in texts(by).items())
    return Rubric(principles=tuple(principles), weights=WEIGHTS)


class Judging:
    """One run's judge, and what it had to evaluate.

    Attributes:
        rubric: The version that it goes by.
        evaluated, reused: How many scores it gave, and how many it found, by principle.
    """

    def __init__(self, store: AsyncStorageAdapter, by: Definitions, rubric: Rubric) -> None:
        self.rubric = rubric
        self.evaluated: Counter[str] = Counter()
        self.reused: Counter[str] = Counter()
        self._store = store
        self._by = by
        self._keys = {principle.id: principle.key for principle in rubric.principles}

    @classmethod
    async def begin(cls, store: AsyncStorageAdapter, by: Definitions) -> Judging:
        """Agree on a rubric, judge what is stored where that is left to do, and make it current.

        A principle whose text is as it was keeps its id from version to version, and with it its
        scores. Only then is the version made current, so that no node is without a score meanwhile.
        """
        if await store.rubrics.current() is None:
            await store.rubrics.save(rubric(by))
        agreed = await store.rubrics.new_version(RubricChanges(texts=texts(by)))
        judging = cls(store, by, agreed)
        stored = (await store.load_project()).tree
        await judging.catch_up(node for node in stored if node.parent_id is not None)
        await store.flush()
        await store.rubrics.activate(agreed.version or 1)
        return judging

    async def catch_up(self, nodes: Iterable[Node]) -> None:
        """Judge nodes where nobody did yet; one question for all of them."""
        contents = {node.id: node.content for node in nodes}
        found = await self._store.cached_scores(contents, judge=JUDGE, rubric=self.rubric)
        self.reused.update(self._keys[principle_id] for _, principle_id in found.hits)
        await self._evaluate(found.misses, contents)

    async def judge(self, nodes: Iterable[Node]) -> None:
        """Judge nodes that were just made, by every principle."""
        contents = {node.id: node.content for node in nodes}
        every = (ScoreKey(node_id, each) for node_id in contents for each in self._keys)
        await self._evaluate(every, contents)

    async def _evaluate(self, wanted: Iterable[ScoreKey], contents: Mapping[str, str]) -> None:
        await self._store.update_scores_batch(
            self._score(key, contents[key.node_id]) for key in wanted
        )

    def _score(self, wanted: ScoreKey, content: str) -> PrincipleScore:
        key = self._keys[wanted.principle_id]
        self.evaluated[key] += 1
        number = self._by[key](decode(content))
        return PrincipleScore(**wanted._asdict(), judge=JUDGE, score=number)

    def report(self) -> Table:
        """Say what the score cache saved, by principle."""
        evaluated, reused = self.evaluated, self.reused
        table = Table(title=f"rubric version {self.rubric.version}", title_justify="left")
        table.add_column("principle")
        for column in ("evaluated", "reused", "saved"):
            table.add_column(column, justify="right")
        for key in self._by:
            saved = share(evaluated[key], reused[key])
            table.add_row(key, f"{evaluated[key]:,}", f"{reused[key]:,}", saved)
        return table

    def summary(self) -> str:
        """Say what the score cache saved in all."""
        evaluated, reused = self.evaluated.total(), self.reused.total()
        return f"evaluated {evaluated:,}, reused {reused:,} ({share(evaluated, reused)} saved)"


def share(evaluated: int, reused: int) -> str:
    """Return which share of the evaluations was saved; `-` if there were none."""
    return f"{reused / (evaluated + reused):.0%}".replace("%", " %") if evaluated + reused else "-"
