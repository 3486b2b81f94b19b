"""Batches as the adapter would hand them over, in few words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sapwood.batch import Batch, Draft, NodeDraft, PruneDraft, ScoreDraft, StateDraft, StatusDraft
from sapwood.drafts import draft_node, draft_prune, draft_scores, draft_state, draft_statuses
from sapwood.model import Node, NodeStatus, PrincipleScore, Receipt, new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sapwood.relational import Epoch, Journal


def node(parent: NodeDraft | None = None, content: str = "", **fields: object) -> NodeDraft:
    """A new node, under `parent` if there is one."""
    parent_id = None if parent is None else parent.node_id
    return draft_node(Node.model_validate({"parent_id": parent_id, "content": content, **fields}))


def status(target: NodeDraft, value: NodeStatus, reason: str | None = None) -> StatusDraft:
    return draft_statuses({target.node_id: value}, reason)[0]


def node_with(known: NodeDraft, **fields: object) -> NodeDraft:
    """A node that is known, saved again with other values."""
    given = {"id": known.node_id, "parent_id": known.parent_id, "content": "", **fields}
    return draft_node(Node.model_validate(given))


def prune(target: NodeDraft, reason: str | None = None) -> PruneDraft:
    return draft_prune(target.node_id, reason)


def score(
    target: NodeDraft | str, principle_id: str, number: float | None, judge: str = "judge@1"
) -> ScoreDraft:
    """A judge's number; without one, the record of a failed try."""
    node_id = target if isinstance(target, str) else target.node_id
    failure = "the judge was silent" if number is None else None
    given = PrincipleScore(
        node_id=node_id, principle_id=principle_id, judge=judge, score=number, failure=failure
    )
    return draft_scores([given])[0]


def state(value: object) -> StateDraft:
    return draft_state(value)


def batch(*items: Draft, batch_id: str | None = None) -> Batch:
    return Batch(batch_id or new_id(), items)


@dataclass(frozen=True)
class Writer:
    """Who writes to one project, with an epoch of its own."""

    journal: Journal
    project_id: str
    epoch: Epoch

    async def commit(self, *items: Draft, batch_id: str | None = None) -> Receipt:
        return await self.journal.commit(
            self.project_id, self.epoch, batch(*items, batch_id=batch_id)
        )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait, at most 10 s, until the server says so."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0)
