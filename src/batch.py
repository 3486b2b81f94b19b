"""What a flush carries: accepted input, frozen, and its resolution against the register.

A flush is a pure function of its batch and of what PostgreSQL says under the project's row lock:
`resolve` is that function. Re-driving a batch after an unknown outcome gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from .journal import Operations, Prune
from .model import RejectedItem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


IN_QUARANTINE: Final = "is in quarantine"
Kind = Literal["node", "status", "score", "prune"]
"""What an item is, for a message about it."""


class Registered(NamedTuple):
    """What the register knows of a node.

    Attributes:
        depth: Edges from its root.
        digest: Of what never changes: parent id and content.
        content_digest: Of the content alone, by which equal contents are found: `digest_content`.
        left_out: It is in quarantine, so nothing more may refer to it.
    """

    depth: int
    digest: bytes
    content_digest: bytes
    left_out: bool = False


class NodeDraft(NamedTuple):
    """A node as accepted by `save_nodes_batch`; a tuple, which is made in a third of the time.

    Attributes:
        digest: 16 bytes of BLAKE2b over parent id and content.
        content_digest: Of the content alone: `sapwood.values.digest_content`.
        values: The node's graph properties as JSON-safe values (`created_at` in microseconds
            since 1970, `attributes` as JSON text), without `depth`, `seq` and `rubric_score`.
        explicit: Mutable properties the caller set itself; only these change a known node.
        size: Bytes, about.
    """

    node_id: str
    parent_id: str | None
    digest: bytes
    content_digest: bytes
    values: dict[str, Any]
    explicit: frozenset[str]
    size: int


@dataclass(frozen=True, slots=True)
class StatusDraft:
    """A status for a node that exists."""

    node_id: str
    status: str
    reason: str | None
    size: int = 128


@dataclass(frozen=True, slots=True)
class PruneDraft:
    """A subtree to close, given by its top."""

    node_id: str
    reason: str | None
    size: int = 128


class ScoreDraft(NamedTuple):
    """A judge's number for a node under a principle, or the record of a failed try.

    A tuple, because there may be a million: many of them are columns by `zip`.
    """

    node_id: str
    principle_id: str
    judge: str
    score: float | None
    failure: str | None
    rationale: str | None
    size: int


@dataclass(frozen=True, slots=True)
class StateDraft:
    """The orchestrator's own state as JSON."""

    state: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.state)


@dataclass(frozen=True, slots=True)
class RefusedDraft:
    """What refers to a node that an earlier batch of this writer had to leave out."""

    kind: Kind
    node_id: str
    size: int


