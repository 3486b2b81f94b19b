"""The records users hold: frozen, typed, without I/O.

Types are checked when a record is made, limits (sizes, NUL, surrogates, finite numbers, JSON depth)
when it is saved; both raise `sapwood.ValidationError`, which names the item and the field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

import pydantic
import uuid_utils
from pydantic import BaseModel, ConfigDict, Field

from .errors import NotFoundError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping


_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Names of fields and keys of principles; what else the user has for a key is a content."""


def new_id() -> str:
    """Return a fresh UUIDv7 as text: unique everywhere, increasing within this process."""
    return str(uuid_utils.uuid7())


def _now() -> datetime:
    return datetime.now(UTC)


class NodeStatus(StrEnum):
    """What an orchestrator may still do with a node. The frontier is the alive nodes."""

    ALIVE = "alive"
    PRUNED = "pruned"
    COMPLETE = "complete"
    FAILED = "failed"

    @property
    def node_label(self) -> str:
        """The Neo4j node label that shows this status: `Alive`, `Pruned`, …"""
        return self.value.capitalize()


class Record(BaseModel):
    """Base of the records: frozen, no unknown fields, one error class."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if not TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            try:
                super().__init__(**data)
            except pydantic.ValidationError as exc:
                first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
                field = ".".join(_part(part) for part in first["loc"]) or "value"
                raise ValidationError(_named(type(self), data), field, first["msg"]) from None


def _part(part: int | str) -> str:
    """Return a part of the way to a wrong value, unless it is a key that may hold anything."""
    plain = isinstance(part, int) or part == "[key]" or _PLAIN.fullmatch(part) is not None
    return str(part) if plain else "…"


def _named(kind: type[Record], data: Mapping[str, object]) -> str:
    given = data.get("id", data.get("node_id"))
    known = isinstance(given, str) and given.isascii() and given.isprintable() and len(given) <= 64
    return f"{kind.__name__} {given}" if known else kind.__name__


class Project(Record):
    """The owner of trees, rubrics and scores.

    Attributes:
        id: The user's own name for it: `[A-Za-z0-9._-]`, at most 64 bytes.
        rubric_version: Version of the current rubric; `None` before the first.
        judge: The one judge whose scores make `rubric_score`; `None` before the first score.
        state: `open`, or `stalled` when Neo4j refuses an entry (`stalled_cause` says why).
    """

    id: str
    title: str = ""
    attributes: dict[str, Any] = Field(default_factory=dict)
    rubric_version: int | None = None
    judge: str | None = None
    state: Literal["open", "stalled"] = "open"
    stalled_cause: str | None = None
    created_at: datetime


class Node(Record):
    """One state of the search.

    `id`, `parent_id` and `content` never change once saved; `status`, `status_reason`, `score` and
    `attributes` may. `rubric_score`, `depth` and `seq` are the store's: they are ignored by a
    save and filled in by a read.

    Attributes:
        parent_id: The node it grew from; `None` for a root. Several roots are fine.
        content: Any text, at most 1 MiB; may be empty.
        attributes: A JSON object; with `content` at most 1 MiB.
        score: The caller's own number.
        rubric_score: Weighted mean over the current rubric, once every principle has a score.
        iteration: 0-based round of the orchestrator in which the node was made.
        depth: Edges from the root; a root has 0.
        seq: Journal position that made the node.
    """

    id: str = Field(default_factory=new_id)
    parent_id: str | None = None
    content: str
    attributes: dict[str, Any] = Field(default_factory=dict)
    status: NodeStatus = NodeStatus.ALIVE
    status_reason: str | None = None
    score: float | None = None
    rubric_score: float | None = None
    iteration: int = 0
    depth: int | None = None
    created_at: datetime = Field(default_factory=_now)
    seq: int | None = None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; its id counts as given by the caller, since the original may be stored."""
        copied = super().model_copy(update=update, deep=deep)
        copied.model_fields_set.add("id")
        return copied


class Principle(Record):
    """One criterion of a rubric; an immutable revision.

    Attributes:
        id: Its own, never derived from its text. `rubrics.save` gives back the id that an
            unchanged principle already has.
        key: Short name, unique within a rubric: `[A-Za-z0-9._-]`, at most 64 bytes.
        text: What a judge is asked.
    """

    id: str = Field(default_factory=new_id)
    key: str
    text: str = ""


