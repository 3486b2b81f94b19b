"""What an orchestrator imports: batched, durable writes to both stores, and reads from both."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Self, get_args

from .deleting import delete_project
from .errors import ClosedError, ValidationError, read_only
from .labels import Labels
from .reading import Reads
from .rubrics import Rubrics
from .session import Session
from .settings import Mode, Settings
from .stores import Stores
from .values import check_id, check_text
from .verifying import verify
from .writing import Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Unpack

    from .graph import Graph
    from .model import Verification
    from .relational import Database
    from .settings import Options


class AsyncStorageAdapter(Reads, Writes):
    """One project of the two stores, for one event loop of one process.

    Guarantees:
        *Every write that `flush()` acknowledged is committed in PostgreSQL, whole, once; and the
        graph becomes exactly the fold of the committed batches, in order.* Items are accepted in
        order, stored in order, and stored batch by batch: what a crash leaves is a prefix. A
        batch is flushed at `flush_at` items, at 4 MiB, after `flush_interval_s`, and by `flush()`.
        Accepting is validation and a copy: objects given here are never read later. A call with
        a bad item raises before anything of it is queued. A cancelled call stops waiting; what it
        had accepted will be stored. When PostgreSQL is away, the buffer fills and savers wait;
        when Neo4j is away, flushes go on and the graph follows later. Nothing is dropped.

    It opens at the first awaited call, or by `async with`, which also closes it. Not for use from
    several event loops, threads or forks.
    """

    def __init__(
        self,
        db: Database,
        graph: Graph,
        *,
        project_id: str,
        title: str = "",
        mode: Mode = "own",
        **options: Unpack[Options],
    ) -> None:
        """Make an adapter; no I/O yet. `db` and `graph` stay the caller's to close.

        Args:
            project_id: The project to open; made when it is new.
            title: Title of a new project.
            mode: `own`: the first flush takes the project over, and earlier writers are fenced off.
                `join`: write beside the project's present owner, as one of several workers.
                `read`: write nothing, take nothing over; the project has to exist.
            **options: See `sapwood.settings.Settings`.

        Raises:
            ValidationError: A name or an option is out of bounds.
        """
        self._begin(Stores(db, graph), project_id, title, mode, options)

    def _begin(
        self, stores: Stores, project_id: str, title: str, mode: Mode, options: Options
    ) -> None:
        self._stores = stores
        self._project_id = check_id("project", "id", project_id)
        check_text("project", "title", title)
        self._title = title
        if mode not in get_args(Mode):
            raise ValidationError("adapter", "mode", f"must be one of {', '.join(get_args(Mode))}")
        self._mode: Mode = mode
        self._settings = Settings(**options)
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self.rubrics = Rubrics(self._ready)
        self.labels = Labels(self._ready)

    @property
    def project_id(self) -> str:
        """Name of the project."""
        return self._project_id

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened since open: flushes, applies, applied_entries, and retries of each."""
        return {} if self._session is None else dict(self._session.counts)

    def __repr__(self) -> str:
        """Say which project and how much is pending."""
        pending = 0 if self._session is None else self._session.buffer.pending
        return f"<AsyncStorageAdapter {self._project_id!r}, {pending} pending>"

    # Opening and closing.

    async def _ready(self) -> Session:
        """Return the session, opened if need be, fit for a call."""
        session = await self._opened()
        session.check()
        return session

    async def _opened(self) -> Session:
        """Return the session, opened if need be, whatever befell its writing."""
        if self._session is None:
            async with self._opening:
                if self._closed:
                    raise ClosedError(f"the adapter of project {self._project_id!r} is closed")
                if self._session is None:
                    self._session = await self._open()
        if self._closed:
            raise ClosedError(f"the adapter of project {self._project_id!r} is closed")
        self._session.check_home()
        return self._session

    async def _open(self) -> Session:
        try:
            return await Session.open(
                self._stores, self._project_id, self._title, self._mode, self._settings
            )
        except BaseException:
            await self._stores.close()  # nobody else would; the next call opens them anew
            raise

    async def __aenter__(self) -> Self:
        """Open the project."""
        await self._ready()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store what is pending and close."""
        await self.close()

    async def close(self) -> None:
        """Refuse new calls, store what is pending, end the tasks. A second call does nothing.

        A cancelled close ends the tasks too; a note on the cancellation says what was not stored.

        Calls that are saving meanwhile get to their end first.

        Raises:
            SapwoodError: Something could not be stored within `close_wait_s`, or a fatal error
                stopped storing; says how much and which.
            RejectedItemsError: A racing writer made items invalid, and no call said so yet.
        """
        if self._closed:
            return
        self._closed = True
        try:
            async with self._opening:  # whoever is opening it gets to the end first
                session = self._session
            if session is not None:
                await session.close()
        finally:
            await self._stores.close()

    def __del__(self) -> None:
        """Warn about an adapter that was left open."""
        session = getattr(self, "_session", None)
        if session is not None and not self._closed:
            warnings.warn(
                f"the adapter of project {self._project_id!r} was not closed; "
                f"{session.buffer.pending} item(s) were not stored",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    # Looking after the project.

    async def rejoin(self) -> None:
        """Write again after `FencedError`: in mode `own` by a new claim, in `join` with the owner.

        What was pending is stored soon after, by the flush that makes the claim; what became
        impossible meanwhile is named by its receipt. Without a `FencedError` before, nothing
        happens.

        Raises:
            NotFoundError: The project was deleted meanwhile.
            SapwoodError: Another fatal error ended the writing before; open a new adapter.

        Cost: one statement here.
        """
        session = await self._opened()
        await session.rejoin()

    async def rebuild_graph(self) -> None:
        """Delete the project's part of the graph and make it again from the journal.

        What is committed stays as it is. Reads wait meanwhile, flushes go on up to `max_lag`. If
        this process ends before, the next contact of any process goes on.

        Cost: grows with the project, deleted and created once; nothing is read of the old graph.
        """
        session = await self._ready()
        await session.rebuild()

    async def verify(self, on_progress: Callable[[int, int], None] | None = None) -> Verification:
        """Hold the graph against the fold of the journal, and name what a foreign hand changed.

        Counts and digests of both, and each node that is missing, foreign or otherwise than
        journalled: properties, node labels, parent edges. Others may write meanwhile: each node
        is compared at the position at which it was read. `rebuild_graph()` mends what is found.

        Args:
            on_progress: Called with the nodes compared so far and those of the journal.

        Raises:
            DivergedError, StaleReadError: As any read.
            JournalError: An entry of the journal is damaged.

        Cost: reads the whole journal and the whole graph, a page of 1,000 nodes a transaction,
            fewer where contents are large; about 1 KiB of memory a node, whatever their size.
        """
        return await verify(await self._ready(), on_progress)

    async def delete_project(self) -> None:
        """Delete the project with everything in it, and close the adapter.

        What is pending is dropped; other writers and readers are told by their next call. If this
        is interrupted, the project can no longer be opened, and calling this again goes on.

        Raises:
            NotFoundError: There is no such project.
            ReadOnlyError: The adapter was opened to read.

        Cost: grows with the project; in transactions of 1,000 nodes and 20,000 rows.
        """
        if self._mode == "read":
            raise read_only(self._project_id)
        self._closed = True
        try:
            async with self._opening:
                if self._session is None:
                    await self._stores.open(upgrade=True)
                else:
                    await self._session.abandon()
            await delete_project(self._stores, self._project_id)
        finally:
            await self._stores.close()
