"""What an orchestrator asks of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Arguments
from .errors import NotFoundError
from .graph import KEYS
from .loading import Loads
from .nodes import SCORES, Nodes
from .streaming import NodeStream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .graph import Key
    from .model import BranchStats, Node, NodeStatus
    from .nodes import Columns, Score


class Reads(Loads):
    """The reading half of an adapter.

    Guarantees: Each read first flushes this adapter's own buffer, and then sees whatever was
        committed, by anyone, before it began, as of one position; no child comes without its
        parent. The same question at the same position has the same answer in the same order.
    Raises: ValidationError, before anything else, for an argument that is none of its kind;
        StaleReadError when the graph does not get there within `read_wait_s`; StalledError or
        DivergedError when it cannot; UnavailableError when PostgreSQL does not answer in time.
    Cost: one PostgreSQL statement and one Neo4j statement, a round trip each, however many nodes
        come back; two Neo4j statements where few of the best have the status; four round trips to
        Neo4j for a subtree with a limit, five more where nothing is found below a node. Reads and
        applies of one project take turns.

    Where a read takes them: `fields` names the columns wanted (`id` comes always), all by default;
    with some only, take the values by `Nodes.column`. `status` keeps the nodes of one status,
    given as `NodeStatus` or as its text. `limit` is the most nodes, the first in the order.
    """

    async def node(self, node_id: str) -> Node:
        """Return one node.

        Raises:
            NotFoundError: The project has no such node.
        """
        project, wanted = self._project_id, Arguments("node").node_id(node_id)
        found = await self._read(lambda nodes, guard: nodes.node(project, guard, wanted))
        if found is None:
            raise NotFoundError.node(project, wanted)
        return found

    async def nodes(
        self, node_ids: Iterable[str], *, fields: Collection[str] | None = None
    ) -> Nodes:
        """Return the nodes of these ids, in their order, each once; missing ones are left out."""
        check = Arguments("nodes")
        project, wanted, names = self._project_id, check.node_ids(node_ids), check.fields(fields)
        return Nodes.of(
            await self._read(lambda nodes, guard: nodes.nodes(project, guard, wanted, fields=names))
        )

    async def children(
        self,
        node_id: str,
        *,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the children of a node, by id; empty for a leaf.

        Raises:
            NotFoundError: The project has no such node.
        """
        check, project = Arguments("children"), self._project_id
        parent, names = check.node_id(node_id), check.fields(fields)
        kept, most = check.status(status), check.at_most("limit", limit)
        found = await self._read(
            lambda nodes, guard: nodes.children(
                project, guard, parent, status=kept, limit=most, fields=names
            )
        )
        return self._under(parent, found)

    async def path(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes:
        """Return root first … node last, included.

        Raises:
            NotFoundError: The project has no such node.
        """
        check, project = Arguments("path"), self._project_id
        last, names = check.node_id(node_id), check.fields(fields)
        found = await self._read(
            lambda nodes, guard: nodes.lineage(project, guard, last, fields=names)
        )
        return self._under(last, found)[::-1]

    async def ancestors(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes:
        """Return parent first … root last, the node excluded; empty for a root.

        Raises:
            NotFoundError: The project has no such node.
        """
        check, project = Arguments("ancestors"), self._project_id
        below, names = check.node_id(node_id), check.fields(fields)
        found = await self._read(
            lambda nodes, guard: nodes.lineage(project, guard, below, fields=names)
        )
        return self._under(below, found)[1:]

    async def subtree(
        self,
        node_id: str,
        *,
        max_depth: int | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return a node and all below it, by depth, then id: parents first.

        A subtree that is too large to hold at once comes by `iter_nodes(under=…)`.

        Args:
            max_depth: Most edges below the node; 0 is the node alone.
            status: Only nodes of this status, also below nodes of another one.

        Raises:
            NotFoundError: The project has no such node.
        """
        check, project = Arguments("subtree"), self._project_id
        top, names, kept = check.node_id(node_id), check.fields(fields), check.status(status)
        depth, most = check.at_most("max_depth", max_depth), check.at_most("limit", limit)
        found = await self._read(
            lambda nodes, guard: nodes.subtree(
                project, guard, top, max_depth=depth, status=kept, limit=most, fields=names
            )
        )
        return self._under(top, found)

    async def alive_nodes(
        self,
        *,
        under: str | None = None,
        order_by: Key = "depth",
        descending: bool = False,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the frontier: the alive nodes of the project, or of a subtree.

        Args:
            under: Top of the subtree, itself included.
            order_by: `score`, `rubric_score`, `depth`, `iteration` or `id`; nodes without that
                value come last either way, equals by id.

        Raises:
            NotFoundError: `under` names no node of the project.
        """
        check, project = Arguments("alive_nodes"), self._project_id
        top, names = check.under(under), check.fields(fields)
        key, most = check.choice("order_by", order_by, KEYS), check.at_most("limit", limit)
        down = check.flag("descending", descending)
        found = await self._read(
            lambda nodes, guard: nodes.alive_nodes(
                project, guard, under=top, order_by=key, descending=down, limit=most, fields=names
            )
        )
        return self._under(top, found)

    async def leaves(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the nodes without children, of the project or of a subtree, by depth, then id.

        Args:
            under: Top of the subtree, itself included.

        Raises:
            NotFoundError: `under` names no node of the project.
        """
        check, project = Arguments("leaves"), self._project_id
        top, names = check.under(under), check.fields(fields)
        kept, most = check.status(status), check.at_most("limit", limit)
        found = await self._read(
            lambda nodes, guard: nodes.leaves(
                project, guard, under=top, status=kept, limit=most, fields=names
            )
        )
        return self._under(top, found)

    async def best_nodes(
        self,
        n: int,
        *,
        key: Score = "score",
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the `n` nodes of the highest score, highest first, equals by id.

        Fewer than `n` come back when fewer have a score.

        Args:
            key: `score`, the caller's own, or `rubric_score`.
            under: Top of a subtree, itself included; the whole project by default.

        Raises:
            NotFoundError: `under` names no node of the project.
        """
        check, project = Arguments("best_nodes"), self._project_id
        top, names, kept = check.under(under), check.fields(fields), check.status(status)
        count, by = check.count("n", n), check.choice("key", key, SCORES)
        found = await self._read(
            lambda nodes, guard: nodes.best_nodes(
                project, guard, count, key=by, under=top, status=kept, fields=names
            )
        )
        return self._under(top, found)

    async def branch_stats(self, node_id: str, *, key: Score = "score") -> BranchStats:
        """Return what the subtree under a node comes to, as of now. Asks PostgreSQL alone.

        Args:
            key: The score that counts: `score`, the caller's own, or `rubric_score`.

        Raises:
            NotFoundError: The project has no such node.

        Cost: two statements while nothing has changed since such a call, whoever made it, and
            however large the subtree is. Else the stats of all branches are brought up to date,
            which grows with the nodes that have changed and with their depths.
        """
        check = Arguments("branch_stats")
        top, by = check.node_id(node_id), check.choice("key", key, SCORES)
        session = await self._ready()
        return await session.barrier.ask_project(lambda: session.branches.stats(top, by))

    def iter_nodes(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
        page: int = 1000,
    ) -> NodeStream:
        """Go through the nodes of the project, or of a subtree, in the order of their ids.

            async for node in store.iter_nodes(): ...
            async for page in store.iter_nodes(fields=["score"]).pages():
                page.ids, page.column("score")

        Guarantees: It begins at a position, as any read does, and gives each node that was there
            then exactly once, whatever is written meanwhile; nodes that are made later never
            come. Each page is a read of its own: what may change of a node (status, reason,
            scores, attributes) is as it was when its page was read, and no half of a commit.
            With `status`, each node comes that has this status from begin to end, and none that
            had another one when its page was read.

        Args:
            under: Top of the subtree, itself included.
            fields: With some columns only, there are `pages()` but no single nodes.
            page: Most nodes that are held at a time, and read in one transaction; a page has
                fewer where contents and attributes come to 16 million characters.

        Raises:
            NotFoundError: `under` names no node of the project; raised by the first step.

        Cost: memory for one page; with `under` also the ids of the subtree, 170 bytes each.
            A Neo4j transaction a page, between which others apply; PostgreSQL is asked once, and
            once a page while others write. With `under`, the subtree is walked once, in a
            transaction before the first page.
        """
        check = Arguments("iter_nodes")
        return NodeStream(
            self._ready,
            under=check.under(under),
            status=check.status(status),
            fields=check.fields(fields),
            page=check.count("page", page, least=1),
        )

    def _under(self, node_id: str | None, columns: Columns | None) -> Nodes:
        if columns is None:
            raise NotFoundError.node(self._project_id, node_id or "")
        return Nodes.of(columns)
