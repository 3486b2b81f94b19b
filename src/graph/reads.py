"""Reads of the graph: one transaction each, under the watermark's lock, columns as answer.

Neo4j makes a commit visible piece by piece: a reader without a lock may see the new watermark and
not yet the nodes it stands for, or a property missing while it is replaced. So a read locks the
watermark as an apply does. It waits for a commit that is under way, and holds off the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from .columns import Reading, pick, wanted_fields
from .writes import Watermark, lock_watermark

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterable

    from ..model import Node, NodeStatus
    from ..nodes import Columns
    from .connection import Graph

Guard = Callable[[Watermark | None], Awaitable[int]]
"""Judges the watermark that a read found in its transaction: returns the position up to which the
read may see nodes, or raises; what it raises ends the read and comes out of it."""

Key = Literal["score", "rubric_score", "depth", "iteration", "id"]

NO_LIMIT = (1 << 63) - 1


class NodeRepository:
    """Reads nodes. Writing is for the delivery of the journal alone.

    Guarantees: A read sees the graph as it is at one position, which its guard is given before
        the data is read: all of the entries up to there, nothing of later ones.
    Cost: one transaction; six round trips at most, however many nodes there are. Reads and applies
        of one project take turns.

    Every read takes `project_id` and its guard first. `fields` names the columns wanted, all by
    default; `id` comes always. Nodes come in the order (depth, id) unless it says otherwise.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def node(self, project_id: str, guard: Guard, node_id: str) -> Node | None:
        """Return one node, `None` if there is none. Source: `cypher/node/nodes.cypher`."""
        columns = await self.nodes(project_id, guard, [node_id])
        return columns.at(0) if len(columns) else None

    async def nodes(
        self,
        project_id: str,
        guard: Guard,
        node_ids: Iterable[str],
        *,
        fields: Collection[str] | None = None,
    ) -> Columns:
        """Return the nodes of these ids, in their order, each once; missing ones are left out.

        Source: `cypher/node/nodes.cypher`.
        """
        wanted = list(dict.fromkeys(node_ids))
        async with self._at(project_id, guard, fields) as read:
            found = await read.columns("node.nodes", ids=wanted)
        place = {node_id: at for at, node_id in enumerate(found["id"])}
        return pick(found, [place[node_id] for node_id in wanted if node_id in place])

    async def children(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return the children of a node; `None` if there is no such node.

        Source: `cypher/lineage/children.cypher`.
        """
        async with self._at(project_id, guard, fields) as read:
            return await read.under(node_id, "lineage.children")

    async def path(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return root first … node last, included; `None` if there is no such node.

        Source: `cypher/lineage/path.cypher`.
        """
        async with self._at(project_id, guard, fields) as read:
            found = await read.sorted("lineage.path", node_id=node_id)
        return found if len(found) else None

    async def ancestors(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return parent first … root last; empty for a root, `None` if there is no such node.

        Source: `cypher/lineage/path.cypher`.
        """
        path = await self.path(project_id, guard, node_id, fields=fields)
        return None if path is None else pick(path, range(len(path) - 2, -1, -1))

    async def subtree(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        max_depth: int | None = None,
        status: NodeStatus | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return a node and all below it, parents first; `None` if there is no such node.

        Args:
            max_depth: Most edges below the node; 0 is the node alone.
            status: Keep nodes of this status only, also below nodes of another one.

        Source: `cypher/lineage/subtree.cypher`.
        """
        async with self._at(project_id, guard, fields) as read:
            return await read.under(
                node_id, "lineage.subtree", max_depth=max_depth, status=status and status.value
            )

    async def alive_nodes(
        self,
        project_id: str,
        guard: Guard,
        *,
        under: str | None = None,
        order_by: Key = "depth",
        descending: bool = False,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return the frontier: the alive nodes of the project, or of a subtree.

        Args:
            under: Top of the subtree, itself included.
            order_by: Nodes without this value come last either way; equals come by id.
            limit: Most nodes.

        Returns:
            The nodes as ordered; `None` if `under` names no node.

        Source: `cypher/frontier/alive.cypher`, `alive_under.cypher`.
        """
        order: dict[str, Any] = {
            "order_by": order_by,
            "descending": descending,
            "limit": NO_LIMIT if limit is None else limit,
        }
        async with self._at(project_id, guard, fields) as read:
            if under is None:
                return await read.columns("frontier.alive", **order)
            found = await read.columns("frontier.alive_under", node_id=under, **order)
            return found if len(found) or await read.exists(under) else None

    async def load_tree(
        self, project_id: str, guard: Guard, *, fields: Collection[str] | None = None
    ) -> Columns:
        """Return all nodes of a project, parents first.

        Source: `cypher/project/load_tree.cypher`.
        """
        async with self._at(project_id, guard, fields) as read:
            return await read.sorted("project.load_tree")

    async def count_by_status(self, project_id: str, guard: Guard) -> dict[NodeStatus, int]:
        """Return how many nodes have each status; a status without nodes counts 0.

        Source: `cypher/project/count_by_status.cypher`.
        """
        async with self._at(project_id, guard, None) as read:
            return await read.counts()

    @asynccontextmanager
    async def _at(
        self, project_id: str, guard: Guard, fields: Collection[str] | None
    ) -> AsyncGenerator[Reading]:
        """Open a transaction, show its watermark to the guard, read up to where that allows."""
        wanted = wanted_fields(fields)
        async with self._graph.writing() as transaction:
            applied = await guard(await lock_watermark(transaction, project_id))
            yield Reading(transaction, project_id, applied, wanted)
