"""How an adapter batches, waits and holds back: one record, every value with its default."""

from __future__ import annotations

from typing import Literal, TypedDict

from pydantic import Field

from .model import Record

MIB = 1 << 20
BATCH_ROWS = 5_000
"""Most that `flush_at` may be, since a journal entry is one Neo4j transaction."""
BATCH_BYTES = 4 * MIB
"""Most bytes of one flush; an automatic flush starts when so much is pending."""
FLUSH_ROWS = 1_250
"""Most items of one flush, unless `flush_at` is more: flushing goes on while Neo4j is busy."""
APPLY_ROWS = 2_500
"""Most graph rows of one apply transaction, unless one entry has more. With twice as many, 7 %
fewer nodes were stored a second."""
APPLY_BYTES = 8 * MIB
"""Most bytes, unpacked, of one apply transaction."""
GIVE_WAY_ITEMS, GIVE_WAY_S = 100, 0.002
"""How often and how long savers hold back while Neo4j is behind and applies, or is asked where it
stands: else each round trip waits for several calls that save."""
LINGER_S = 0.005
"""How long an apply waits for more entries when nobody waits for it."""

Mode = Literal["own", "join", "read"]
"""How an adapter takes part in a project: as its one owner, as one of several, or looking."""


class Options(TypedDict, total=False):
    """`Settings` as keyword arguments."""

    flush_at: int
    flush_interval_s: float
    max_pending: int
    max_pending_bytes: int
    max_lag_rows: int
    max_lag_bytes: int
    read_wait_s: float
    apply_wait_s: float
    close_wait_s: float


class Settings(Record):
    """Settings of one adapter.

    Attributes:
        flush_at: Pending items that start an automatic flush.
        flush_interval_s: Age of the oldest pending item that starts one.
        max_pending: Items that may wait for PostgreSQL; then savers wait. Nothing is dropped.
        max_pending_bytes: The same in bytes.
        max_lag_rows: Graph rows that this adapter may have flushed and Neo4j not yet applied;
            then flushes wait.
        max_lag_bytes: The same in bytes, as they were accepted.
        read_wait_s: How long a read waits for the stores, then `StaleReadError` (Neo4j) or
            `UnavailableError` (PostgreSQL).
        apply_wait_s: How long `flush()` waits for the graph, then `Receipt.applied` is `False`.
        close_wait_s: How long `close()` tries to store what is pending, then it raises.
    """

    flush_at: int = Field(default=100, ge=1, le=BATCH_ROWS)
    flush_interval_s: float = Field(default=1.0, gt=0)
    max_pending: int = Field(default=10_000, ge=1)
    max_pending_bytes: int = Field(default=64 * MIB, ge=BATCH_BYTES)
    max_lag_rows: int = Field(default=1_000_000, ge=1)
    max_lag_bytes: int = Field(default=256 * MIB, ge=1)
    read_wait_s: float = Field(default=30.0, gt=0)
    apply_wait_s: float = Field(default=30.0, ge=0)
    close_wait_s: float = Field(default=60.0, gt=0)

    @property
    def most_rows(self) -> int:
        """Most items of one flush."""
        return max(FLUSH_ROWS, self.flush_at)
