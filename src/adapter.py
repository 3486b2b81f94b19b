"""What an orchestrator imports: batched, durable writes to both stores, and reads from both."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any, Self

from .drafts import (
    check_known,
    check_targets,
    draft_node,
    draft_prune,
    draft_score,
    draft_state,
    draft_statuses,
    is_fresh,
    parents_first,
)
from .errors import ClosedError, RejectedItemsError, ValidationError
from .reading import Reads
from .rubrics import Rubrics
from .session import Session
from .settings import Settings
from .stores import Stores
from .values import check_id, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Unpack

    from .graph import Graph
    from .model import Node, NodeStatus, PrincipleScore, Receipt
    from .relational import Database
    from .settings import Mode, Options


class AsyncStorageAdapter(Reads):
    """One project of the two stores, for one event loop of one process.

    Guarantees:
        *Every write that `flush()` acknowledged is committed in PostgreSQL, whole, once; and the
        graph becomes exactly the fold of the committed batches, in order.* Items are accepted in
        order, stored in order, and stored batch by batch: what a crash leaves is a prefix. A
        batch is flushed at `flush_at` items, at 4 MiB, after `flush_interval_s`, and by `flush()`.
        Accepting is validation and a copy: objects given here are never read later. A call with
        a bad item raises before anything of it is queued. A cancelled call stops waiting; what it
        had accepted will be stored. When PostgreSQL is away, the buffer fills and savers wait;
        when Neo4j is away, flushes go on and the graph follows later. Nothing is dropped.

    It opens at the first awaited call, or by `async with`, which also closes it. Not for use from
    several event loops, threads or forks.
    """

    def __init__(
        self,
        db: Database,
        graph: Graph,
        *,
        project_id: str,
        title: str = "",
        mode: Mode = "own",
        **options: Unpack[Options],
    ) -> None:
        """Make an adapter; no I/O yet. `db` and `graph` stay the caller's to close.

        Args:
            project_id: The project to open; made when it is new.
            title: Title of a new project.
            mode: `own`: the first write takes the project over from an earlier writer.
            **options: See `sapwood.settings.Settings`.

        Raises:
            ValidationError: A name or an option is out of bounds.
        """
        self._begin(Stores(db, graph), project_id, title, mode, options)

    def _begin(
        self, stores: Stores, project_id: str, title: str, mode: Mode, options: Options
    ) -> None:
        self._stores = stores
        self._project_id = check_id("project", "id", project_id)
        check_text("project", "title", title)
        self._title = title
        if mode != "own":
            raise ValidationError("adapter", "mode", "must be 'own', the only one in this release")
        self._settings = Settings(**options)
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self.rubrics = Rubrics(self._ready)

    @property
    def project_id(self) -> str:
        """Name of the project."""
        return self._project_id

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened since open: flushes, applies, applied_entries, and retries of each."""
        return {} if self._session is None else dict(self._session.counts)

    def __repr__(self) -> str:
        """Say which project and how much is pending."""
        pending = 0 if self._session is None else self._session.buffer.pending
        return f"<AsyncStorageAdapter {self._project_id!r}, {pending} pending>"

    # Opening and closing.

    async def _ready(self) -> Session:
        """Return the session, opened if need be, fit for a call."""
        if self._session is None:
            async with self._opening:
                if self._closed:
                    raise ClosedError(f"the adapter of project {self._project_id!r} is closed")
                if self._session is None:
                    self._session = await self._open()
        if self._closed:
            raise ClosedError(f"the adapter of project {self._project_id!r} is closed")
        self._session.check()
        return self._session

    async def _open(self) -> Session:
        try:
            return await Session.open(self._stores, self._project_id, self._title, self._settings)
        except BaseException:
            await self._stores.close()  # nobody else would; the next call opens them anew
            raise

    async def __aenter__(self) -> Self:
        """Open the project."""
        await self._ready()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store what is pending and close."""
        await self.close()

    async def close(self) -> None:
        """Refuse new calls, store what is pending, end the tasks. A second call does nothing.

        A cancelled close ends the tasks too; a note on the cancellation says what was not stored.

        Calls that are saving meanwhile get to their end first.

        Raises:
            SapwoodError: Something could not be stored within `close_wait_s`, or a fatal error
                stopped storing; says how much and which.
            RejectedItemsError: A racing writer made items invalid, and no call said so yet.
        """
        if self._closed:
            return
        self._closed = True
        try:
            async with self._opening:  # whoever is opening it gets to the end first
                session = self._session
            if session is not None:
                await session.close()
        finally:
            await self._stores.close()

    def __del__(self) -> None:
        """Warn about an adapter that was left open."""
        session = getattr(self, "_session", None)
        if session is not None and not self._closed:
            warnings.warn(
                f"the adapter of project {self._project_id!r} was not closed; "
                f"{session.buffer.pending} item(s) were not stored",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    # Writing.

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
            by this adapter, else one; then waiting for room, if the buffer is full.
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
            operation. The graph applies it in transactions of at most 5,000 nodes.
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
        drafts = [draft_score(score) for score in scores]
        targets = {draft.node_id: None for draft in drafts}
        async with session.accepting():
            check_targets(targets, await session.find_known(targets), "score")
            await session.check_principles({draft.principle_id for draft in drafts})
            await session.accept(drafts)

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

    async def rebuild_graph(self) -> None:
        """Delete the project's part of the graph and make it again from the journal.

        What is committed stays as it is. Reads wait meanwhile, flushes go on up to `max_lag`. If
        this process ends before, the next contact of any process goes on.

        Cost: grows with the project, deleted and created once; nothing is read of the old graph.
        """
        session = await self._ready()
        await session.rebuild()

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
