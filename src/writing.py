"""What an orchestrator writes to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .drafts import (
    check_known,
    check_targets,
    draft_node,
    draft_prune,
    draft_scores,
    draft_state,
    draft_statuses,
    is_fresh,
    parents_first,
)
from .errors import RejectedItemsError
from .labels import add_samples
from .sample_drafts import draft_sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Node, NodeStatus, PrincipleScore, Receipt
    from .samples import LabeledSample
    from .session import Session
    from .settings import Settings


class Writes:
    """The writing half of an adapter.

    Guarantees: Accepting is validation and a copy: what was given is never read later. A call with
        a bad item raises before anything of it is queued, and harms nothing else.
    Raises: ReadOnlyError in mode `read`; FencedError once a newer writer took the project over;
        RejectedItemsError, before anything is queued, if a racing writer made earlier items
        invalid and no call said so yet.
    """

    _settings: Settings

    async def _ready(self) -> Session:
        raise NotImplementedError

    async def save_nodes_batch(self, nodes: Iterable[Node]) -> None:
        """Make sure that these nodes exist.

        A new id is created. A known id with the same parent and content changes those mutable
        fields that the caller set itself (status, status_reason, score, attributes). Parents may
        stand anywhere in the call. The whole call is checked first, then queued parents first;
        it is not atomic across batches.

        Args:
            nodes: Any number, in any order.

        Raises:
            ValidationError: A node that one of the stores could not hold, or a cycle.
            NotFoundError: A parent is neither stored nor in the call.
            ConflictError: A known id came with another parent or content.

        Cost: no round trip for nodes that drew their own id and whose parents were saved lately
            by this adapter, else one; then waiting for room, if the buffer is full, and 2 ms in 100
            nodes for as long as they come faster than Neo4j takes them, or it is not known yet
            where it stands.
        """
        session = await self._ready()
        given = list(nodes)
        drafts = parents_first([draft_node(node) for node in given])
        fresh = {node.id for node in given if is_fresh(node)}
        named = {draft.node_id for draft in drafts}
        named |= {draft.parent_id for draft in drafts if draft.parent_id is not None}
        async with session.accepting():
            check_known(drafts, await session.find_known(named, fresh))
            await session.accept(drafts)

    async def update_status_batch(
        self, statuses: Mapping[str, NodeStatus], *, reason: str | None = None
    ) -> None:
        """Set the status of nodes: any transition, never of their descendants; the last one wins.

        Args:
            statuses: Status by node id.
            reason: Why, for all of them; `None` clears an earlier reason.

        Raises:
            ValidationError, NotFoundError: Names the item; nothing of the call is queued.

        Cost: no round trip for nodes saved lately by this adapter, else one.
        """
        session = await self._ready()
        drafts = draft_statuses(statuses, reason)
        async with session.accepting():
            check_targets(statuses, await session.find_known(statuses), "status")
            await session.accept(drafts)

    async def prune(self, node_id: str, *, reason: str | None = None) -> None:
        """Close a subtree: each node of it that is alive then becomes pruned, itself included.

        *Then* is its place among all writes of the project: after what was accepted before it,
        before what is accepted later. A node saved later under a pruned one keeps its own status.
        Complete, failed and earlier pruned nodes stay as they are. Nothing is deleted.

        Args:
            node_id: Top of the subtree.
            reason: Why, for all of them: their `status_reason`.

        Raises:
            ValidationError, NotFoundError: Names the node; nothing is queued.

        Cost: as `update_status_batch`, however large the subtree is; it is journalled as one
            operation. The graph applies it in transactions of at most 2,500 nodes.
        """
        session = await self._ready()
        draft = draft_prune(node_id, reason)
        async with session.accepting():
            check_targets([node_id], await session.find_known([node_id]), "prune")
            await session.accept([draft])

    async def update_scores_batch(self, scores: Iterable[PrincipleScore]) -> None:
        """Keep judges' scores: one for each (node, principle, judge), the last one wins.

        The first judge whose scores a project gets becomes its active judge. A node's
        `rubric_score` follows with the same flush.

        Raises:
            ValidationError, NotFoundError: Names the item; nothing of the call is queued.

        Cost: no round trip for nodes and principles used lately by this adapter, else one or two.
        """
        session = await self._ready()
        drafts = draft_scores(scores)
        targets = {draft.node_id: None for draft in drafts}
        async with session.accepting():
            check_targets(targets, await session.find_known(targets), "score")
            await session.check_principles({draft.principle_id for draft in drafts})
            await session.accept(drafts)

    async def add_labels_batch(self, samples: Iterable[LabeledSample]) -> None:
        """Keep what people say of contents: one label for each (content, labeler, principle).

        A later label of the same replaces the earlier one, the last of a call wins. What was
        accepted before is flushed first, so that a sample may name a pending node. The samples
        are stored at once, all or none, and are durable on return. People may label while an
        orchestrator owns the project, several at a time: nobody is fenced off by it. A call whose
        reply was lost is made again, and counts as made then: it replaces what the same labeler
        said from elsewhere in between.

        Args:
            samples: One with a `node_id` and no content takes the node's.

        Raises:
            ValidationError: A sample that could not be stored, or a label outside its scale.
            NotFoundError: A principle, rubric version or node that the project has not.
            ConflictError: A content that is not the given node's, or an id that stands for
                another label.

        Cost: one PostgreSQL transaction of six statements, and one for each further 1,000 labels,
            under the project's lock; one Neo4j read if a content is left out.
        """
        session = await self._ready()
        session.check_writable()
        await add_samples(session, [draft_sample(sample) for sample in samples])

    async def save_state(self, state: Any) -> None:
        """Keep the orchestrator's own state, any JSON value of at most 1 MiB.

        It is stored by the same flush as the items before it, and replaces the earlier state.

        Raises:
            ValidationError: It is no such value.
        """
        session = await self._ready()
        draft = draft_state(state)
        async with session.accepting():
            await session.accept([draft])

    async def flush(self) -> Receipt:
        """Make everything accepted before this call durable, and wait a while for the graph.

        Returns:
            What was stored since the previous receipt, automatic flushes included. `applied` is
            `False` when the graph did not follow within `apply_wait_s`: no error, all is stored.

        Raises:
            RejectedItemsError: A racing writer made items invalid; the rest is stored.
            FencedError: A newer writer took the project over; nothing pending was stored.
            DivergedError: PostgreSQL was restored to an earlier state, and nothing pending was
                stored; or all is stored, but the graph is of another history. The message says.
            StalledError: All is stored, but Neo4j refuses an entry; a note says so if something
                waits behind `max_lag`.
        """
        session = await self._ready()
        receipt = await session.flusher.flush()
        if receipt.rejected:
            raise RejectedItemsError(receipt.rejected)
        applied = await session.delivery.reach(receipt.seq, self._settings.apply_wait_s)
        return receipt.model_copy(update={"applied": applied})