Draft = NodeDraft | StatusDraft | PruneDraft | ScoreDraft | StateDraft | RefusedDraft
KINDS: dict[type, Kind] = {
    NodeDraft: "node",
    StatusDraft: "status",
    PruneDraft: "prune",
    ScoreDraft: "score",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Accepted items in order, with the id under which they are stored exactly once."""

    id: str
    items: tuple[Draft, ...]

    def named_ids(self) -> list[str]:
        """Return each node id that the batch names, parents too, once, sorted."""
        names: set[str] = set()
        for item in self.items:
            if isinstance(item, (StateDraft, RefusedDraft)):
                continue
            names.add(item.node_id)
            if isinstance(item, NodeDraft) and item.parent_id is not None:
                names.add(item.parent_id)
        return sorted(names)


@dataclass(slots=True)
class Resolution:
    """What a batch comes to under the lock.

    Attributes:
        registrations: New node ids and what the register is to know of them, parents first.
        entries: The graph's half up to the last prune, an entry each.
        creates: Graph rows of the nodes that are new since then, parents first.
        updates: Changed properties of nodes that were known then, by id.
        scores: Last of each (node, principle, judge), sorted by that key.
        state: The orchestrator's newest state, if the batch has one.
        nodes, statuses, prunes: How many items of that kind are in it.
        rejected: Items that cannot be stored any more.
    """

    registrations: dict[str, Registered] = field(default_factory=dict)
    entries: list[Operations] = field(default_factory=list)
    creates: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: list[ScoreDraft] = field(default_factory=list)
    state: bytes | None = None
    nodes: int = 0
    statuses: int = 0
    prunes: int = 0
    rejected: list[RejectedItem] = field(default_factory=list)

    def set(self, node_id: str, values: Mapping[str, Any]) -> None:
        """Change properties of a node; the last one wins."""
        if not values:
            return
        created = self.creates.get(node_id)
        if created is not None:
            created.update(values)
        else:
            self.updates.setdefault(node_id, {}).update(values)

    def reject(self, kind: Kind, node_id: str, reason: str) -> None:
        """Leave an item out, by name."""
        self.rejected.append(RejectedItem(kind=kind, node_id=node_id, reason=reason))

    def prune(self, prune: Prune) -> None:
        """Close a subtree, after what comes before it in the batch and before what follows."""
        self._close()
        self.entries.append(Operations(prune=prune))
        self.prunes += 1

    def operations(self) -> list[Operations]:
        """Return the graph's half of the batch, a journal entry each: one, without a prune."""
        self._close()
        return self.entries or [Operations()]

    def _close(self) -> None:
        if self.creates or self.updates:
            sets = [{"id": node_id, **values} for node_id, values in self.updates.items()]
            self.entries.append(Operations(list(self.creates.values()), sets))
            self.creates, self.updates = {}, {}


def resolve(batch: Batch, register: Mapping[str, Registered]) -> Resolution:
    """Decide what of `batch` can be stored, given what is registered of the ids it names.

    Args:
        batch: The accepted input.
        register: Entries of `batch.named_ids()` that exist, read under the project's row lock.

    Returns:
        Everything to write, plus what a racing writer made impossible: a node whose id came to
        mean something else, its descendants in the batch, and whatever refers to these; so too
        what is in quarantine.
    """
    result = Resolution()
    known = dict(register)
    scores: dict[tuple[str, str, str], ScoreDraft] = {}
    refused = {node_id for node_id, found in register.items() if found.left_out}
    for item in batch.items:
        if isinstance(item, NodeDraft):
            _resolve_node(item, known, refused, result)
        elif isinstance(item, StateDraft):
            result.state = item.state
        elif isinstance(item, RefusedDraft):
            result.reject(item.kind, item.node_id, "its node or parent was rejected before")
        elif item.node_id not in known or item.node_id in refused:
            result.reject(
                KINDS[type(item)], item.node_id, f"its node {_why_not(item.node_id, known)}"
            )
        elif isinstance(item, PruneDraft):
            result.prune(Prune(item.node_id, item.reason))
        elif isinstance(item, StatusDraft):
            result.statuses += 1
            result.set(item.node_id, {"status": item.status, "status_reason": item.reason})
        else:
            _keep_score(scores, item)
    result.scores = [scores[key] for key in sorted(scores)]
    return result


def _resolve_node(
    item: NodeDraft, known: dict[str, Registered], refused: set[str], result: Resolution
) -> None:
    found = known.get(item.node_id)
    parent = known.get(item.parent_id) if item.parent_id is not None else None
    if found is not None and found.left_out:
        result.reject("node", item.node_id, IN_QUARANTINE)
    elif found is not None and found.digest == item.digest:
        result.nodes += 1
        result.set(item.node_id, {name: item.values[name] for name in sorted(item.explicit)})
    elif found is not None:
        reason = "another writer saved this id with another parent or content"
        result.reject("node", item.node_id, reason)
        refused.add(item.node_id)
    elif item.parent_id is not None and (parent is None or item.parent_id in refused):
        reason = _why_not(item.parent_id, known)
        result.reject("node", item.node_id, f"its parent {item.parent_id} {reason}")
        refused.add(item.node_id)
    else:
        depth = 0 if parent is None else parent.depth + 1
        entry = Registered(depth, item.digest, item.content_digest)
        known[item.node_id] = result.registrations[item.node_id] = entry
        # A copy takes a third less than {**values, …}.
        row = result.creates[item.node_id] = item.values.copy()
        row["depth"] = depth
        result.nodes += 1


def _why_not(node_id: str, known: Mapping[str, Registered]) -> str:
    found = known.get(node_id)
    return IN_QUARANTINE if found is not None and found.left_out else "is not stored"


def _keep_score(scores: dict[tuple[str, str, str], ScoreDraft], item: ScoreDraft) -> None:
    """Keep the last score of a key; a failed try never replaces a number."""
    key = (item.node_id, item.principle_id, item.judge)
    earlier = scores.get(key)
    if item.score is None and earlier is not None and earlier.score is not None:
        return
    scores[key] = item


def first_ids(items: Sequence[Draft]) -> list[str]:
    """Return what the items name, in order, for a message about what is pending."""
    return ["state" if isinstance(item, StateDraft) else item.node_id for item in items]
