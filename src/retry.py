"""Trying again: how long to wait, what to log, what to count.

Only `UnavailableError` is ever tried again; the two rooms decide by code what becomes one. A unit
of work is repeated whole, never a statement of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

import stamina

from .errors import UnavailableError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
logger = logging.getLogger("sapwood.retry")


def end_if_cancelled() -> None:
    """Raise `CancelledError` in a task that was cancelled and goes on all the same.

    A library may swallow a cancellation; `asyncio.wait_for` before Python 3.12 does, when what it
    waits for ends at the same moment. A task that runs for ever would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def retrying(what: str, counts: Counter[str], action: Callable[[int], Awaitable[T]]) -> T:
    """Run `action` until it succeeds, with growing, jittered pauses of at most 2 s between tries.

    It never gives up by itself: whoever must not wait for ever sets a deadline around it.

    Args:
        what: Name of the unit of work, for the log and for `counts`.
        counts: `<what>_retries` is counted there.
        action: The unit of work; is given the number of the try, from 1.
    """
    async for attempt in stamina.retry_context(
        on=UnavailableError,
        attempts=None,
        timeout=None,
        wait_initial=0.05,
        wait_max=2.0,
        wait_jitter=0.1,
    ):
        with attempt:
            if attempt.num > 1:
                counts[f"{what}_retries"] += 1
            try:
                return await action(attempt.num)
            except UnavailableError as exc:
                logger.warning("%s: try %d failed: %s", what, attempt.num, exc)
                raise
    raise AssertionError("the loop above ends only by returning or raising")
