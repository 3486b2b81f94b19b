"""Turns at a pool of connections: first come, first served."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .errors import SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Turns:
    """Lets as many at a time to a pool as it has connections, in the order in which they came.

    So nobody ever waits in the pool itself. There, whoever gives a connection back and asks again
    at once has it before those who wait; and Neo4j's driver wakes all of them each time.

    Args:
        store: Whose connections they are, for the error.
        count: How many there are.
        wait_s: Most seconds to wait for a turn.

    Raises:
        SettingsError: There are none.
    """

    def __init__(self, store: str, count: int, wait_s: float) -> None:
        if count < 1:
            raise SettingsError(f"{store}: pool_size must be 1 or more, not {count}")
        self._store = store
        self._free = asyncio.Semaphore(count)
        self._wait_s = wait_s

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[None]:
        """Wait for a turn, and have it until the end of the block.

        Raises:
            UnavailableError: None came in time.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as exc:
            problem = "no connection of the pool came free in time; raise pool_size"
            raise UnavailableError(self._store, problem) from exc
        try:
            yield
        finally:
            self._free.release()
