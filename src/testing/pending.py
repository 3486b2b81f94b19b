"""What a memory adapter accepted and has not stored: in order, and what is refused among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..batch import KINDS, Batch, NodeDraft, RefusedDraft, StateDraft, first_ids
from ..model import new_id
from ..settings import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..batch import Draft
    from ..settings import Settings


class Pending:
    """A queue without a clock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._items: list[Draft] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def ids(self) -> list[str]:
        """What the items name, in order."""
        return first_ids(self._items)

    @property
    def digests(self) -> dict[str, bytes]:
        """Digest by id of the nodes among them."""
        return {item.node_id: item.digest for item in self._items if isinstance(item, NodeDraft)}

    def add(self, item: Draft) -> None:
        """Accept an item."""
        self._items.append(item)
        self._bytes += item.size

    def is_due(self) -> bool:
        """Whether there is so much that it is to be stored."""
        return len(self) >= self._settings.flush_at or self._bytes >= BATCH_BYTES

    def is_full(self, size: int) -> bool:
        """Whether something is to be stored before an item of this size is accepted."""
        limits = self._settings
        fits = self._bytes + size <= limits.max_pending_bytes
        return bool(self._items) and not (fits and len(self) < limits.max_pending)

    def next_batch(self) -> Batch:
        """Return the oldest items that may be stored at once; they stay until `drop`."""
        taken: list[Draft] = []
        size = 0
        for item in self._items[: self._settings.most_rows]:
            size += item.size
            if taken and size > BATCH_BYTES:
                break
            taken.append(item)
        return Batch(new_id(), tuple(taken))

    def drop(self, batch: Batch) -> None:
        """Forget the items of a batch: they are stored."""
        del self._items[: len(batch.items)]
        self._bytes -= sum(item.size for item in batch.items)

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._bytes = 0

    def refuse(self, node_ids: Iterable[str]) -> None:
        """Let nothing that waits refer to these nodes; it stays in its place, to be named there."""
        refused = set(node_ids)
        for at, item in enumerate(self._items if refused else ()):
            if isinstance(item, NodeDraft):
                if {item.node_id, item.parent_id} & refused:
                    refused.add(item.node_id)
                    self._items[at] = RefusedDraft("node", item.node_id, item.size)
            elif not isinstance(item, (StateDraft, RefusedDraft)) and item.node_id in refused:
                self._items[at] = RefusedDraft(KINDS[type(item)], item.node_id, item.size)
