"""Emptying a project's part of the graph: in small steps under the watermark's lock, by anyone.

The watermark's state says what is going on, so whoever is killed in between leaves it to the next.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal

from .. import failpoints
from ..errors import StoreError
from ..events import log
from ..journal import NO_CHAIN
from .writes import Watermark, lock_watermark

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .connection import Graph, Transaction

logger = logging.getLogger("sapwood.graph.clearing")

STEP_ROWS: Final = 1_000
"""Most nodes of one step; Neo4j holds what a transaction deletes in memory."""

State = Literal["clearing", "deleting"]


class GraphClearing:
    """Deletes the nodes of projects. Each method is one transaction, guarded by the watermark."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._halvings = 0

    async def begin(
        self,
        project_id: str,
        incarnation: str,
        state: State,
        *,
        allowed: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Let nobody read or apply from now on, until it is `open` again or gone.

        Args:
            incarnation: Of the project for which it is done; steps of others end.
            allowed: Raises if it must not be done any more; asked while the watermark is locked,
                so that it does not come into a deletion that began in between.

        Returns:
            `False` if there is no watermark.

        Source: `cypher/project/set_state.cypher`.
        """
        await failpoints.reach(failpoints.CLEAR_BEFORE_BEGIN)
        self._halvings = 0  # what was too big for it then may fit now
        async with self._graph.writing() as transaction:
            if await lock_watermark(transaction, project_id) is None:
                return False
            if allowed is not None:
                await allowed()
            await transaction.run(
                "project.set_state", project_id=project_id, incarnation=incarnation, state=state
            )
            await transaction.commit()
        await failpoints.reach(failpoints.CLEAR_AFTER_BEGIN)
        return True

    async def step(self, project_id: str, incarnation: str, state: State) -> bool:
        """Delete up to 1,000 nodes; return whether there may be more, for this incarnation.

        A step that Neo4j finds too big is halved, and so are the next, down to one node.

        Source: `cypher/project/clear.cypher`.
        """
        most = max(1, STEP_ROWS >> self._halvings)
        try:
            return await self._delete(project_id, incarnation, state, most)
        except StoreError as exc:
            if not exc.too_big or most == 1:
                raise
            self._halvings += 1
            where = {"project": project_id, "nodes": most // 2}
            log(logger, logging.WARNING, "step halved", **where, problem=exc)
            return True

    async def _delete(self, project_id: str, incarnation: str, state: State, most: int) -> bool:
        async with self._graph.writing() as transaction:
            if not await _is(transaction, project_id, incarnation, state):
                return False
            deleted = await transaction.value("project.clear", project_id=project_id, most=most)
            await transaction.commit()
        await failpoints.reach(failpoints.CLEAR_AFTER_STEP)
        return bool(deleted)

    async def open(self, project_id: str, incarnation: str) -> None:
        """Begin at position 0, if the project was being cleared and nothing is left.

        Source: `cypher/project/open_watermark.cypher`.
        """
        async with self._graph.writing() as transaction:
            if await _is(transaction, project_id, incarnation, "clearing") and not (
                await transaction.value("project.has_nodes", project_id=project_id)
            ):
                await transaction.run(
                    "project.open_watermark", project_id=project_id, chain=NO_CHAIN
                )
                await transaction.commit()

    async def remove(self, project_id: str, incarnation: str) -> None:
        """Remove the watermark, if it is this incarnation's and stands for no nodes.

        Source: `cypher/project/drop_watermark.cypher`.
        """
        async with self._graph.writing() as transaction:
            mark = await lock_watermark(transaction, project_id)
            if mark is None or mark.incarnation != incarnation:
                return
            if not await transaction.value("project.has_nodes", project_id=project_id):
                await transaction.run("project.drop_watermark", project_id=project_id)
                await transaction.commit()


async def _is(transaction: Transaction, project_id: str, incarnation: str, state: State) -> bool:
    mark: Watermark | None = await lock_watermark(transaction, project_id)
    return mark is not None and (mark.incarnation, mark.state) == (incarnation, state)
