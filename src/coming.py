"""What comes next in the journal: read and made ready while Neo4j is busy with what came before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from .errors import SapwoodError
from .graph import rows_of
from .journal import fold, run
from .settings import APPLY_BYTES

if TYPE_CHECKING:
    from .graph import Rows
    from .journal import Entry
    from .relational import Journal


class Coming(NamedTuple):
    """Entries that may go into one transaction.

    Attributes:
        rows: What the first of them, up to a prune, write, if that was made already.
    """

    entries: list[Entry]
    rows: Rows | None = None

    @property
    def size(self) -> int:
        """How many rows they write, as far as that is known before."""
        return sum(entry.operations.rows for entry in self.entries)

    def prepared(self) -> Coming:
        """Return the same with the rows made."""
        return self._replace(rows=rows_of(fold(run(self.entries))))

    def rows_of(self, todo: list[Entry]) -> Rows:
        """Return what those of the entries write that are still to do."""
        if self.rows is not None and todo == run(self.entries):
            return self.rows
        return rows_of(fold(todo))


_NOTHING = Coming([])


class ReadAhead:
    """Reads one project's journal for its applier, a transaction ahead if there is much of it.

    Nothing depends on it: what is read is held against the watermark as ever, and what cannot be
    read ahead, whoever needs it will read again.
    """

    def __init__(self, project_id: str, journal: Journal) -> None:
        self._project_id = project_id
        self._journal = journal
        self._ahead = _NOTHING
        self._reading: asyncio.Task[Coming] | None = None

    async def next(self, seq: int, most_rows: int) -> Coming:
        """Return what may go into one transaction, from position `seq` on.

        Raises:
            UnavailableError, StoreError, JournalError: As `Journal.entries`.
        """
        ahead, self._ahead = self._ahead, _NOTHING
        fits = len(ahead.entries) == 1 or ahead.size <= most_rows
        if ahead.entries and ahead.entries[0].seq == seq and fits:
            return ahead
        return await self._read(seq, most_rows)

    def begin(self, now: Coming, most_rows: int) -> None:
        """Begin to read what follows `now`, if that is so large that more may be waiting."""
        if now.size >= most_rows // 2:
            reading = self._read_ahead(now.entries[-1].seq + 1, most_rows)
            self._reading = asyncio.create_task(reading)

    async def keep(self) -> None:
        """Wait for what was begun, and keep it for `next`."""
        if self._reading is not None:
            self._ahead = await self._reading

    async def end(self) -> None:
        """End what was begun, if it has not ended."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    def forget(self) -> None:
        """Forget what was kept: it may be of another time."""
        self._ahead = _NOTHING

    async def _read(self, seq: int, most_rows: int) -> Coming:
        entries = await self._journal.entries(
            self._project_id, seq, most_rows=most_rows, most_bytes=APPLY_BYTES
        )
        return Coming(entries)

    async def _read_ahead(self, seq: int, most_rows: int) -> Coming:
        """Return what is worth a transaction from position `seq` on, with its rows made."""
        try:
            ahead = await self._read(seq, most_rows)
            return ahead.prepared() if ahead.size >= most_rows // 2 else _NOTHING
        except SapwoodError:
            return _NOTHING
