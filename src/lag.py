"""How much this process flushed that the graph has not yet."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Settings


class Lag:
    """Committed batches above the watermark, counted in rows and bytes.

    What other processes flushed is not in it: each holds back for its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._batches: deque[tuple[int, int, int]] = deque()
        self.rows = 0
        self.bytes = 0

    def add(self, seq: int, rows: int, size: int) -> None:
        """Count a batch that was committed at `seq`."""
        self._batches.append((seq, rows, size))
        self.rows += rows
        self.bytes += size

    def drop(self, applied: int) -> None:
        """Forget what is in the graph by now."""
        while self._batches and self._batches[0][0] <= applied:
            _, rows, size = self._batches.popleft()
            self.rows -= rows
            self.bytes -= size

    def is_empty(self) -> bool:
        """Whether all that was counted is in the graph."""
        return not self._batches

    def has_room(self) -> bool:
        """Whether another batch may be flushed before the graph catches up."""
        settings = self._settings
        return self.rows < settings.max_lag_rows and self.bytes < settings.max_lag_bytes
