"""An opened project: what is accepted and not stored, the two tasks, and what they use."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from .applying import Applier
from .buffer import Buffer, KnownIds
from .delivery import Delivery
from .errors import ClosedError, NotFoundError, SapwoodError, StaleReadError, UnavailableError
from .events import log
from .flushing import Flusher
from .graph import GraphClearing, GraphWriter, NodeRepository
from .history import BehindError, History
from .relational import Journal, PrincipleScoreRepository, ProjectRepository, RubricRepository
from .retry import Retries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from .batch import Draft
    from .graph import Guard
    from .relational import Head, ProjectSnapshot
    from .settings import Settings
    from .stores import Stores

T = TypeVar("T")
logger = logging.getLogger("sapwood.session")

STOP_WAIT_S = 2.0
"""How long a closing adapter lets the graph follow before it leaves that to the next contact."""


class Session:
    """One adapter's life from open to close, bound to an event loop and a process."""

    def __init__(self, stores: Stores, project_id: str, settings: Settings) -> None:
        self.project_id = project_id
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.retries = Retries(project_id, self.counts)
        self.projects = ProjectRepository(stores.db)
        self.journal = Journal(stores.db)
        self.rubrics = RubricRepository(stores.db)
        self.scores = PrincipleScoreRepository(stores.db)
        self.nodes = NodeRepository(stores.graph)
        self.buffer = Buffer(settings)
        self.known = KnownIds(max(100_000, 4 * settings.max_pending))
        self._accepting = asyncio.Lock()
        self._principles: set[str] = set()
        self._writer = GraphWriter(stores.graph)
        self._clearing = GraphClearing(stores.graph)
        self._loop = asyncio.get_running_loop()
        self._pid = os.getpid()
        self._prepare_graph = stores.prepare_graph

    @classmethod
    async def open(cls, stores: Stores, project_id: str, title: str, settings: Settings) -> Session:
        """Find or make the project and start the tasks. Neo4j need not be there yet."""
        await stores.open()
        session = cls(stores, project_id, settings)
        await session._start(title)
        return session

    async def _start(self, title: str) -> None:
        project = await self.projects.ensure(self.project_id, title=title)
        head = await self.projects.head(self.project_id)
        history = History(self.project_id, head.incarnation, self.journal)
        applier = Applier(
            self.project_id,
            history,
            self.journal,
            self.projects,
            self._writer,
            self._clearing,
            self._prepare_graph,
            self.counts,
            stalled=project.state == "stalled",
        )
        self.delivery = Delivery(self.project_id, history, applier, self.settings, self.retries)
        self.flusher = Flusher(
            self.project_id,
            self.buffer,
            self.known,
            self.journal,
            self.projects,
            self.delivery,
            self.retries,
            self.counts,
        )
        self.flusher.head = head.seq
        log(logger, logging.INFO, "project opened", project=self.project_id, head=head.seq)
        name = self.project_id
        self._flushing = asyncio.create_task(self.flusher.run(), name=f"sapwood flush {name}")
        self._applying = asyncio.create_task(self.delivery.run(), name=f"sapwood apply {name}")

    def check(self) -> None:
        """Raise what makes every call fail: a foreign loop or process, a fatal error."""
        if os.getpid() != self._pid:
            raise ClosedError("this adapter was opened before a fork; open one in each process")
        if asyncio.get_running_loop() is not self._loop:
            raise ClosedError("this adapter belongs to another event loop; open one in each loop")
        self.flusher.check()

    async def close(self) -> None:
        """Store what is pending, give the graph a moment, end the tasks.

        The graph's task is asked to end before it is cancelled: a cancellation would tear down a
        connection in mid-transaction. What it leaves undone, the next contact does.

        Raises:
            SapwoodError: Something could not be stored; the message says how much.
            RejectedItemsError: A racing writer made items invalid, and no call said so yet.
        """
        try:
            await self._drain()
        finally:
            self.delivery.stop()
            await asyncio.wait([self._applying], timeout=STOP_WAIT_S)
            for task in (self._flushing, self._applying):
                task.cancel()
            await asyncio.gather(self._flushing, self._applying, return_exceptions=True)
            await self.flusher.end()
            fields = {"head": self.flusher.head, "pending": self.buffer.pending}
            level = logging.ERROR if self.buffer.pending else logging.INFO
            log(logger, level, "project closed", project=self.project_id, **fields)
        self.flusher.raise_rejected()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self.settings.close_wait_s):
                async with self._accepting:  # whoever is saving gets to the end first
                    pass
                if self.buffer.pending:
                    await self.flusher.reach(self.buffer.accepted)
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(f"{self.buffer.pending} item(s) were not stored")
            raise
        except TimeoutError:
            if not self.buffer.pending:
                return  # a call still looked something up; it will hear that this is closed
            names = ", ".join(self.flusher.pending()[:5])
            raise SapwoodError(
                f"closed after {self.settings.close_wait_s:g} s with {self.buffer.pending} item(s) "
                f"not stored ({names}, …): {self._why_not()}. Save them again."
            ) from self.delivery.cause

    def _why_not(self) -> str:
        if self.delivery.has_room():
            return "PostgreSQL did not take them"
        return "as much as max_lag allows is flushed and not in the graph, which did not follow"

    @asynccontextmanager
    async def accepting(self) -> AsyncGenerator[None]:
        """Let one call at a time check and queue its items.

        Raises:
            RejectedItemsError: A racing writer made earlier items invalid, and no call said so.
        """
        async with self._accepting:
            self.flusher.raise_rejected()
            self.buffer.begin()
            yield

    async def accept(self, items: Sequence[Draft]) -> None:
        """Queue checked items in order, waiting for room; call it inside of `accepting`."""
        before = self.buffer.accepted
        try:
            await self.buffer.put(items)
        finally:
            self.known.add_accepted(items[: self.buffer.accepted - before])

    async def find_known(
        self, node_ids: Iterable[str], fresh: Iterable[str] = ()
    ) -> dict[str, bytes]:
        """Return the digests of those ids that exist: own recent ones, else one look-up.

        Args:
            node_ids: Ids to find.
            fresh: Ids that were drawn in this process and so exist only if they are recent.
        """
        wanted = set(node_ids)
        known = self.known.find(wanted)
        missing = wanted - known.keys() - set(fresh)
        if missing:
            find = self.journal.registered
            register = await self._look_up(lambda: find(self.project_id, sorted(missing)))
            for node_id, entry in register.items():
                known[node_id] = entry.digest
                self.known.add(node_id, entry.digest)
        return known

    async def check_principles(self, principle_ids: set[str]) -> None:
        """Raise `NotFoundError` for a principle that this project has not."""
        missing = principle_ids - self._principles
        if missing:
            find = self.rubrics.principles
            found = await self._look_up(lambda: find(self.project_id, sorted(missing)))
            self._principles |= found.keys()
        for principle_id in sorted(principle_ids - self._principles):
            raise NotFoundError(
                f"principle {principle_id}: this project has no such principle; save a rubric that "
                "holds it first and use the ids of the rubric you get back"
            )

    async def _look_up(self, find: Callable[[], Awaitable[T]]) -> T:
        """Ask PostgreSQL for what a save needs, for as long as there is somebody to store it."""
        return await self.insist("lookup", find)

    async def insist(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        """Repeat a unit of PostgreSQL work until it succeeds or this adapter is closed."""

        async def attempt(_: int) -> T:
            self.flusher.check()
            return await action()

        return await self.retries.run(what, attempt)

    async def load(self) -> ProjectSnapshot:
        """Return all that PostgreSQL has of the project, as of one moment."""
        return await self.ask(self.projects.load)

    async def load_state(self) -> bytes | None:
        """Return the orchestrator's state as it is stored."""
        return await self.ask(self.projects.load_state)

    async def drain(self) -> None:
        """Wait until what was accepted before this call is in PostgreSQL."""
        await self.flusher.reach(self.buffer.accepted)

    async def rebuild(self) -> None:
        """Have the graph made again, and wait until it has all that is committed by now."""
        head = await self.ask(self.projects.head)
        await self.delivery.rebuild(head.seq)

    async def read(self, query: Callable[[Guard], Awaitable[T]], head: Head | None = None) -> T:
        """Run a graph read that sees everything committed before it began.

        Args:
            query: Reads in one transaction; gives its watermark to the guard before the data.
            head: The position to wait for, if it was read already.

        Raises:
            StaleReadError: The graph did not get there within `read_wait_s`.
            UnavailableError: PostgreSQL did not answer within that time.
        """
        deadline = self._deadline()
        to_reach = await self.ask(self.projects.head, deadline) if head is None else head
        try:
            async with asyncio.timeout_at(deadline):
                return await self.retries.run("read", lambda _: self._read_at(query, to_reach))
        except TimeoutError:
            raise self._stale(to_reach.seq) from self.delivery.cause

    async def ask(self, find: Callable[[str], Awaitable[T]], deadline: float | None = None) -> T:
        """Ask PostgreSQL for what it has of the project, once what was accepted is in it.

        Raises:
            UnavailableError, StaleReadError: There was no answer within `read_wait_s`.
        """
        deadline = self._deadline() if deadline is None else deadline
        try:
            async with asyncio.timeout_at(deadline):
                await self.drain()
                return await self.retries.run("read", lambda _: find(self.project_id))
        except TimeoutError:
            if not self.delivery.has_room():  # then it was Neo4j that the drain waited for
                raise self._stale(self.flusher.head) from self.delivery.cause
            raise UnavailableError(
                "postgresql", f"no answer within {self.settings.read_wait_s:g} s; is it running?"
            ) from None

    def _deadline(self) -> float:
        return self._loop.time() + self.settings.read_wait_s

    def _stale(self, head: int) -> StaleReadError:
        return StaleReadError(self.project_id, self.delivery.applied, head)

    async def _read_at(self, query: Callable[[Guard], Awaitable[T]], head: Head) -> T:
        to_reach = head.seq
        while True:
            await self.delivery.reach(to_reach, self.settings.read_wait_s)
            try:
                return await query(lambda mark: self.delivery.check(mark, head))
            except BehindError as behind:
                to_reach = behind.seq
