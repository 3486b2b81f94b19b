"""Waiting for an event for so long and no longer."""

from __future__ import annotations

import asyncio


async def wait(event: asyncio.Event, timeout_s: float | None) -> None:
    """Wait until the event is set, or until the time is over; `None` for ever."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
