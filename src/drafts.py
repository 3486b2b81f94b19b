"""From what a caller gives to what is queued: checked, copied, parents first. No I/O."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from .batch import NodeDraft, PruneDraft, ScoreDraft, StateDraft, StatusDraft
from .errors import ConflictError, NotFoundError, ValidationError
from .judges import check_judge
from .model import Node, NodeStatus, PrincipleScore
from .values import (
    ITEM_BYTES,
    check_id,
    check_integer,
    check_number,
    check_text,
    digest_content,
    encode_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OVERHEAD = 256
"""Bytes counted for an item besides its texts."""
_MUTABLE = frozenset({"status", "status_reason", "score", "attributes"})
_NONE: frozenset[str] = frozenset()
_STATUSES: dict[object, str] = {status.value: status.value for status in NodeStatus}
"""Plain texts by status or text: the two are equal."""


def draft_node(node: object) -> NodeDraft:
    """Return `node` as it will be queued; what the caller changes later is not seen.

    Raises:
        ValidationError: One of the stores could not hold it; names the node and the field.
    """
    if not isinstance(node, Node):
        raise ValidationError("save_nodes_batch", "item", f"is a {type(node).__name__}, not a Node")
    node_id, parent_id, reason = check_id("node", "id", node.id), node.parent_id, node.status_reason
    item = f"node {node_id}"
    if parent_id is not None:
        check_id(item, "parent_id", parent_id)
    if parent_id == node_id:
        raise ValidationError(item, "parent_id", "names the node itself")
    content = check_text(item, "content", node.content, ITEM_BYTES)
    attributes = _attributes(item, node.attributes)
    size = len(content) + len(attributes)
    if size > ITEM_BYTES:
        problem = f"has {size:,} bytes together with attributes; at most {ITEM_BYTES:,} are kept"
        raise ValidationError(item, "content", problem)
    values: dict[str, Any] = {
        "id": node_id,
        "parent_id": parent_id,
        "content": node.content,
        "attributes": attributes.decode(),
        "status": _status(item, node.status),
        "status_reason": None if reason is None else _text(item, "status_reason", reason),
        "score": None if node.score is None else check_number(item, "score", node.score),
        "iteration": check_integer(item, "iteration", node.iteration),
        "created_at": _microseconds(item, node.created_at),
    }
    given = node.model_fields_set
    explicit = _NONE if _MUTABLE.isdisjoint(given) else _MUTABLE & given
    digest = _digest(parent_id, content)
    size += _OVERHEAD + _bytes(reason)
    return NodeDraft(node_id, parent_id, digest, digest_content(content), values, explicit, size)


def is_fresh(node: Node) -> bool:
    """Whether `node` drew its own id here, so that no store can know it but through us."""
    return "id" not in node.model_fields_set


def draft_statuses(statuses: Mapping[str, NodeStatus], reason: str | None) -> list[StatusDraft]:
    """Return the statuses as they will be queued, in the mapping's order."""
    drafts = []
    for node_id, status in statuses.items():
        item = f"status of node {check_id('status', 'node id', node_id)}"
        if status not in set(NodeStatus):
            known = ", ".join(NodeStatus)
            raise ValidationError(item, "status", f"must be one of {known}")
        text = None if reason is None else _text(item, "reason", reason)
        size = _OVERHEAD + _bytes(text)
        drafts.append(StatusDraft(node_id, NodeStatus(status).value, text, size))
    return drafts


def draft_prune(node_id: str, reason: str | None) -> PruneDraft:
    """Return the prune as it will be queued."""
    item = f"prune of node {check_id('prune', 'node_id', node_id)}"
    text = None if reason is None else _text(item, "reason", reason)
    return PruneDraft(node_id, text, _OVERHEAD + _bytes(text))


def draft_scores(scores: Iterable[object]) -> list[ScoreDraft]:
    """Return the scores as they will be queued, each a number or the text of a failed try.

    There may be a million of them, of few judges: each distinct id and judge is checked once.
    """
    ids: set[str] = set()
    judges: set[str] = set()
    return [_draft_score(score, ids, judges) for score in scores]


def _draft_score(score: object, ids: set[str], judges: set[str]) -> ScoreDraft:
    if not isinstance(score, PrincipleScore):
        problem = f"is a {type(score).__name__}, not a PrincipleScore"
        raise ValidationError("update_scores_batch", "item", problem)
    node_id, principle_id, judge = score.node_id, score.principle_id, score.judge
    if type(node_id) is not str or node_id not in ids:
        ids.add(check_id("score", "node_id", node_id))
    if type(principle_id) is not str or principle_id not in ids:
        ids.add(check_id(f"score of node {node_id}", "principle_id", principle_id))
    if type(judge) is not str or judge not in judges:
        judges.add(check_judge(f"score of node {node_id}", judge))
    number, failure, rationale = score.score, score.failure, score.rationale
    if (number is None) == (failure is None):
        problem = "must be a number, or None with a failure text"
        raise ValidationError(f"score of node {node_id}", "score", problem)
    if number is not None and (type(number) is not float or not isfinite(number)):
        number = check_number(f"score of node {node_id}", "score", number)
    size = _OVERHEAD
    if failure is not None or rationale is not None:
        item = f"score of node {node_id}"
        size += _size(item, "failure", failure) + _size(item, "rationale", rationale)
    return ScoreDraft(node_id, principle_id, judge, number, failure, rationale, size)


