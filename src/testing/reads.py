"""What a memory adapter answers: searches over the replica, in the simplest way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ..arguments import Arguments
from ..branches import BRANCH_FIELDS, branch_stats
from ..graph import KEYS
from ..loading import LoadedProject
from ..model import NodeStatus
from ..nodes import FIELDS, SCORES, Nodes
from ..relational import ScoreColumns
from ..tree import TREE_FIELDS, Tree
from .score_cache import cached_scores, invalidation_preview
from .searching import below_or_all, columns, in_order, of_status, require
from .streaming import MemoryNodeStream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..cached import CachedScores
    from ..graph import Key
    from ..model import BranchStats, InvalidationPreview, Node, Rubric
    from ..nodes import Score
    from ..streaming import NodeStream
    from .project_rows import ProjectRows


class MemoryReads:
    """The reading half: see `sapwood.reading.Reads`."""

    def _there(self) -> ProjectRows:
        """Return the project, as it is in the stores."""
        raise NotImplementedError

    async def _drained(self) -> ProjectRows:
        """Store what is pending; return the project."""
        raise NotImplementedError

    async def _applied(self) -> ProjectRows:
        """Store what is pending; return the project with its graph at the head."""
        raise NotImplementedError

    async def load_project(self, *, fields: Collection[str] | None = None) -> LoadedProject:
        """Load the project."""
        names = {*Arguments("load_project").fields(fields), *TREE_FIELDS}
        project = await self._applied()
        tree = Tree(columns(project, in_order(project, project.graph.nodes), names))
        return LoadedProject(
            project.record(),
            tree,
            project.rubric,
            _score_columns(project),
            project.labels.samples,
            dict(project.rubrics.principles),
            _state(project),
        )

    async def load_state(self) -> Any:
        """Return what `save_state` was last given, or `None`."""
        return _state(await self._drained())

    async def node(self, node_id: str) -> Node:
        """Return one node."""
        wanted = Arguments("node").node_id(node_id)
        project = await self._applied()
        require(project, wanted)
        return _nodes(project, [wanted])[0]

    async def nodes(
        self, node_ids: Iterable[str], *, fields: Collection[str] | None = None
    ) -> Nodes:
        """Return the nodes of these ids, in their order, each once; missing ones are left out."""
        check = Arguments("nodes")
        wanted, names = check.node_ids(node_ids), check.fields(fields)
        project = await self._applied()
        return _nodes(project, [each for each in wanted if each in project.graph.nodes], names)

    async def children(
        self,
        node_id: str,
        *,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the children of a node, by id."""
        check = Arguments("children")
        parent, names = check.node_id(node_id), check.fields(fields)
        kept, most = check.status(status), check.at_most("limit", limit)
        project = await self._applied()
        require(project, parent)
        found = of_status(project, project.graph.children[parent], kept)
        return _nodes(project, sorted(found)[:most], names)

    async def path(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes:
        """Return root first … node last, included."""
        check = Arguments("path")
        last, names = check.node_id(node_id), check.fields(fields)
        project = await self._applied()
        require(project, last)
        return _nodes(project, project.graph.path(last), names)

    async def ancestors(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes:
        """Return parent first … root last, the node excluded."""
        check = Arguments("ancestors")
        below, names = check.node_id(node_id), check.fields(fields)
        project = await self._applied()
        require(project, below)
        return _nodes(project, project.graph.path(below)[-2::-1], names)

    async def subtree(
        self,
        node_id: str,
        *,
        max_depth: int | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return a node and all below it, by depth, then id."""
        check = Arguments("subtree")
        top, names, kept = check.node_id(node_id), check.fields(fields), check.status(status)
        deep, most = check.at_most("max_depth", max_depth), check.at_most("limit", limit)
        project = await self._applied()
        nodes, found = project.graph.nodes, of_status(project, below_or_all(project, top), kept)
        near = [
            each
            for each in found
            if deep is None or nodes[each]["depth"] - nodes[top]["depth"] <= deep
        ]
        return _nodes(project, in_order(project, near)[:most], names)

    async def alive_nodes(
        self,
        *,
        under: str | None = None,
        order_by: Key = "depth",
        descending: bool = False,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the frontier: the alive nodes of the project, or of a subtree."""
        check = Arguments("alive_nodes")
        top, names = check.under(under), check.fields(fields)
        key, most = check.choice("order_by", order_by, KEYS), check.at_most("limit", limit)
        down = check.flag("descending", descending)
        project = await self._applied()
        alive = of_status(project, below_or_all(project, top), NodeStatus.ALIVE)
        there, without = _by_value(project, alive, key, descending=down)
        return _nodes(project, [*there, *without][:most], names)

    async def leaves(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the nodes without children, by depth, then id."""
        check = Arguments("leaves")
        top, names = check.under(under), check.fields(fields)
        kept, most = check.status(status), check.at_most("limit", limit)
        project = await self._applied()
        found = of_status(project, below_or_all(project, top), kept)
        leaves = [each for each in found if not project.graph.children[each]]
        return _nodes(project, in_order(project, leaves)[:most], names)

    async def best_nodes(
        self,
        n: int,
        *,
        key: Score = "score",
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes:
        """Return the `n` nodes of the highest score, highest first, equals by id."""
        check = Arguments("best_nodes")
        top, names, kept = check.under(under), check.fields(fields), check.status(status)
        count, by = check.count("n", n), check.choice("key", key, SCORES)
        project = await self._applied()
        found = of_status(project, below_or_all(project, top), kept)
        there, _ = _by_value(project, found, by, descending=True)
        return _nodes(project, there[:count], names)

    async def branch_stats(self, node_id: str, *, key: Score = "score") -> BranchStats:
        """Return what the subtree under a node comes to, as of now."""
        check = Arguments("branch_stats")
        top, by = check.node_id(node_id), check.choice("key", key, SCORES)
        project = await self._applied()
        found = columns(project, below_or_all(project, top), (*BRANCH_FIELDS, by))
        return branch_stats(top, found, by)

    def iter_nodes(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
        page: int = 1000,
    ) -> NodeStream:
        """Go through the nodes of the project, or of a subtree, in the order of their ids."""
        check = Arguments("iter_nodes")
        return MemoryNodeStream(
            self._applied,
            self._there,
            under=check.under(under),
            status=check.status(status),
            fields=check.fields(fields),
            page=check.count("page", page, least=1),
        )

    async def cached_scores(
        self,
        node_ids: Iterable[str],
        *,
        judge: str,
        rubric: int | Rubric | None = None,
        by_content: bool = False,
    ) -> CachedScores:
        """Return which scores of a judge exist already, and which are still to be paid for."""
        check = Arguments("cached_scores")
        lend = check.flag("by_content", by_content)
        wanted, by, version = check.node_ids(node_ids), check.judge(judge), check.rubric(rubric)
        return cached_scores(await self._drained(), wanted, by, version, by_content=lend)

    async def invalidation_preview(
        self,
        new_rubric: Rubric | int,
        *,
        judge: str | None = None,
        node_ids: Iterable[str] | None = None,
    ) -> InvalidationPreview:
        """Return what judging by a rubric would cost, before anybody pays."""
        check = Arguments("invalidation_preview")
        rubric = check.new_rubric(new_rubric)
        by = None if judge is None else check.judge(judge)
        wanted = None if node_ids is None else check.node_ids(node_ids)
        return invalidation_preview(await self._drained(), rubric, by, wanted)


def _nodes(project: ProjectRows, node_ids: list[str], names: Collection[str] = FIELDS) -> Nodes:
    return Nodes.of(columns(project, node_ids, names))


def _by_value(
    project: ProjectRows, node_ids: Iterable[str], key: str, *, descending: bool
) -> tuple[list[str], list[str]]:
    """Return the ids that have a value, by it and then by id, and those that have none, by id."""
    values = {each: project.graph.nodes[each][key] for each in sorted(node_ids)}
    there = [each for each, value in values.items() if value is not None]
    there.sort(key=values.__getitem__, reverse=descending)
    return there, [each for each, value in values.items() if value is None]


def _state(project: ProjectRows) -> Any:
    return None if project.state is None else orjson.loads(project.state)


def _score_columns(project: ProjectRows) -> ScoreColumns:
    stored = sorted(project.scores.items())
    kept = [(*key, score.score) for key, score in stored if score.score is not None]
    return ScoreColumns(
        [node_id for node_id, _, _, _ in kept],
        [principle_id for _, principle_id, _, _ in kept],
        [judge for _, _, judge, _ in kept],
        [number for _, _, _, number in kept],
    )
