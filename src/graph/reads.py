"""Reads of the graph: one statement each, under the watermark's lock, columns as answer.

Neo4j makes a commit visible piece by piece: a reader without a lock may see the new watermark and
not yet the nodes it stands for, or a property missing while it is replaced. So a read locks the
watermark as an apply does. It waits for a commit that is under way, and holds off the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from ..arguments import Arguments
from ..nodes import SCORES
from .columns import NO_LIMIT, Reading
from .rows import ROW_CHARACTERS
from .writes import lock_watermark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..model import Node, NodeStatus
    from ..nodes import Columns, Score
    from ..packed import Packed
    from .columns import Guard
    from .connection import Graph

Key = Literal["score", "rubric_score", "depth", "iteration", "id"]
KEYS: tuple[Key, ...] = get_args(Key)
"""What the frontier can be ordered by."""


_BEST: dict[Score, str] = {"score": "node.best", "rubric_score": "node.best_rubric"}
_LOOKED_AT = 20
"""Of the best nodes so many times as many are wanted are looked at for those of one status."""
_DEEPER_THAN_ANY = 1 << 40
"""A depth that no tree has, and that can be added to one without leaving 64 bits."""


class NodeRepository:
    """Reads nodes. Writing is for the delivery of the journal alone.

    Guarantees: A read sees the graph as it is at one position, which its guard is given: all of the
        entries up to there, nothing of later ones.
    Cost: one statement, which is a transaction and a round trip; four round trips if only
        the first of a subtree are wanted, five in all if nothing is found below a node. However
        many nodes there are. Reads and applies of one project take turns.
    Raises: ValidationError for an argument that is none of its kind.

    Every read takes `project_id` and its guard first. `fields` names the columns wanted, all by
    default; `id` comes always. `status` keeps nodes of one status only; `limit` is the most nodes
    that come back, the first ones in the order. That is (depth, id) unless it says otherwise.
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
        read = self._at(project_id, guard, Arguments("nodes").fields(fields))
        return await read.by_id(wanted)

    async def children(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return the children of a node, by id; `None` if there is no such node.

        Source: `cypher/lineage/children.cypher`.
        """
        check = Arguments("children")
        asked = {"node_id": node_id, "status": check.status(status), "limit": _most(check, limit)}
        read = self._at(project_id, guard, check.fields(fields))
        return await read.under(node_id, lambda one: one.columns("lineage.children", **asked))

    async def lineage(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return node first, included … root last; `None` if there is no such node.

        Source: `cypher/lineage/path.cypher`.
        """
        read = self._at(project_id, guard, Arguments("lineage").fields(fields))
        found = await read.line("lineage.path", node_id=node_id)
        return found if len(found) else None

    async def subtree(
        self,
        project_id: str,
        guard: Guard,
        node_id: str,
        *,
        max_depth: int | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return a node and all below it, parents first; `None` if there is no such node.

        Args:
            max_depth: Most edges below the node; 0 is the node alone.
            status: Keep nodes of this status only, also below nodes of another one.

        Source: `cypher/lineage/subtree.cypher`, and `cypher/node/nodes.cypher` with a limit.
        """
        check = Arguments("subtree")
        depth, most = check.at_most("max_depth", max_depth), check.at_most("limit", limit)
        asked = {
            "node_id": node_id,
            "max_depth": None if depth is None else min(depth, _DEEPER_THAN_ANY),
            "status": check.status(status),
        }
        read, key = self._at(project_id, guard, check.fields(fields)), "lineage.subtree"
        if most is None:
            return await read.under(node_id, lambda one: one.sorted(key, **asked))
        async with self._graph.writing() as transaction:
            read = read.within(transaction)
            return await read.under(node_id, lambda one: one.first(most, key, **asked))

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

        Returns:
            The nodes as ordered; `None` if `under` names no node.

        Source: `cypher/frontier/alive.cypher`, `alive_under.cypher`.
        """
        check = Arguments("alive_nodes")
        asked: dict[str, Any] = {
            "order_by": check.choice("order_by", order_by, KEYS),
            "descending": bool(descending),
            "limit": _most(check, limit),
        }
        read = self._at(project_id, guard, check.fields(fields))
        if under is None:
            return await read.columns("frontier.alive", **asked)
        key, asked = "frontier.alive_under", {"node_id": under, **asked}
        return await read.under(under, lambda one: one.columns(key, **asked))

    async def leaves(
        self,
        project_id: str,
        guard: Guard,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return the nodes without children, of the project or of a subtree.

        Returns:
            The nodes by (depth, id); `None` if `under` names no node.

        Source: `cypher/node/leaves.cypher`, `leaves_of_status.cypher`, `leaves_under.cypher`.
        """
        check = Arguments("leaves")
        asked = {"status": check.status(status), "limit": _most(check, limit)}
        read = self._at(project_id, guard, check.fields(fields))
        if under is not None:
            asked["node_id"] = under
            return await read.under(under, lambda one: one.columns("node.leaves_under", **asked))
        if asked["status"] is None:
            return await read.columns("node.leaves", limit=asked["limit"])
        return await read.columns("node.leaves_of_status", **asked)

    async def best_nodes(
        self,
        project_id: str,
        guard: Guard,
        n: int,
        *,
        key: Score = "score",
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
    ) -> Columns | None:
        """Return the `n` nodes of the highest `key`, of the project or of a subtree.

        Returns:
            Highest first, equals by id; nodes without a `key` are left out. `None` if `under`
            names no node.

        Cost: of a project, what is returned, by the index of the scores; with `status`, all nodes
            of that status if few of the best have it; of a subtree, all of its nodes.
        Source: `cypher/node/best.cypher`, `best_rubric.cypher`, `best_of_status.cypher`,
            `best_under.cypher`.
        """
        check = Arguments("best_nodes")
        by, count = check.choice("key", key, SCORES), check.count("n", n)
        kept = check.status(status)
        read = self._at(project_id, guard, check.fields(fields))
        asked = {"status": kept, "limit": count}
        if under is not None:
            asked.update(node_id=under, order_by=by)
            return await read.under(under, lambda one: one.columns("node.best_under", **asked))
        among = count if kept is None else min(count * _LOOKED_AT, NO_LIMIT)
        found = await read.columns(_BEST[by], among=among, **asked)
        if kept is None or len(found) == count:
            return found
        return await read.columns("node.best_of_status", order_by=by, **asked)

    async def page(
        self,
        project_id: str,
        guard: Guard,
        *,
        after: str = "",
        limit: int,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
        upto: int | None = None,
    ) -> Columns:
        """Return the next nodes by id, until the page is full; none only if there are no more.

        A page is full with `limit` nodes, or with 16 million characters of content and attributes.

        Args:
            after: The last id of the page before; '' for the first page.
            upto: The last position whose nodes may come; that of the read by default.

        Cost: grows with the page, not with the project; with a `status`, with all that is between
            the nodes of that status.
        Source: `cypher/node/page.cypher`.
        """
        check = Arguments("page")
        asked = {"after": after, "limit": check.count("limit", limit)}
        read = self._at(project_id, guard, check.fields(fields), upto)
        return await read.page("node.page", check.status(status), **asked)

    async def page_of_ids(
        self,
        project_id: str,
        guard: Guard,
        node_ids: Sequence[str],
        *,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
        upto: int | None = None,
    ) -> Columns:
        """Return the first nodes of these ids, in their order, until the page is full.

        Args:
            upto: The last position whose nodes may come; that of the read by default.

        Source: `cypher/node/page_of_ids.cypher`.
        """
        check = Arguments("page_of_ids")
        read = self._at(project_id, guard, check.fields(fields), upto)
        return await read.page("node.page_of_ids", check.status(status), ids=list(node_ids))

    async def load_tree(
        self, project_id: str, guard: Guard, *, fields: Collection[str] | None = None
    ) -> Packed:
        """Return all nodes of a project by (depth, id), so parents come first.

        Cost: memory for what is returned, and for one column more while it is sorted.
        Source: `cypher/project/load_tree.cypher`.
        """
        wanted = Arguments("load_tree").fields(fields)
        return await self._at(project_id, guard, wanted).tree("project.load_tree")

    async def audit_page(
        self, project_id: str, guard: Guard, *, after: str, limit: int
    ) -> tuple[list[list[Any]], bool]:
        """Return nodes as they stand, whoever wrote them: properties, node labels, parent edges.

        A page is full with `limit` nodes, or with 16 million characters of content and attributes.

        Args:
            after: The id before the first one wanted; empty for the beginning.

        Returns:
            The next ones by id, and whether there may be more.

        Source: `cypher/verify/page.cypher`.
        """
        async with self._graph.writing() as transaction:
            await guard(await lock_watermark(transaction, project_id))
            ((found, more),) = await transaction.run(
                "verify.page",
                project_id=project_id,
                after=after,
                limit=limit,
                characters=ROW_CHARACTERS,
            )
            return found, more

    async def count_by_status(self, project_id: str, guard: Guard) -> dict[NodeStatus, int]:
        """Return how many nodes have each status; a status without nodes counts 0.

        Source: `cypher/project/count_by_status.cypher`.
        """
        return await self._at(project_id, guard, ()).counts()

    def _at(
        self, project_id: str, guard: Guard, fields: Sequence[str], upto: int | None = None
    ) -> Reading:
        return Reading(
            self._graph, project_id, guard, tuple(fields), NO_LIMIT if upto is None else upto
        )


def _most(check: Arguments, limit: int | None) -> int:
    most = check.at_most("limit", limit)
    return NO_LIMIT if most is None else most
