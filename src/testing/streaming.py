"""`iter_nodes` of a memory adapter: see `sapwood.streaming.NodeStream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..nodes import Nodes
from ..streaming import NodeStream
from .searching import below_or_all, columns, of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from .project_rows import ProjectRows


class MemoryNodeStream(NodeStream):
    """The nodes of the moment at which an iteration begins, a page at a time."""

    def __init__(
        self,
        begin: Callable[[], Awaitable[ProjectRows]],
        there: Callable[[], ProjectRows],
        *,
        under: str | None,
        status: str | None,
        fields: tuple[str, ...],
        page: int,
    ) -> None:
        super().__init__(_no_session, under=under, status=status, fields=fields, page=page)
        self._begin = begin
        self._there = there

    async def pages(self) -> AsyncIterator[Nodes]:
        """Give the nodes a page at a time."""
        project = await self._begin()
        pages = self._after_each(project) if self._under is None else self._of_begin(project)
        for ids in pages:
            if ids:
                yield Nodes.of(columns(project, ids, self._fields))
            self._there()
            project.apply()

    def _after_each(self, project: ProjectRows) -> Iterator[list[str]]:
        """Give the next ids after the last, among those there were at the beginning."""
        seq, last = project.graph.seq, ""
        nodes = project.graph.nodes
        while True:
            there = [each for each in sorted(nodes) if each > last and nodes[each]["seq"] <= seq]
            ids = of_status(project, there, self._status)[: self._page]
            yield ids
            if len(ids) < self._page:
                return
            last = ids[-1]

    def _of_begin(self, project: ProjectRows) -> Iterator[list[str]]:
        """Give the ids that had the status at the beginning and have it still."""
        ids = sorted(of_status(project, below_or_all(project, self._under), self._status))
        for start in range(0, len(ids), self._page):
            yield of_status(project, ids[start : start + self._page], self._status)


async def _no_session() -> Any:
    raise NotImplementedError
