"""From one `Told` to one stored node and back. Pure functions, no store."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from ..errors import ValidationError
from ..model import Node
from ..values import ITEM_BYTES, check_text, encode_json
from ._treequest_replay import RestoreError, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

StateT = TypeVar("StateT")

RECORD = "treequest"
"""The attribute that holds what treequest was told."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,48}\Z")
_ROOT = "root"


def check_name(name: str) -> str:
    """Return `name` if it is 1 to 48 of `A-Z a-z 0-9 . _ -`, so that it can begin an id."""
    if not _NAME.match(name):
        problem = "must be 1 to 48 characters of A-Z a-z 0-9 . _ -"
        raise ValidationError(f"search {name!r}", "name", problem)
    return name


def node_id(name: str, expand_idx: int) -> str:
    """Return the id under which a search's node is stored; -1 is its root.

    The number is part of the id so that a number can be stored once only: two continuations of
    one search cannot both be kept, whoever writes them.
    """
    return f"{name}.{_ROOT if expand_idx < 0 else expand_idx}"


@dataclasses.dataclass(frozen=True)
class Codec(Generic[StateT]):
    """A user's state as a node's content. Without functions: text as it is, else as JSON."""

    encode: Callable[[StateT], str] | None = None
    decode: Callable[[str], StateT] | None = None

    def __post_init__(self) -> None:
        if (self.encode is None) != (self.decode is None):
            raise ValidationError("search", "encode", "and decode belong together; give both")

    def to_content(self, item: str, state: StateT) -> tuple[str, str]:
        """Return the name of the coding and the content, once it is seen to be readable again."""
        if self.encode is not None:
            content = self.encode(state)
            self._check(item, content)
            return "custom", content
        if isinstance(state, str):
            check_text(item, "state", state, ITEM_BYTES)
            return "text", str(state)
        coded = encode_json(item, "state", state)
        if orjson.loads(coded) != state:
            problem = "is not the same after JSON; give the search `encode` and `decode`"
            raise ValidationError(item, "state", problem)
        return "json", coded.decode()

    def to_state(self, item: str, coding: str, content: str) -> Any:
        """Return the state that `content` stands for."""
        if coding == "text":
            return content
        if coding == "json":
            return orjson.loads(content)
        if self.decode is None:
            raise ValidationError(item, "state", "was stored by `encode`; give `decode` too")
        return self.decode(content)

    def _check(self, item: str, content: object) -> None:
        check_text(item, "content", content, ITEM_BYTES)
        again = None
        if self.encode is not None and self.decode is not None:
            try:
                again = self.encode(self.decode(str(content)))
            except Exception as exc:
                problem = f"cannot be read again by `decode`: {type(exc).__name__}: {exc}"
                raise ValidationError(item, "content", problem) from exc
        if again != content:
            raise ValidationError(item, "content", "becomes another after `decode` and `encode`")


def to_node(
    name: str, told: Told[StateT], codec: Codec[StateT], described: Mapping[str, Any]
) -> Node:
    """Return the node that holds all of `told`, so that it depends on no other record.

    Args:
        described: More of the node's fields: status, status_reason, attributes.
    """
    identity = node_id(name, told.expand_idx)
    coding, content = codec.to_content(f"node {identity}", told.state)
    record = {
        "expand_idx": told.expand_idx,
        "score": told.score,
        "action": told.action,
        "actions": list(told.actions),
        "trial_id": told.trial_id,
        "asked_at": told.asked_at,
        "told_at": told.told_at,
        "coding": coding,
    }
    fields: dict[str, Any] = {
        **described,
        "id": identity,
        "parent_id": node_id(name, told.parent_idx),
        "content": content,
        "attributes": {**described.get("attributes", {}), "search": name, RECORD: record},
        "score": told.score,
        "iteration": told.expand_idx,
        "created_at": datetime.fromisoformat(told.told_at),
    }
    return Node(**fields)


def to_root(name: str, content: str, algorithm: str, settings: Mapping[str, Any]) -> Node:
    """Return the node above a search's first one: its name and how it is made."""
    record = {"algorithm": algorithm, "settings": dict(settings)}
    return Node(id=node_id(name, -1), content=content, attributes={"search": name, RECORD: record})


def from_node(name: str, node: Node, codec: Codec[StateT]) -> Told[StateT] | None:
    """Return what `node` holds, or `None` if it is not one of the search.

    Raises:
        RestoreError: It was, but is damaged.
    """
    record = node.attributes.get(RECORD)
    if record is None or node.parent_id is None:
        return None
    try:
        expand_idx = record["expand_idx"]
        if node.id != node_id(name, expand_idx):
            return None
        parent = node.parent_id.rpartition(".")[2]
        return Told(
            expand_idx=expand_idx,
            parent_idx=-1 if parent == _ROOT else int(parent),
            state=codec.to_state(f"node {node.id}", record["coding"], node.content),
            score=record["score"],
            action=record["action"],
            actions=tuple(record["actions"]),
            trial_id=record["trial_id"],
            asked_at=record["asked_at"],
            told_at=record["told_at"],
        )
    except (KeyError, TypeError) as exc:
        raise RestoreError(f"node {node.id}: its attribute {RECORD!r} is damaged: {exc!r}") from exc


def from_nodes(name: str, nodes: Iterable[Node], codec: Codec[StateT]) -> list[Told[StateT]]:
    """Return what all `nodes` hold, in the order in which treequest was told."""
    found = [told for node in nodes if (told := from_node(name, node, codec)) is not None]
    return sorted(found, key=lambda told: told.expand_idx)
