"""What was accepted and is not yet stored: bounded, in order, frozen batch by batch."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from .batch import KINDS, Batch, NodeDraft, RefusedDraft, StateDraft
from .model import new_id
from .settings import BATCH_BYTES
from .waiting import wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .batch import Draft
    from .errors import SapwoodError
    from .settings import Settings


class Buffer:
    """A queue with two bounds. A batch leaves it only once it is stored.

    Attributes:
        accepted: How many items were ever accepted; the ticket of the newest.
        stored: How many of them are stored.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: deque[Draft] = deque()
        self._since = 0.0
        self._bytes = 0
        self._in_flight: Batch | None = None
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._abandoned: SapwoodError | None = None
        self._refused: set[str] = set()
        self.accepted = 0
        self.stored = 0

    @property
    def pending(self) -> int:
        """Items that are accepted and not stored."""
        return self.accepted - self.stored

    def items(self) -> list[Draft]:
        """Return what is accepted and not stored, in order."""
        in_flight = self._in_flight.items if self._in_flight else ()
        return [*in_flight, *self._waiting]

    def begin(self) -> None:
        """Begin to check and accept one call's items; calls take turns.

        What was refused earlier, the checks will find in the register or not at all.
        """
        self._refused.clear()

    def refuse(self, node_ids: Iterable[str]) -> set[str]:
        """Let nothing that waits, or that the call under way still puts, refer to these nodes.

        It was accepted while they were expected to be stored, and now means other nodes or none.
        It stays in its place, to be named by the receipt of its batch.

        Returns:
            The given ids and those of the nodes that are refused with them.
        """
        self._refused.update(node_ids)
        if self._refused:
            self._waiting = deque(self._checked(item) for item in self._waiting)
        return set(self._refused)

    def _checked(self, item: Draft) -> Draft:
        if isinstance(item, NodeDraft):
            if not {item.node_id, item.parent_id} & self._refused:
                return item
            self._refused.add(item.node_id)
            return RefusedDraft("node", item.node_id, item.size)
        if isinstance(item, (StateDraft, RefusedDraft)) or item.node_id not in self._refused:
            return item
        return RefusedDraft(KINDS[type(item)], item.node_id, item.size)

    async def put(self, items: Sequence[Draft], give_way_s: float = 0.0) -> None:
        """Accept `items` in order, each as soon as there is room for it.

        A cancelled call has accepted the first of them; a note on the error says how many. Who
        saves on and on without waiting for anything else lets the tasks that store it run
        meanwhile, for `give_way_s` at least.
        """
        for done, item in enumerate(items):
            if self._abandoned is not None or not self._has_room(item.size):
                try:
                    await self._wait_for_room(item.size)
                except asyncio.CancelledError as cancelled:
                    cancelled.add_note(_accepted(done, len(items)))
                    raise
            kept = self._checked(item) if self._refused else item
            if not self._waiting:  # whatever comes behind it is younger
                self._since = time.monotonic()
            self._waiting.append(kept)
            self._bytes += item.size
            self.accepted += 1
        self._changed.set()
        if len(self._waiting) >= self._settings.flush_at:
            try:
                await asyncio.sleep(give_way_s)
            except asyncio.CancelledError as cancelled:
                cancelled.add_note(_accepted(len(items), len(items)))
                raise

    async def _wait_for_room(self, size: int) -> None:
        while self._abandoned is None and not self._has_room(size):
            self._room.clear()
            self._changed.set()
            await self._room.wait()
        if self._abandoned is not None:
            raise self._abandoned.with_traceback(None)

    def _has_room(self, size: int) -> bool:
        limits = self._settings
        fits = self._bytes + size <= limits.max_pending_bytes
        return self.pending < limits.max_pending and (fits or self.pending == 0)

    async def changed(self, timeout_s: float | None) -> None:
        """Wait until something is accepted, or until the time is over."""
        self._changed.clear()
        await wait(self._changed, timeout_s)

    def wake(self) -> None:
        """End `changed`: something else is to be looked at."""
        self._changed.set()

    def due_in_s(self) -> float | None:
        """Seconds until an automatic flush is due, 0 or less if it is; `None` if none will be."""
        if self._in_flight is not None:
            return 0.0
        if not self._waiting:
            return None
        full = not self._room.is_set()
        if full or len(self._waiting) >= self._settings.flush_at or self._bytes >= BATCH_BYTES:
            return 0.0
        return self._since + self._settings.flush_interval_s - time.monotonic()

    def freeze(self) -> Batch:
        """Return the oldest items as a batch with an id; the same until it is `done`."""
        if self._in_flight is None:
            taken: list[Draft] = []
            size = 0
            while self._waiting and len(taken) < self._settings.most_rows:
                size += self._waiting[0].size
                if taken and size > BATCH_BYTES:
                    break
                taken.append(self._waiting.popleft())
            self._in_flight = Batch(new_id(), tuple(taken))
        return self._in_flight

    def abandon(self, failure: SapwoodError) -> None:
        """Nothing will be stored any more: let who waits for room, or comes late, raise it."""
        self._abandoned = failure
        self._room.set()

    def resume(self) -> None:
        """Things will be stored again."""
        self._abandoned = None
        if not self._has_room(0):
            self._room.clear()

    def done(self) -> None:
        """Forget the frozen batch: it is stored."""
        batch = self._in_flight
        if batch is None:
            return
        self._in_flight = None
        self.stored += len(batch.items)
        self._bytes -= sum(item.size for item in batch.items)
        self._room.set()


def _accepted(done: int, count: int) -> str:
    return f"{done} of {count} items were accepted and will be stored"


class KnownIds:
    """Digests of ids that this adapter lately saved or looked up, so that it need not ask again.

    It forgets the oldest beyond `capacity`, which is more than can be pending; whoever misses
    one asks the register.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # A plain dict finds its first entry by going over all that were deleted before it: at
        # 100,000 ids each further one took 14 to 40 µs, which is as much as all else that saves it.
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def find(self, node_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the digests of those ids that are known here."""
        digests = self._digests
        return {node_id: digests[node_id] for node_id in node_ids if node_id in digests}

    def add(self, node_id: str, digest: bytes) -> None:
        """Remember an id."""
        self._digests[node_id] = digest
        if len(self._digests) > self._capacity:
            self._digests.popitem(last=False)

    def add_accepted(self, items: Iterable[Draft]) -> None:
        """Remember the nodes among `items`."""
        for item in items:
            if isinstance(item, NodeDraft):
                self.add(item.node_id, item.digest)

    def discard(self, node_ids: Iterable[str]) -> None:
        """Forget ids that turned out not to be stored."""
        for node_id in node_ids:
            self._digests.pop(node_id, None)
