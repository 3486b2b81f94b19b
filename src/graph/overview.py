"""The graph as people look after it: all projects at once, and the server itself. No locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .writes import Watermark

if TYPE_CHECKING:
    from .connection import Graph


class GraphServer(NamedTuple):
    """The Neo4j that answers.

    Attributes:
        version: Such as `2026.08.1`.
        now_s: Its clock, in seconds since 1970 UTC.
    """

    version: str
    edition: str
    now_s: float


class GraphOverview:
    """Looks, and changes and locks nothing. Each method is one transaction of one statement."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def watermarks(self) -> dict[str, Watermark]:
        """Return the watermark of each project that has one, by project id.

        It is good for looking: what it says may be about to change.

        Source: `cypher/overview/watermarks.cypher`.
        """
        async with self._graph.reading() as transaction:
            rows = await transaction.run("overview.watermarks")
        return {project_id: Watermark(*values) for project_id, *values in rows}

    async def server(self) -> GraphServer:
        """Return version and clock. Source: `cypher/overview/server.cypher`."""
        async with self._graph.reading() as transaction:
            ((version, edition, now),) = await transaction.run("overview.server")
        return GraphServer(version, edition, now / 1000)
