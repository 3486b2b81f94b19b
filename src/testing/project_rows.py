"""What PostgreSQL and Neo4j hold of one project, in memory: rows, the journal, and its fold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ..batch import Registered, Resolution, ScoreDraft, first_ids, resolve
from ..errors import FencedError
from ..journal import FORMAT, NO_CHAIN, Entry, Operations, link, pack, unpack
from ..model import Project, Receipt, Rubric, new_id
from ..relational.rubric_checks import foreign_rubric, no_rubric
from ..replica import Replica
from .label_rows import LabelRows
from .rubric_rows import RubricRows, mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..batch import Batch

ScoreKey = tuple[str, str, str]
"""Node, principle, judge."""


class Epoch(NamedTuple):
    """One writer's time as the owner of a project; before the first, number 0 of its creation."""

    number: int
    owner: str


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An entry as it is kept: packed, so that nobody can change what is in it."""

    seq: int
    batch_id: str
    chain: str
    payload: bytes
    crc: int

    def entry(self, incarnation: str) -> Entry:
        """Return the entry, unpacked."""
        operations = unpack(self.seq, FORMAT, self.payload, self.crc)
        return Entry(self.seq, self.batch_id, self.chain, incarnation, operations)


class ProjectRows:
    """One project. A method does all that it does, or raises and does nothing.

    Attributes:
        incarnation: Random mark of this creation of the project.
        epoch: The newest writer's.
        register: Depth and digest of each node id.
        journal: All entries; that of position n stands at n - 1.
        scores: The last of each key.
        labels: The labelled samples.
        state: The orchestrator's, as JSON.
        judge: The one whose scores count.
        graph: The journal's fold, as far as somebody applied it.
    """

    def __init__(self, project_id: str, title: str) -> None:
        self.id = project_id
        self.title = title
        self.created_at = datetime.now(UTC)
        self.incarnation = new_id()
        self.epoch = Epoch(0, self.incarnation)
        self.register: dict[str, Registered] = {}
        self.journal: list[JournalRow] = []
        self.scores: dict[ScoreKey, ScoreDraft] = {}
        self.rubrics = RubricRows()
        self.labels = LabelRows(self)
        self.rubric_version: int | None = None
        self.judge: str | None = None
        self.state: bytes | None = None
        self.graph = Replica()
        self._receipts: dict[str, Receipt] = {}

    @property
    def head(self) -> int:
        """The newest position; 0 before the first flush."""
        return len(self.journal)

    @property
    def rubric(self) -> Rubric | None:
        """The current rubric."""
        version = self.rubric_version
        return None if version is None else self.rubrics.versions[version - 1]

    def asked_rubric(self, call: str, rubric: int | Rubric | None) -> Rubric:
        """Return the stored version that is asked for; the current one if none is named."""
        version = rubric.version if isinstance(rubric, Rubric) else rubric
        version = self.rubric_version if version is None else version
        if version is None:
            raise no_rubric(self.id)
        stored = self.rubrics.get(self.id, version)
        if isinstance(rubric, Rubric) and rubric.principles != stored.principles:
            raise foreign_rubric(call, rubric, self.id)
        return stored

    def record(self) -> Project:
        """Return what users see of it."""
        return Project(
            id=self.id,
            title=self.title,
            rubric_version=self.rubric_version,
            judge=self.judge,
            created_at=self.created_at,
        )

    def claim(self) -> Epoch:
        """Take the project over."""
        self.epoch = Epoch(self.epoch.number + 1, new_id())
        return self.epoch

    def registered(self, node_ids: Iterable[str]) -> dict[str, Registered]:
        """Return what the register knows of these ids."""
        return {each: self.register[each] for each in node_ids if each in self.register}

    # Writing.

    def commit(self, epoch: Epoch, batch: Batch) -> Receipt:
        """Store a batch whole, exactly once, in its place.

        Raises:
            FencedError: A newer writer took the project over. Nothing was stored.
        """
        if batch.id in self._receipts:
            return self._receipts[batch.id]
        if epoch != self.epoch:
            raise FencedError(self.id, first_ids(batch.items))
        result = resolve(batch, self.registered(batch.named_ids()))
        self.register |= result.registrations
        self._store_scores(batch, result)
        self.state = self.state if result.state is None else result.state
        *earlier, last = result.operations()
        for number, operations in enumerate(earlier, start=1):
            self._append(f"{batch.id}.{number}", operations)
        self._append(batch.id, last)
        receipt = self._receipts[batch.id] = Receipt(
            seq=self.head,
            nodes=result.nodes,
            statuses=result.statuses,
            prunes=result.prunes,
            scores=len(result.scores),
            rejected=tuple(result.rejected),
        )
        return receipt

    def _append(self, batch_id: str, operations: Operations) -> None:
        chain = link(self.journal[-1].chain if self.journal else NO_CHAIN, batch_id)
        self.journal.append(JournalRow(self.head + 1, batch_id, chain, *pack(operations)))

    def _store_scores(self, batch: Batch, result: Resolution) -> None:
        for score in result.scores:
            key = (score.node_id, score.principle_id, score.judge)
            old = self.scores.get(key)
            if score.score is not None or old is None or old.score is None:
                self.scores[key] = score
        if result.scores and self.judge is None:
            self.judge = _first_judge(batch, result)
        for node_id in sorted({score.node_id for score in result.scores}):
            value = self._means(self.rubric, self.judge, [node_id]).get(node_id)
            if value is not None:
                result.set(node_id, {"rubric_score": value})

    def activate(self, version: int, judge: str | None) -> None:
        """Make a version current, and journal what that changes about each `rubric_score`."""
        new, named = self.rubrics.get(self.id, version), judge or self.judge
        node_ids = sorted({node_id for node_id, _, _ in self.scores})
        before = self._means(self.rubric, self.judge, node_ids)
        after = self._means(new, named, node_ids)
        changed = [each for each in node_ids if before.get(each) != after.get(each)]
        batch_id = new_id()
        for at in range(0, len(changed), 5_000):
            part = changed[at : at + 5_000]
            sets = [{"id": each, "rubric_score": after.get(each)} for each in part]
            self._append(f"{batch_id}.{at // 5_000 + 1}", Operations([], sets))
        self.rubric_version, self.judge = version, named

    def _means(
        self, rubric: Rubric | None, judge: str | None, node_ids: list[str]
    ) -> dict[str, float]:
        if rubric is None or judge is None:
            return {}
        found: dict[str, dict[str, float]] = {node_id: {} for node_id in node_ids}
        for score in self.scores.values():
            if score.judge == judge and score.node_id in found and score.score is not None:
                found[score.node_id][score.principle_id] = score.score
        means = {node_id: mean(rubric, scores) for node_id, scores in found.items()}
        return {node_id: value for node_id, value in means.items() if value is not None}

    # The graph.

    def apply(self) -> int:
        """Bring the graph to the journal's head; return how many entries that took."""
        todo = self.journal[self.graph.seq :]
        for row in todo:
            self.graph.apply(row.entry(self.incarnation))
        return len(todo)


def _first_judge(batch: Batch, result: Resolution) -> str | None:
    """Return the judge of the first number in the batch that is stored."""
    stored = {(score.node_id, score.principle_id, score.judge) for score in result.scores}
    judged = [item for item in batch.items if isinstance(item, ScoreDraft)]
    numbers = [item for item in judged if item.score is not None]
    judges = (i.judge for i in numbers if (i.node_id, i.principle_id, i.judge) in stored)
    return next(judges, None)
