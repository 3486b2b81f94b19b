"""An adapter without servers: the same protocol, one event loop, everything in memory."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Literal, Self, get_args

from ..errors import (
    ClosedError,
    FencedError,
    NotFoundError,
    RejectedItemsError,
    SapwoodError,
    ValidationError,
    read_only,
)
from ..receipts import Receipts
from ..replica import Replica
from ..settings import Mode, Settings
from ..values import check_id, check_text
from .memory_labels import MemoryLabels
from .memory_rubrics import MemoryRubrics
from .pending import Pending
from .reads import MemoryReads
from .stores import MemoryStores, missing
from .verifying import verification
from .writes import MemoryWrites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Unpack

    from ..model import Receipt, Verification
    from ..settings import Options
    from .project_rows import Epoch, ProjectRows


Moment = Literal["idle", "before commit", "after commit", "in apply", "after apply"]
"""When a process may end. Here nothing is applied late, so the last three are one."""


class MemoryAdapter(MemoryReads, MemoryWrites):
    """`AsyncStorageAdapter` over `MemoryStores`: same calls, same promises, same errors.

    It differs in what takes time: nothing does. A flush that is due is made within the call that
    made it due, none is made for age, and the graph is never behind. What it promises of crashes
    is shown by `crash`: the stores live on, what was pending does not.
    """

    def __init__(
        self,
        stores: MemoryStores,
        *,
        project_id: str,
        title: str = "",
        mode: Mode = "own",
        **options: Unpack[Options],
    ) -> None:
        self._stores = stores
        self._project_id = check_id("project", "id", project_id)
        check_text("project", "title", title)
        self._title = title
        if mode not in get_args(Mode):
            raise ValidationError("adapter", "mode", f"must be one of {', '.join(get_args(Mode))}")
        self._mode: Mode = mode
        self._settings = Settings(**options)
        self._pending = Pending(self._settings)
        self._receipts = Receipts()
        self._counts: Counter[str] = Counter()
        self._project: ProjectRows | None = None
        self._epoch: Epoch | None = None
        self._head = 0
        self._failure: SapwoodError | None = None
        self._closed = False
        self.rubrics = MemoryRubrics(self._there, self._drained, self._writable)
        self.labels = MemoryLabels(self._drained, self._applied, self._writable, self._receipts)

    @property
    def project_id(self) -> str:
        """Name of the project."""
        return self._project_id

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened since open: flushes, applies, applied_entries."""
        return dict(self._counts)

    def __repr__(self) -> str:
        """Say which project and how much is pending."""
        return f"<MemoryAdapter {self._project_id!r}, {len(self._pending)} pending>"

    # Opening and closing.

    def _ready(self) -> ProjectRows:
        """Return the project, opened if need be, for a call of an adapter that is fit for it."""
        if self._closed:
            raise ClosedError(f"the adapter of project {self._project_id!r} is closed")
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._project is None:
            self._project = self._stores.open(self._project_id, self._title, self._mode)
            self._head = self._project.head
        return self._project

    def _there(self) -> ProjectRows:
        """Return the project as it is in the stores, of which it may have been deleted."""
        project = self._ready()
        if self._stores.projects.get(self._project_id) is not project:
            raise missing(self._project_id)
        return project

    def _writable(self) -> None:
        if self._mode == "read":
            raise read_only(self._project_id)

    async def __aenter__(self) -> Self:
        """Open the project."""
        self._ready()
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
        """Store what is pending and refuse new calls. A second call does nothing."""
        if self._closed:
            return
        try:
            if self._pending:
                self._ready()
                self._store_all()
        finally:
            self._closed = True
        self._raise_rejected()

    def crash(self, moment: Moment = "idle") -> None:
        """End as by SIGKILL: what is pending is lost, and no call works any more.

        Args:
            moment: When it comes: `idle`, or in the middle of a flush; that had then stored nothing
                (`before commit`), or a batch that nobody was told of.
        """
        with contextlib.suppress(SapwoodError):
            if moment != "idle" and self._pending:
                project = self._there()
                if moment == "before commit":
                    self._take_epoch(project)
                else:
                    self._store_next(project)
        self._pending.clear()
        self._closed = True

    def __del__(self) -> None:
        """Warn about an adapter that was left open."""
        if getattr(self, "_project", None) is not None and not self._closed:
            warnings.warn(
                f"the adapter of project {self._project_id!r} was not closed; "
                f"{len(self._pending)} item(s) were not stored",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    # Storing.

    async def flush(self) -> Receipt:
        """Make everything accepted before this call durable."""
        self._ready()
        told = self._receipts.told
        await asyncio.sleep(0)  # those that begin at the same time share one receipt
        self._ready()
        self._store_all()
        receipt = self._receipts.since(told, self._head)
        if receipt.rejected:
            raise RejectedItemsError(receipt.rejected)
        self._apply(self._there())
        return receipt.model_copy(update={"applied": True})

    def _store_all(self) -> None:
        self._store_while(lambda: bool(self._pending))

    def _store_while(self, due: Callable[[], bool]) -> None:
        try:
            while due():
                self._store_next(self._there())
        except FencedError as exc:
            self._failure = FencedError(self._project_id, self._pending.ids)
            raise self._failure from exc
        except SapwoodError as exc:
            self._failure = exc
            raise

    def _store_next(self, project: ProjectRows) -> None:
        batch = self._pending.next_batch()
        receipt = project.commit(self._take_epoch(project), batch)
        self._counts["flushes"] += 1
        self._pending.drop(batch)
        self._receipts.add(receipt)
        self._pending.refuse(item.node_id for item in receipt.rejected if item.kind == "node")
        self._head = receipt.seq

    def _take_epoch(self, project: ProjectRows) -> Epoch:
        if self._epoch is None:
            self._epoch = project.claim() if self._mode == "own" else project.epoch
        return self._epoch

    def _apply(self, project: ProjectRows) -> None:
        applied = project.apply()
        self._counts["applies"] += bool(applied)
        self._counts["applied_entries"] += applied

    def _raise_rejected(self) -> None:
        rejected = self._receipts.unheard()
        if rejected:
            raise RejectedItemsError(rejected)

    async def _drained(self) -> ProjectRows:
        self._ready()
        self._store_all()
        return self._there()

    async def _applied(self) -> ProjectRows:
        project = await self._drained()
        self._apply(project)
        return project

    # The project as a whole.

    async def rejoin(self) -> None:
        """Write again after `FencedError`; the next flush stores what is pending."""
        if self._failure is None or self._closed:
            self._ready()
            self._writable()
        elif not isinstance(self._failure, FencedError):
            raise self._failure.with_traceback(None)
        else:
            failure, self._failure = self._failure, None
            try:
                self._there()
            except NotFoundError:
                self._failure = failure
                raise
            self._epoch = None

    async def rebuild_graph(self) -> None:
        """Make the graph again from the journal."""
        self._ready()
        self._writable()
        project = await self._drained()
        project.graph = Replica()
        self._apply(project)

    async def verify(self, on_progress: Callable[[int, int], None] | None = None) -> Verification:
        """Hold the graph against the fold of the journal."""
        found = verification(await self._applied())
        if on_progress is not None:
            on_progress(found.graph_nodes, found.journal_nodes)
        return found

    async def delete_project(self) -> None:
        """Delete everything of the project, and close."""
        self._writable()
        self.crash()
        if self._stores.projects.pop(self._project_id, None) is None:
            raise missing(self._project_id)
