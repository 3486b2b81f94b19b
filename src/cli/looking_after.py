"""Verifying and rebuilding one project at given servers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from ..adapter import AsyncStorageAdapter
from ..errors import SapwoodError
from ..graph import GraphOverview
from ..quarantining import quarantine, release
from .connecting import connected
from .printing import progress_bar
from .project_report import OTHER_HISTORY, ProjectReport, read_project
from .quarantine_report import QuarantineReport
from .verify_report import NOT_COMPARED, VerifyReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..servers import Endpoints
    from ..stores import Stores

_LOOK_AGAIN_S = 0.2


async def verify_project(endpoints: Endpoints, project_id: str) -> VerifyReport:
    """Hold the graph against the journal. The schemas are checked, not changed.

    Raises:
        NotFoundError: There is no such project.
        SapwoodError: A store does not answer, or has another schema.
    """
    async with connected(endpoints) as stores:
        await stores.db.check()
        await stores.graph.verify_schema()  # an absent Neo4j is told at once, not after a wait
        return await _verify(stores, project_id)


async def rebuild_project(endpoints: Endpoints, project_id: str) -> VerifyReport:
    """Make the graph again from the journal, and verify it. Claims no epoch, so fences nobody.

    Neo4j's schema is made too, since a graph that was lost has none.

    Raises:
        NotFoundError: There is no such project.
        SapwoodError: A store does not answer, or has another schema.
    """
    async with connected(endpoints) as stores:
        await stores.db.check()
        standing = await read_project(stores, project_id, None)  # to join would make it
        await stores.graph.create_schema()
        try:
            await _rebuild(stores, project_id, standing.head)
        except NOT_COMPARED as exc:
            return VerifyReport.of_error(project_id, exc)
        report = await _verify(stores, project_id)
        return report.model_copy(update={"given_up": _given_up(standing)})


def _given_up(before: ProjectReport) -> str | None:
    if before.problem != OTHER_HISTORY:
        return None
    return (
        f"the graph's own history, at position {before.applied}; the journal's ends at "
        f"{before.head}"
    )


async def quarantine_item(
    endpoints: Endpoints, project_id: str, node_id: str, seq: int, reason: str
) -> QuarantineReport:
    """Leave out of the graph what an entry says of a node. Applies nothing.

    Raises:
        NotFoundError: There is no such project, or its entry says nothing of the node.
        ConflictError: The graph has the entry already.
        SapwoodError: A store does not answer, or has another schema.
    """
    async with connected(endpoints) as stores:
        await stores.db.check()
        await stores.graph.verify_schema()
        rows = await quarantine(stores, project_id, node_id, seq=seq, reason=reason)
        return QuarantineReport(project_id=project_id, left_out=rows)


async def release_project(endpoints: Endpoints, project_id: str) -> VerifyReport:
    """Leave nothing out any more, make the graph again and verify it.

    Raises:
        NotFoundError: There is no such project.
        SapwoodError: A store does not answer, or has another schema.
    """
    async with connected(endpoints) as stores:
        await stores.db.check()
        await stores.graph.verify_schema()
        await release(stores, project_id)
    return await rebuild_project(endpoints, project_id)


async def _verify(stores: Stores, project_id: str) -> VerifyReport:
    with progress_bar("Verifying, nodes") as report:
        store = AsyncStorageAdapter(stores.db, stores.graph, project_id=project_id, mode="read")
        async with store:
            try:
                return VerifyReport.of(await store.verify(report))
            except NOT_COMPARED as exc:
                return VerifyReport.of_error(project_id, exc)


async def _rebuild(stores: Stores, project_id: str, head: int) -> None:
    store = AsyncStorageAdapter(stores.db, stores.graph, project_id=project_id, mode="join")
    with progress_bar("Rebuilding, journal entries") as report:
        async with store:
            watching = asyncio.create_task(_watch(stores, project_id, head, report))
            try:
                await store.rebuild_graph()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)


async def _watch(
    stores: Stores, project_id: str, head: int, report: Callable[[int, int], None]
) -> None:
    """Report how far the graph is, until cancelled."""
    overview = GraphOverview(stores.graph)
    while True:
        with suppress(SapwoodError):  # whoever rebuilds will say it
            mark = (await overview.watermarks()).get(project_id)
            if mark is not None and mark.state == "open":
                report(mark.applied, head)
        await asyncio.sleep(_LOOK_AGAIN_S)
