"""An opened project: what is accepted and not stored, the two tasks, and what they use."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from .applying import Applier
from .barrier import ReadBarrier
from .batch import IN_QUARANTINE
from .buffer import Buffer, KnownIds
from .delivery import Delivery
from .errors import (
    ClosedError,
    ConflictError,
    FencedError,
    NotFoundError,
    SapwoodError,
    read_only,
)
from .events import log
from .flushing import Flusher
from .following import BranchFollower
from .graph import GraphClearing, GraphWriter, NodeRepository
from .history import History
from .relational import (
    BranchStatsRepository,
    Journal,
    LabeledSampleRepository,
    PrincipleScoreRepository,
    ProjectRepository,
    RubricRepository,
)
from .retry import Retries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from .batch import Draft
    from .settings import Mode, Settings
    from .stores import Stores

T = TypeVar("T")
logger = logging.getLogger("sapwood.session")

STOP_WAIT_S = 2.0
"""How long a closing adapter lets the graph follow before it leaves that to the next contact."""


class Session:
    """One adapter's life from open to close, bound to an event loop and a process."""

    def __init__(self, stores: Stores, project_id: str, mode: Mode, settings: Settings) -> None:
        self.project_id = project_id
        self.mode: Mode = mode
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.retries = Retries(project_id, self.counts)
        self.projects = ProjectRepository(stores.db)
        self.journal = Journal(stores.db)
        self.rubrics = RubricRepository(stores.db)
        self.scores = PrincipleScoreRepository(stores.db)
        self.samples = LabeledSampleRepository(stores.db)
        self.branches = BranchFollower(project_id, BranchStatsRepository(stores.db))
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
    async def open(
        cls, stores: Stores, project_id: str, title: str, mode: Mode, settings: Settings
    ) -> Session:
        """Find or make the project and start the tasks. Neo4j need not be there yet."""
        await stores.open(upgrade=mode != "read")
        session = cls(stores, project_id, mode, settings)
        await session._start(title)
        return session

    async def _start(self, title: str) -> None:
        if self.mode == "read":
            project = await self.projects.get(self.project_id)
        else:
            project = await self.projects.ensure(self.project_id, title=title)
        head = await self.projects.head(self.project_id)
        self._history = history = History(self.project_id, head.incarnation, self.journal)
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
            self.mode,
            head.incarnation,
        )
        self.flusher.head = head.seq
        self.barrier = ReadBarrier(
            self.project_id,
            self.projects,
            history,
            self.flusher,
            self.delivery,
            self.retries,
            self.settings.read_wait_s,
        )
        log(logger, logging.INFO, "project opened", project=self.project_id, head=head.seq)
        self._start_flushing()
        name = f"sapwood apply {self.project_id}"
        self._applying = asyncio.create_task(self.delivery.run(), name=name)

    def _start_flushing(self) -> None:
        name = f"sapwood flush {self.project_id}"
        self._flushing = asyncio.create_task(self.flusher.run(), name=name)

    @property
    def incarnation(self) -> str:
        """The creation of the project that was opened."""
        return self._history.incarnation

    def check(self) -> None:
        """Raise what makes every call fail: a foreign loop or process, a fatal error."""
        self.check_home()
        self.flusher.check()

    def check_writable(self) -> None:
        """Raise `ReadOnlyError` if this adapter only looks."""
        if self.mode == "read":
            raise read_only(self.project_id)

    async def rejoin(self) -> None:
        """Write again after `FencedError`."""
        self.check_writable()
        if self.flusher.failure is None:
            return
        if not isinstance(self.flusher.failure, FencedError):
            self.flusher.check()
        await self.barrier.ask(self._history.require_project, drain=False)
        self.flusher.resume()
        self._start_flushing()

    def check_home(self) -> None:
        """Raise `ClosedError` in a foreign loop or process."""
        if os.getpid() != self._pid:
            raise ClosedError("this adapter was opened before a fork; open one in each process")
        if asyncio.get_running_loop() is not self._loop:
            raise ClosedError("this adapter belongs to another event loop; open one in each loop")

    async def close(self) -> None:
        """Store what is pending, give the graph a moment, end the tasks.

        The graph's task is asked to end before it is cancelled: a cancellation would tear down a
        connection in mid-transaction. What it leaves undone, the next contact does. Whenever this
        is cancelled, the tasks end.

        Raises:
            SapwoodError: Something could not be stored; the message says how much.
            RejectedItemsError: A racing writer made items invalid, and no call said so yet.
        """
        try:
            await self._drain()
        finally:
            await self._stop()
        self.flusher.raise_rejected()

    async def _stop(self) -> None:
        self.delivery.stop()
        try:
            await asyncio.wait([self._applying], timeout=STOP_WAIT_S)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """End the tasks at once. What is pending is not stored, and who waits for it is told."""
        try:
            for task in (self._flushing, self._applying):
                task.cancel()
            await asyncio.gather(self._flushing, self._applying, return_exceptions=True)
        finally:
            await self.branches.end()
            await self.flusher.end()
            fields = {"head": self.flusher.head, "pending": self.buffer.pending}
            level = logging.ERROR if self.buffer.pending else logging.INFO
            log(logger, level, "project closed", project=self.project_id, **fields)

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
        self.check_writable()
        async with self._accepting:
            self.flusher.raise_rejected()
            self.buffer.begin()
            yield

    async def accept(self, items: Sequence[Draft]) -> None:
        """Queue checked items in order, waiting for room and for who stores them.

        Call it inside of `accepting`. The first items have the graph looked up.
        """
        before = self.buffer.accepted
        if items and not before:
            self.delivery.make_contact()
        try:
            await self.buffer.put(items, self.delivery.give_way_s(len(items)))
        finally:
            self.known.add_accepted(items[: self.buffer.accepted - before])

    async def find_known(
        self, node_ids: Iterable[str], fresh: Iterable[str] = ()
    ) -> dict[str, bytes]:
        """Return the digests of those ids that exist: own recent ones, else one look-up.

        Args:
            node_ids: Ids to find.
            fresh: Ids that were drawn in this process and so exist only if they are recent.

        Raises:
            ConflictError: One is in quarantine.
        """
        wanted = set(node_ids)
        known = self.known.find(wanted)
        missing = wanted - known.keys() - set(fresh)
        if missing:
            find = self.journal.registered
            register = await self._look_up(lambda: find(self.project_id, sorted(missing)))
            for node_id, entry in register.items():
                if entry.left_out:
                    raise ConflictError(
                        f"node {node_id} {IN_QUARANTINE}: it is not in the graph, and nothing more "
                        f"may refer to it. See: sapwood status {self.project_id}"
                    )
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
        """Repeat a write to PostgreSQL until it succeeds or this adapter is closed."""
        self.check_writable()

        async def attempt(_: int) -> T:
            self.flusher.check()
            return await action()

        return await self.retries.run(what, attempt)

    async def rebuild(self) -> None:
        """Have the graph made again, and wait until it has all that is committed by now."""
        self.check_writable()
        head = await self.barrier.ask(lambda: self.projects.head(self.project_id))
        await self.delivery.rebuild(head.seq)
