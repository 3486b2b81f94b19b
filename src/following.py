"""How an adapter brings the stats of branches after the journal: once for all who ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .errors import ClosedError

if TYPE_CHECKING:
    from .model import BranchStats
    from .nodes import Score
    from .relational import BranchStatsRepository


class BranchFollower:
    """Lets reads share one refresh, which goes on when a read gives up.

    A first pass over a large tree may take longer than a read waits. If it ended with the read,
    the next one would be no better off. And many reads that wait for the same lock would each hold
    a connection that flushes want.
    """

    def __init__(self, project_id: str, branches: BranchStatsRepository) -> None:
        self._project_id = project_id
        self._branches = branches
        self._task: asyncio.Task[None] | None = None

    async def stats(self, node_id: str, key: Score) -> BranchStats:
        """Return what `BranchStatsRepository.get` promises."""
        return await self._branches.get(self._project_id, node_id, key, refresh=self._refresh)

    async def end(self) -> None:
        """Stop at once. What was not committed, the next one does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _refresh(self, project_id: str) -> None:
        if self._task is None or self._task.done():
            name = f"sapwood branch stats {project_id}"
            self._task = asyncio.create_task(self._branches.refresh(project_id), name=name)
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            reader = asyncio.current_task()
            if reader is None or reader.cancelling():
                raise
            # It was the refresh that was cancelled, which is no cancellation of who waits for it.
            raise ClosedError(f"the adapter of project {project_id!r} was closed") from None
