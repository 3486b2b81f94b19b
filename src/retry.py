"""Trying again: how long to wait, what to log, what to count.

Only `UnavailableError` is ever tried again; the two rooms decide by code what becomes one. A unit
of work is repeated whole, never a statement of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential, wait_random

from .errors import UnavailableError
from .events import log

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
logger = logging.getLogger("sapwood.retry")

_RETRYING = AsyncRetrying(
    retry=retry_if_exception_type(UnavailableError),
    wait=wait_exponential(multiplier=0.05, max=2.0) + wait_random(0, 0.1),
    sleep=asyncio.sleep,
    reraise=True,
)


def end_if_cancelled() -> None:
    """Raise `CancelledError` in a task that was cancelled and goes on all the same.

    A library may swallow a cancellation; `asyncio.wait_for` before Python 3.12 does, when what it
    waits for ends at the same moment. A task that runs for ever would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Retries:
    """Repeats one project's units of work until they succeed, and counts the repetitions.

    It never gives up by itself: whoever must not wait for ever sets a deadline around it. No
    switch turns it off for a whole process, as some libraries have for test suites: what was
    accepted depends on it.
    """

    def __init__(self, project_id: str, counts: Counter[str]) -> None:
        self._project_id = project_id
        self._counts = counts

    async def run(self, what: str, action: Callable[[int], Awaitable[T]]) -> T:
        """Run `action` until it succeeds, with growing, jittered pauses of about 2 s at most.

        Args:
            what: Name of the unit of work, for the log and the counts (`<what>_retries`).
            action: The unit of work; is given the number of the try, from 1.
        """
        number = 0

        async def attempt() -> T:
            nonlocal number
            number += 1
            if number > 1:
                self._counts[f"{what}_retries"] += 1
            try:
                return await action(number)
            except UnavailableError as exc:
                fields = {"project": self._project_id, "what": what, "number": number}
                log(logger, logging.WARNING, "try failed", **fields, problem=exc)
                raise

        return await _RETRYING.copy()(attempt)
