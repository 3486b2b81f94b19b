"""The one task that lets the graph follow the journal, and who waits for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .errors import SapwoodError, UnavailableError
from .events import log
from .history import BehindError
from .lag import Lag
from .retry import end_if_cancelled
from .settings import APPLY_ROWS, GIVE_WAY_ITEMS, GIVE_WAY_S, LINGER_S
from .waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from .applying import Applier
    from .graph import Watermark
    from .history import History
    from .relational import Head
    from .retry import Retries
    from .settings import Settings

logger = logging.getLogger("sapwood.delivery")


class Delivery:
    """Has one project's journal applied as it grows, and lets others wait until it is.

    Attributes:
        cause: The last passing failure, while there is one; the errors of who waited name it.
    """

    def __init__(
        self,
        project_id: str,
        history: History,
        applier: Applier,
        settings: Settings,
        retries: Retries,
    ) -> None:
        self._project_id = project_id
        self._history = history
        self._applier = applier
        self._retries = retries
        self._lag = Lag(settings)
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._moved = asyncio.Condition()
        self._stopping = False
        self._taken = 0
        self._tries = 0
        self._trying = False
        self._failure: tuple[int, SapwoodError] | None = None
        self.cause: UnavailableError | None = None

    @property
    def applied(self) -> int | None:
        """The watermark as last seen; `None` before the first contact."""
        place = self._applier.place
        return None if place is None else place.applied

    # What the writing half calls.

    def make_contact(self) -> None:
        """Find where the graph stands, since there will soon be something to apply."""
        self._wake.set()

    def give_way_s(self, items: int) -> float:
        """Return the seconds for which who accepted so many items holds back: mostly none.

        Only while it is to be found where the graph stands, also by a server that does not answer,
        or a transaction is under way and as much as a whole one holds is not in the graph; and then
        once in `GIVE_WAY_ITEMS`, however many calls they come in.
        """
        self._taken += items
        applier = self._applier
        behind = applier.place is None or self._lag.rows >= APPLY_ROWS
        if self._taken < GIVE_WAY_ITEMS or not (applier.busy and behind):
            return 0.0
        self._taken = 0
        return GIVE_WAY_S

    def committed(self, seq: int, rows: int, size: int) -> None:
        """Note a batch that PostgreSQL committed; apply it soon.

        If the graph is there already, another process was quick, or PostgreSQL was restored and
        gives positions out for the second time: the graph is looked at again.
        """
        if seq <= (self.applied or 0):
            self._applier.place = None
        self._lag.add(seq, rows, size)
        self._wake.set()

    async def room(self) -> None:
        """Wait until less than the allowed lag is flushed and not yet in the graph.

        Raises:
            SapwoodError: The graph cannot follow; it was tried once more.
        """
        await self._wait_until(self.has_room, self._ask())

    def has_room(self) -> bool:
        """Whether another batch may be flushed now."""
        self._lag.drop(self.applied or 0)
        return self._lag.has_room()

    # What readers call.

    async def rebuild(self, seq: int) -> None:
        """Have the graph made again, and wait until it is at `seq` or later.

        Raises:
            SapwoodError: As `reach`; whoever comes next goes on with the rebuild.
        """
        self._applier.to_rebuild = True
        self._ask()
        # The try that is under way may have looked before, so it does not count.
        await self._wait_until(lambda: self._reached(seq), self._tries)

    async def reach(self, seq: int, timeout_s: float) -> bool:
        """Wait until the graph is at `seq` or later; `False` if the time is over before.

        Raises:
            DivergedError, StalledError, JournalError, SchemaError: The graph cannot get there.
        """
        if self._reached(seq):
            return True
        before = self._ask()
        if timeout_s <= 0:  # without a timer, which would cost a tenth of what a flush does
            await asyncio.sleep(0)  # let the task run, however often somebody asks
            return self._reached(seq)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_until(lambda: self._reached(seq), before)
        except TimeoutError:
            return self._reached(seq)
        return True

    async def _wait_until(self, done: Callable[[], bool], before: int) -> None:
        """Wait for `done`; raise what ended a try later than number `before`, if it is not."""
        async with self._moved:
            await self._moved.wait_for(lambda: done() or self._failed(before))
        failure = self._failed(before)
        if failure is not None and not done():
            raise failure.with_traceback(None)

    def _ask(self) -> int:
        """Have the task try now; return the number of the last try that does not count."""
        before = self._tries - 1 if self._trying else self._tries
        self._urgent.set()
        self._wake.set()
        return before

    def _reached(self, seq: int) -> bool:
        place = self._applier.place
        if place is None or self._applier.to_rebuild:
            return False
        return place.checked and place.applied >= seq

    def _failed(self, before: int) -> SapwoodError | None:
        """Return what ended a try later than number `before`."""
        if self._failure is not None and self._failure[0] > before:
            return self._failure[1]
        return None

    async def check(self, mark: Watermark | None, head: Head) -> int:
        """Guard a read: see `History.check_read`. Who finds the graph behind, looks again."""
        try:
            return await self._history.check_read(mark, head)
        except BehindError:
            self._applier.place = None
            self._wake.set()
            raise

    # The task.

    async def run(self) -> None:
        """Apply whatever is new until `stop`, and then what this process flushed before it."""
        while not self._done():
            end_if_cancelled()
            await self._wake.wait()
            self._wake.clear()
            if not self._done():
                await self._linger()
                await self._try()

    def stop(self) -> None:
        """End the task as soon as what this process flushed is in the graph."""
        self._stopping = True
        self._urgent.set()
        self._wake.set()

    def _done(self) -> bool:
        self._lag.drop(self.applied or 0)
        return self._stopping and self._lag.is_empty()

    async def _try(self) -> None:
        self._tries += 1
        self._trying = True
        try:
            await self._catch_up()
        except SapwoodError as exc:
            await self._fail(exc)
        except Exception as exc:
            name = type(exc).__name__
            failure = SapwoodError(f"applying ended by an unexpected {name}; see its cause")
            failure.__cause__ = exc
            await self._fail(failure)
        finally:
            self._trying = False

    async def _fail(self, exc: SapwoodError) -> None:
        log(logger, logging.ERROR, "apply failed", project=self._project_id, problem=exc)
        self._applier.place = None
        self._failure = (self._tries, exc)
        await self._announce()

    async def _announce(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def _linger(self) -> None:
        """Let more entries come while nobody waits, so that one transaction takes them all."""
        if self._urgent.is_set() or self._lag.rows >= self._applier.most_rows:
            return
        await wait(self._urgent, LINGER_S)

    async def _catch_up(self) -> None:
        """Apply until nothing is left, through every passing failure of either store."""
        await self._retries.run("apply", self._apply_all)
        self.cause = None
        self._urgent.clear()
        await self._announce()

    async def _apply_all(self, _: int) -> None:
        end_if_cancelled()
        try:
            while await self._applier.apply_next():
                await self._announce()
        except UnavailableError as exc:
            self.cause, self._applier.place = exc, None
            raise
