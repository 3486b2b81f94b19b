"""Deleting a project from both stores: in an order that leaves nothing, wherever it is cut.

PostgreSQL says first that the project is being deleted, which fences its writers. Then the graph
says so, which stops whoever still applies; its nodes go, then PostgreSQL's rows, and the watermark
last. So while one of the two marks stands, whoever calls this again, or creates the project anew,
knows what to go on with.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from .errors import NotFoundError
from .events import log
from .graph import GraphClearing, GraphWriter
from .relational import ProjectRepository
from .retry import Retries

if TYPE_CHECKING:
    from .stores import Stores

logger = logging.getLogger("sapwood.deleting")


async def delete_project(stores: Stores, project_id: str) -> None:
    """Delete a project with everything in it; go on with a deletion that was interrupted.

    Raises:
        NotFoundError: There is no such project.
    """
    projects, retries = ProjectRepository(stores.db), Retries(project_id, Counter())
    writer, clearing = GraphWriter(stores.graph), GraphClearing(stores.graph)

    async def mark(_: int) -> str:
        return await projects.mark_deleting(project_id)

    async def find_mark(_: int) -> str | None:
        await stores.prepare_graph()
        mark = await writer.watermark(project_id)
        return mark.incarnation if mark is not None and mark.state == "deleting" else None

    async def clear(_: int) -> None:
        await stores.prepare_graph()
        while not await clearing.begin(project_id, incarnation, "deleting"):
            await writer.create_watermark(project_id, incarnation)
        while await clearing.step(project_id, incarnation, "deleting"):
            pass

    try:
        incarnation = await retries.run("delete", mark)
    except NotFoundError:
        left = await retries.run("delete", find_mark)
        if left is None:
            raise
        incarnation = left
    log(logger, logging.INFO, "project is deleted", project=project_id)
    await retries.run("delete", clear)
    await retries.run("delete", lambda _: projects.delete_rows(project_id))
    await retries.run("delete", lambda _: clearing.remove(project_id, incarnation))
    log(logger, logging.INFO, "project deleted", project=project_id)