class Rubric(Record):
    """A versioned, weighted, ordered set of principles.

    Attributes:
        weights: By principle key; a principle that is not named weighs 1.
        version: Given by the store when it is saved, counting from 1.
    """

    principles: tuple[Principle, ...]
    weights: dict[str, float] = Field(default_factory=dict)
    version: int | None = None
    created_at: datetime | None = None

    def __getitem__(self, key: str) -> Principle:
        """Return the principle of that key.

        Raises:
            NotFoundError: This rubric has no such principle; the message lists those it has.
        """
        for principle in self.principles:
            if principle.key == key:
                return principle
        known = ", ".join(principle.key for principle in self.principles)
        raise NotFoundError(
            f"rubric version {self.version} has no principle {key!r}; it has {known}"
        )

    def weight(self, key: str) -> float:
        """Return the weight of the principle of that key."""
        return self.weights.get(self[key].key, 1.0)


class PrincipleScore(Record):
    """One judge's number for one node under one principle, or the record of a failed try.

    Attributes:
        judge: Name and version of who judged, such as `closeness@1`: see `sapwood.judge_name`.
        score: Any finite number; `None` when the evaluation failed.
        failure: Why it failed. A failure is never served as a score and never replaces one.
        rationale: What the judge said.
    """

    node_id: str
    principle_id: str
    judge: str
    score: float | None = None
    failure: str | None = None
    rationale: str | None = None


class PrinciplePreview(Record):
    """What a rubric would cost under one of its principles.

    Attributes:
        kept: Nodes that have a score already, which is served.
        to_compute: Nodes that have none.
    """

    key: str
    kept: int
    to_compute: int


class InvalidationPreview(Record):
    """What judging some nodes by a rubric would cost, and what is paid for already.

    Attributes:
        judge: Whose scores were counted.
        nodes: How many nodes: those asked for, or all that this judge has scored.
        principles: Each of the rubric, in its order.
    """

    judge: str
    nodes: int
    principles: tuple[PrinciplePreview, ...]

    @property
    def kept(self) -> int:
        """Scores that exist."""
        return sum(each.kept for each in self.principles)

    @property
    def to_compute(self) -> int:
        """Scores that are still to be paid for."""
        return sum(each.to_compute for each in self.principles)


class RejectedItem(Record):
    """An item that a racing writer made invalid between its acceptance and its flush."""

    kind: Literal["node", "status", "score", "prune"]
    node_id: str
    reason: str


class Receipt(Record):
    """What one flush stored, whole, in PostgreSQL.

    Attributes:
        seq: Journal position of the flush; if nothing was pending, the head that was found.
        applied: The graph holds it too. `False` is no error: the graph follows, and every read
            waits for it.
    """

    seq: int
    nodes: int = 0
    statuses: int = 0
    prunes: int = 0
    scores: int = 0
    labels: int = 0
    rejected: tuple[RejectedItem, ...] = ()
    applied: bool = False


class BranchStats(Record):
    """What a subtree comes to, its top included.

    Attributes:
        node_id: Its top.
        nodes, alive, leaves, scored: How many nodes there are, are alive, have no children, have a
            score.
        max_depth: Depth of the deepest node, counted from the root of the tree.
        mean: Mean of the scores, exact but for one rounding to a float; `None` without any.
        best: The highest score; `None` without any.
        best_node_id: The node that has it, the first by id among equals.
    """

    node_id: str
    nodes: int
    alive: int
    leaves: int
    max_depth: int
    scored: int
    mean: float | None = None
    best: float | None = None
    best_node_id: str | None = None


class Difference(Record):
    """Something of a node that the graph holds otherwise than the journal says; no contents."""

    node_id: str
    problem: str


class Verification(Record):
    """What came of holding a project's graph against its journal.

    Attributes:
        seq: Journal position up to which they were compared.
        journal_nodes: Nodes that the journal has made up to there.
        graph_nodes: Nodes that the graph holds.
        journal_digest: Sum of a digest of each node, as the journal has it.
        graph_digest: The same, as the graph has it; equal if nothing differs.
        found: How many differences there are.
        differences: The first 100 of them, by node id.
    """

    project_id: str
    seq: int
    journal_nodes: int
    graph_nodes: int
    journal_digest: str
    graph_digest: str
    found: int
    differences: tuple[Difference, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the graph is what the journal says."""
        return self.found == 0 and self.journal_digest == self.graph_digest
