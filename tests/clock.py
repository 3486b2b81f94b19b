"""Lets time pass without waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Clock:
    """The running loop's clock, put ahead by hand; the loop has to end with the test.

    Attributes:
        set_timers: How often somebody asked to be woken up.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.set_timers = 0
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        time, call_at = loop.time, loop.call_at

        def note(*values: Any, **named: Any) -> asyncio.TimerHandle:
            self.set_timers += 1
            return call_at(*values, **named)

        patch.setattr(loop, "time", lambda: time() + self._ahead)
        patch.setattr(loop, "call_at", note)

    async def advance(self, seconds: int, *, step: float, turns: int = 50) -> None:
        """Let time pass, and after each step whoever is due do something, in so many turns."""
        for _ in range(int(seconds / step)):
            self._ahead += step
            for _ in range(turns):
                await asyncio.sleep(0)
