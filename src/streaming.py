"""Reads in pages: all nodes of a project or of a subtree, with the memory of one page."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from .errors import NotFoundError
from .nodes import Nodes, check_whole
from .relational import Head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from .graph import Guard, NodeRepository, Watermark
    from .model import Node
    from .nodes import Columns
    from .session import Session

T = TypeVar("T")
_Query: TypeAlias = "Callable[[NodeRepository, Guard, str, int | None], Awaitable[T]]"
"""A read, given the project's id and the last position whose nodes may come."""


class NodeStream:
    """The nodes that `iter_nodes` was asked for: `async for node in stream`, or by `pages()`.

    Each iteration begins anew, at its first step. Nothing is held open between two pages, so an
    iteration may be left at any time.
    """

    def __init__(
        self,
        ready: Callable[[], Awaitable[Session]],
        *,
        under: str | None,
        status: str | None,
        fields: tuple[str, ...],
        page: int,
    ) -> None:
        self._ready = ready
        self._under = under
        self._status = status
        self._fields = fields
        self._page = page

    def __repr__(self) -> str:
        return f"NodeStream(under={self._under!r}, status={self._status!r}, page={self._page})"

    def __aiter__(self) -> AsyncIterator[Node]:
        """Give each node.

        Raises:
            ValidationError: Not all columns are read; take those that are from `pages()`.
        """
        check_whole(self._fields)
        return self._nodes()

    async def _nodes(self) -> AsyncIterator[Node]:
        async for page in self.pages():
            for node in page:
                yield node

    async def pages(self) -> AsyncIterator[Nodes]:
        """Give the nodes a page at a time, with `page.column(name)` for what was read.

        A page has one node at least, and at most as many as were asked for: fewer where contents
        and attributes come to 16 million characters.
        """
        moment = _Moment(self._ready)
        pages = self._by_key(moment) if self._under is None else self._by_id(moment, self._under)
        async for columns in pages:
            yield Nodes.of(columns)

    async def _by_key(self, moment: _Moment) -> AsyncIterator[Columns]:
        """Read the next nodes after the last id, until there are no more."""
        columns = await self._after("", moment)
        while len(columns):
            yield columns
            columns = await self._after(columns["id"][-1], moment)

    async def _after(self, last: str, moment: _Moment) -> Columns:
        return await moment.read(
            lambda nodes, guard, project, upto: nodes.page(
                project,
                guard,
                after=last,
                limit=self._page,
                status=self._status,
                fields=self._fields,
                upto=upto,
            )
        )

    async def _by_id(self, moment: _Moment, under: str) -> AsyncIterator[Columns]:
        """Walk the subtree once, for its ids; then read the nodes of these ids."""
        found = await moment.read(
            lambda nodes, guard, project, _: nodes.subtree(
                project, guard, under, status=self._status, fields=("id",)
            )
        )
        if found is None:
            raise NotFoundError.node(moment.project_id, under)
        ids, at = sorted(found["id"]), 0
        while at < len(ids):
            columns = await self._of(ids[at : at + self._page], moment)
            if len(columns):
                yield columns
                at = bisect_right(ids, columns["id"][-1])
            else:
                at += self._page

    async def _of(self, ids: Sequence[str], moment: _Moment) -> Columns:
        return await moment.read(
            lambda nodes, guard, project, upto: nodes.page_of_ids(
                project, guard, ids, status=self._status, fields=self._fields, upto=upto
            )
        )


class _Moment:
    """The position at which an iteration began: all its reads see the nodes of then."""

    def __init__(self, ready: Callable[[], Awaitable[Session]]) -> None:
        self._ready = ready
        self._began: Head | None = None
        self.project_id = ""

    async def read(self, query: _Query[T]) -> T:
        """Run one graph read. The first one waits for what was committed before it, as any does."""
        session = await self._ready()
        self.project_id = session.project_id
        began = seen = self._began

        async def at(guard: Guard) -> T:
            async def judge(mark: Watermark | None) -> int:
                nonlocal seen
                applied = await guard(mark)
                if began is None and mark is not None:
                    seen = Head(applied, mark.incarnation, "open", mark.chain, mark.quarantine)
                return applied

            upto = None if began is None else began.seq
            return await query(session.nodes, judge, session.project_id, upto)

        found = await session.barrier.read(at, began)
        self._began = seen
        return found
