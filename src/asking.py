"""Asks PostgreSQL on behalf of a read, within the time that a read may take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from .errors import StaleReadError, UnavailableError
from .retry import retrying

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .session import Session

T = TypeVar("T")


async def ask(session: Session, find: Callable[[], Awaitable[T]]) -> T:
    """Return what PostgreSQL has, once what this adapter accepted before is in it.

    Raises:
        UnavailableError: PostgreSQL did not answer within `read_wait_s`.
        StaleReadError: Nor could it: flushes wait for a graph that lags too far behind.
    """
    wait_s = session.settings.read_wait_s
    try:
        async with asyncio.timeout(wait_s):
            await session.drain()
            return await retrying("read", session.counts, lambda _: find())
    except TimeoutError:
        delivery = session.delivery
        if not delivery.has_room():
            head = session.flusher.head
            raise StaleReadError(session.project_id, delivery.applied, head) from delivery.cause
        raise UnavailableError(
            "postgresql", f"no answer within {wait_s:g} s; is it running?"
        ) from None
