"""What a memory adapter accepts: checked and copied as by the real one."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from ..drafts import (
    check_known,
    check_targets,
    draft_node,
    draft_prune,
    draft_scores,
    draft_state,
    draft_statuses,
    parents_first,
)
from ..errors import NotFoundError, SapwoodError
from ..sample_drafts import draft_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..batch import Draft
    from ..model import Node, NodeStatus, PrincipleScore
    from ..samples import LabeledSample
    from .memory_labels import MemoryLabels
    from .pending import Pending
    from .project_rows import ProjectRows


class MemoryWrites:
    """The accepting half: see `sapwood.writing.Writes`."""

    _pending: Pending
    labels: MemoryLabels

    def _ready(self) -> ProjectRows:
        """Return the project for a call."""
        raise NotImplementedError

    def _there(self) -> ProjectRows:
        """Return the project, as it is in the stores."""
        raise NotImplementedError

    def _writable(self) -> None:
        """Raise `ReadOnlyError` in mode `read`."""
        raise NotImplementedError

    def _raise_rejected(self) -> None:
        """Raise for what was left out and nobody heard of."""
        raise NotImplementedError

    def _store_while(self, due: Callable[[], bool]) -> None:
        """Store batch after batch."""
        raise NotImplementedError

    async def save_nodes_batch(self, nodes: Iterable[Node]) -> None:
        """Make sure that these nodes exist."""
        self._ready()
        drafts = parents_first([draft_node(node) for node in nodes])
        named = {draft.node_id for draft in drafts}
        named |= {draft.parent_id for draft in drafts if draft.parent_id is not None}
        self._begin_write()
        check_known(drafts, self._known(named))
        self._accept(drafts)

    async def update_status_batch(
        self, statuses: Mapping[str, NodeStatus], *, reason: str | None = None
    ) -> None:
        """Set the status of nodes."""
        self._ready()
        drafts = draft_statuses(statuses, reason)
        self._begin_write()
        check_targets(statuses, self._known(statuses), "status")
        self._accept(drafts)

    async def prune(self, node_id: str, *, reason: str | None = None) -> None:
        """Close a subtree: each node of it that is alive then becomes pruned."""
        self._ready()
        draft = draft_prune(node_id, reason)
        self._begin_write()
        check_targets([node_id], self._known([node_id]), "prune")
        self._accept([draft])

    async def update_scores_batch(self, scores: Iterable[PrincipleScore]) -> None:
        """Keep judges' scores."""
        self._ready()
        drafts = draft_scores(scores)
        targets = {draft.node_id: None for draft in drafts}
        self._begin_write()
        check_targets(targets, self._known(targets), "score")
        principles = self._there().rubrics.principles if drafts else {}
        for principle_id in sorted({draft.principle_id for draft in drafts} - principles.keys()):
            raise NotFoundError(
                f"principle {principle_id}: this project has no such principle; save a rubric that "
                "holds it first"
            )
        self._accept(drafts)

    async def add_labels_batch(self, samples: Iterable[LabeledSample]) -> None:
        """Keep what people say of contents."""
        self._ready()
        self._writable()
        await self.labels.add([draft_sample(sample) for sample in samples])

    async def save_state(self, state: Any) -> None:
        """Keep the orchestrator's own state."""
        self._ready()
        draft = draft_state(state)
        self._begin_write()
        self._accept([draft])

    def _begin_write(self) -> None:
        self._writable()
        self._raise_rejected()

    def _known(self, node_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the digests of those ids that exist, or will once what is pending is stored."""
        wanted, mine = set(node_ids), self._pending.digests
        known = {each: mine[each] for each in wanted & mine.keys()}
        if missing_ids := wanted - mine.keys():
            register = self._there().registered(missing_ids)
            known |= {each: entry.digest for each, entry in register.items()}
        return known

    def _accept(self, items: Sequence[Draft]) -> None:
        for item in items:
            self._store_while(partial(self._pending.is_full, item.size))
            self._pending.add(item)
        with contextlib.suppress(SapwoodError):  # an automatic flush; later calls raise it
            self._store_while(self._pending.is_due)