def draft_state(state: object) -> StateDraft:
    """Return the orchestrator's state as it will be queued: JSON of at most 1 MiB."""
    return StateDraft(encode_json("save_state", "state", state))


def parents_first(drafts: Sequence[NodeDraft]) -> list[NodeDraft]:
    """Return `drafts` with each parent before its children, otherwise in their own order.

    A call that has its parents first already comes back as it is.

    Raises:
        ValidationError: Some of them are each other's ancestors.
        ConflictError: One id stands twice with different parents or contents.
    """
    digests: dict[str, bytes] = {}
    for draft in drafts:
        _same(draft, digests.setdefault(draft.node_id, draft.digest))
    placed: set[str] = set()
    waiting: dict[str, list[NodeDraft]] = {}
    ordered: list[NodeDraft] = []
    for draft in drafts:
        ready = [draft]
        while ready:
            each = ready.pop()
            parent = each.parent_id
            if parent in digests and parent not in placed:
                waiting.setdefault(parent, []).append(each)
            else:
                ordered.append(each)
                placed.add(each.node_id)
                ready.extend(reversed(waiting.pop(each.node_id, [])))
    if waiting:
        stuck = next(draft.node_id for draft in drafts if draft.node_id not in placed)
        raise ValidationError(f"node {stuck}", "parent_id", "makes it its own ancestor")
    return ordered


def check_known(drafts: Iterable[NodeDraft], known: Mapping[str, bytes]) -> None:
    """Hold drafts, parents first, against the ids that exist.

    Args:
        drafts: What a call wants to save.
        known: Digest by id, of those ids that the drafts name and that exist.

    Raises:
        ConflictError: A known id came with another parent or content.
        NotFoundError: A parent is neither known nor in the call.
    """
    made: set[str] = set()
    for draft in drafts:
        digest = known.get(draft.node_id)
        if digest is not None:
            _same(draft, digest)
        elif not (draft.parent_id is None or draft.parent_id in known or draft.parent_id in made):
            raise NotFoundError(
                f"node {draft.node_id}: its parent {draft.parent_id} is not in this project; save "
                "the parent before it or in the same call"
            )
        made.add(draft.node_id)


def check_targets(node_ids: Iterable[str], known: Mapping[str, bytes], what: str) -> None:
    """Raise `NotFoundError` for the first of `node_ids` that does not exist."""
    for node_id in node_ids:
        if node_id not in known:
            raise NotFoundError(f"{what} of node {node_id}: this project has no such node")


def _same(draft: NodeDraft, digest: bytes) -> None:
    if draft.digest != digest:
        raise ConflictError(
            f"node {draft.node_id} exists with another parent or content, and these never change; "
            "save the new state as a node with an id of its own"
        )


def _digest(parent_id: str | None, content: bytes) -> bytes:
    """Digest what never changes. Ids hold no NUL, so the two parts cannot run together."""
    return hashlib.blake2b((parent_id or "").encode() + b"\0" + content, digest_size=16).digest()


def _attributes(item: str, attributes: object) -> bytes:
    """Return a node's attributes as JSON; most nodes have none."""
    if not isinstance(attributes, dict):
        raise ValidationError(item, "attributes", "must be a JSON object")
    return encode_json(item, "attributes", attributes) if attributes else b"{}"


def _status(item: str, status: object) -> str:
    try:
        return _STATUSES[status]
    except (KeyError, TypeError):
        known = ", ".join(NodeStatus)
        raise ValidationError(item, "status", f"must be one of {known}") from None


def _text(item: str, field: str, text: str) -> str:
    check_text(item, field, text)
    return text


def _size(item: str, field: str, text: str | None) -> int:
    """Return the bytes of a text that can be stored."""
    return 0 if text is None else len(check_text(item, field, text))


def _bytes(text: str | None) -> int:
    return 0 if text is None else len(text.encode())


def _microseconds(item: str, moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValidationError(item, "created_at", "must have a time zone, such as UTC")
    try:
        utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
        return (utc - _EPOCH) // _MICROSECOND
    except OverflowError:  # it could be stored, and never be read again
        raise ValidationError(item, "created_at", "is not in the years 1 to 9999 of UTC") from None
