"""What every read passes: the own buffer is stored, the graph has caught up, in bounded time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from .errors import StaleReadError, UnavailableError
from .history import BehindError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .delivery import Delivery
    from .flushing import Flusher
    from .graph import Guard
    from .history import History
    from .relational import Head, ProjectRepository
    from .retry import Retries

T = TypeVar("T")


class ReadBarrier:
    """Lets one project's reads see what was committed, by anyone, before they began."""

    def __init__(
        self,
        project_id: str,
        projects: ProjectRepository,
        history: History,
        flusher: Flusher,
        delivery: Delivery,
        retries: Retries,
        read_wait_s: float,
    ) -> None:
        self._project_id = project_id
        self._projects = projects
        self._history = history
        self._flusher = flusher
        self._delivery = delivery
        self._retries = retries
        self._read_wait_s = read_wait_s

    async def read(self, query: Callable[[Guard], Awaitable[T]], head: Head | None = None) -> T:
        """Run a read of the graph.

        Args:
            query: Reads under the lock of the watermark, and shows that to the guard.
            head: The position to wait for, if it was read already.

        Raises:
            StaleReadError: The graph did not get there within `read_wait_s`.
            UnavailableError: PostgreSQL did not answer within that time.
        """
        deadline = self._deadline()
        if head is None:
            to_reach = await self.ask(lambda: self._projects.head(self._project_id), deadline)
        else:
            to_reach = head
        try:
            async with asyncio.timeout_at(deadline):
                return await self._retries.run("read", lambda _: self._read_at(query, to_reach))
        except TimeoutError:
            raise self._stale(to_reach.seq) from self._delivery.cause

    async def ask_project(self, find: Callable[[], Awaitable[T]]) -> T:
        """Ask PostgreSQL about the project that was opened, and no other one of its name.

        Whoever goes on to read the graph, or to write under the project's lock, need not: both
        compare the creation.

        Cost: what `find` costs, and one statement.

        Raises:
            NotFoundError: The project was deleted since it was opened.
            UnavailableError, StaleReadError: There was no answer within `read_wait_s`.
        """

        async def find_and_check() -> T:
            found = await find()
            # Afterwards: a creation that is gone never comes back, so `found` is of this one.
            await self._history.require_project()
            return found

        return await self.ask(find_and_check)

    async def ask(
        self,
        find: Callable[[], Awaitable[T]],
        deadline: float | None = None,
        *,
        drain: bool = True,
    ) -> T:
        """Ask PostgreSQL for something, once what was accepted is in it.

        Args:
            drain: `False` to leave what was accepted where it is.

        Raises:
            UnavailableError, StaleReadError: There was no answer within `read_wait_s`.
        """
        last: UnavailableError | None = None

        async def attempt(_: int) -> T:
            nonlocal last
            try:
                return await find()
            except UnavailableError as exc:
                last = exc
                raise

        try:
            async with asyncio.timeout_at(deadline or self._deadline()):
                if drain:
                    await self._flusher.drain()
                return await self._retries.run("read", attempt)
        except TimeoutError:
            if not self._delivery.has_room():  # then it was Neo4j that the drain waited for
                raise self._stale(self._flusher.head) from self._delivery.cause
            raise self._unanswered(last) from self._flusher.cause or last

    def _unanswered(self, last: UnavailableError | None) -> UnavailableError:
        """Return the error for PostgreSQL's silence, which names what is known of it."""
        why = "is it running? If it has much to do, ask again, or raise read_wait_s"
        if last is not None:
            why = str(last)
        if self._flusher.cause is not None:
            why = f"what was saved cannot be stored: {self._flusher.cause}"
        return UnavailableError("postgresql", f"no answer within {self._read_wait_s:g} s; {why}")

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._read_wait_s

    def _stale(self, head: int) -> StaleReadError:
        delivery = self._delivery
        return StaleReadError(self._project_id, delivery.applied, head, delivery.cause)

    async def _read_at(self, query: Callable[[Guard], Awaitable[T]], head: Head) -> T:
        to_reach = head.seq
        while True:
            await self._delivery.reach(to_reach, self._read_wait_s)
            try:
                return await query(lambda mark: self._delivery.check(mark, head))
            except BehindError as behind:
                to_reach = behind.seq
