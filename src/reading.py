"""What an orchestrator asks of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from .errors import NotFoundError
from .loading import LoadedProject
from .nodes import Nodes
from .tree import Tree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .graph import Guard, Key, NodeRepository
    from .model import Node, NodeStatus
    from .nodes import Columns
    from .session import Session

T = TypeVar("T")


class Reads:
    """The reading half of an adapter.

    Guarantees: Each read first flushes this adapter's own buffer, and then sees whatever was
        committed, by anyone, before it began; no child comes without its parent.
    Raises: StaleReadError when the graph does not get there within `read_wait_s`; StalledError or
        DivergedError when it cannot; UnavailableError when PostgreSQL does not answer in time.
    Cost: one PostgreSQL statement and one Neo4j transaction of at most five round trips, however
        many nodes come back.
    """

    _project_id: str

    async def _ready(self) -> Session:
        raise NotImplementedError

    async def _read(self, query: Callable[[NodeRepository, Guard], Awaitable[T]]) -> T:
        session = await self._ready()
        return await session.barrier.read(lambda guard: query(session.nodes, guard))

    async def load_project(self) -> LoadedProject:
        """Load the project: its tree, current rubric, scores and the orchestrator's state.

        Cost: a fixed number of statements; the rest grows with the nodes and scores.
        """
        session = await self._ready()
        snapshot = await session.barrier.ask(lambda: session.projects.load(self._project_id))
        columns = await session.barrier.read(
            lambda guard: session.nodes.load_tree(self._project_id, guard), snapshot.head
        )
        state = None if snapshot.state is None else orjson.loads(snapshot.state)
        return LoadedProject(
            snapshot.project, Tree(columns), snapshot.rubric, snapshot.scores, state
        )

    async def load_state(self) -> Any:
        """Return what `save_state` was last given, or `None`. Asks PostgreSQL alone."""
        session = await self._ready()
        state = await session.barrier.ask(lambda: session.projects.load_state(self._project_id))
        return None if state is None else orjson.loads(state)

    async def node(self, node_id: str) -> Node:
        """Return one node.

        Raises:
            NotFoundError: The project has no such node.
        """
        project = self._project_id
        found = await self._read(lambda nodes, guard: nodes.node(project, guard, node_id))
        if found is None:
            raise self._missing(node_id)
        return found

    async def nodes(self, node_ids: Iterable[str]) -> Nodes:
        """Return the nodes of these ids, in their order, each once; missing ones are left out."""
        project, wanted = self._project_id, list(node_ids)
        return _all(await self._read(lambda nodes, guard: nodes.nodes(project, guard, wanted)))

    async def children(self, node_id: str) -> Nodes:
        """Return the children of a node, by id; empty for a leaf.

        Raises:
            NotFoundError: The project has no such node.
        """
        project = self._project_id
        found = await self._read(lambda nodes, guard: nodes.children(project, guard, node_id))
        return self._found(node_id, found)

    async def path(self, node_id: str) -> Nodes:
        """Return root first … node last, included.

        Raises:
            NotFoundError: The project has no such node.
        """
        project = self._project_id
        found = await self._read(lambda nodes, guard: nodes.path(project, guard, node_id))
        return self._found(node_id, found)

    async def ancestors(self, node_id: str) -> Nodes:
        """Return parent first … root last, the node excluded; empty for a root.

        Raises:
            NotFoundError: The project has no such node.
        """
        project = self._project_id
        found = await self._read(lambda nodes, guard: nodes.ancestors(project, guard, node_id))
        return self._found(node_id, found)

    async def subtree(
        self, node_id: str, *, max_depth: int | None = None, status: NodeStatus | None = None
    ) -> Nodes:
        """Return a node and all below it, by depth, then id: parents first.

        Args:
            max_depth: Most edges below the node; 0 is the node alone.
            status: Only nodes of this status, also below nodes of another one.

        Raises:
            NotFoundError: The project has no such node.
        """
        project = self._project_id
        found = await self._read(
            lambda nodes, guard: nodes.subtree(
                project, guard, node_id, max_depth=max_depth, status=status
            )
        )
        return self._found(node_id, found)

    async def alive_nodes(
        self,
        *,
        under: str | None = None,
        order_by: Key = "depth",
        descending: bool = False,
        limit: int | None = None,
    ) -> Nodes:
        """Return the frontier: the alive nodes of the project, or of a subtree.

        Args:
            under: Top of the subtree, itself included.
            order_by: `score`, `rubric_score`, `depth`, `iteration` or `id`; nodes without that
                value come last either way, equals by id.
            limit: Most nodes.

        Raises:
            NotFoundError: `under` names no node of the project.
        """
        project = self._project_id
        found = await self._read(
            lambda nodes, guard: nodes.alive_nodes(
                project, guard, under=under, order_by=order_by, descending=descending, limit=limit
            )
        )
        return self._found(under or "", found)

    def _found(self, node_id: str, columns: Columns | None) -> Nodes:
        if columns is None:
            raise self._missing(node_id)
        return _all(columns)

    def _missing(self, node_id: str) -> NotFoundError:
        return NotFoundError(f"node {node_id}: project {self._project_id!r} has no such node")


def _all(columns: Columns) -> Nodes:
    return Nodes(columns, range(len(columns)))
