"""A project as loaded: what an orchestrator needs to go on, and what it has paid for already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from .arguments import Arguments
from .tree import TREE_FIELDS, Tree
from .tree_stats import TreeStats

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from .cached import CachedScores
    from .graph import Guard, NodeRepository
    from .model import InvalidationPreview, Principle, Project, Rubric
    from .relational import ScoreColumns
    from .samples import LabeledSample
    from .session import Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """What `load_project` returns. The tree is never older than the rest.

    Attributes:
        tree: All nodes, as columns; `Node` objects are made when asked for.
        rubric: The current rubric; `None` before the first.
        scores: Scores of all judges, as columns, by node, principle and judge.
        labels: Labelled samples of all people, by `created_at` and then id.
        principles: Those of all versions, by id: scores and labels may be of earlier ones.
        state: What `save_state` was last given; `None` before.
        stats: What each branch of the tree comes to: `stats[node_id]`, counted at the first use.
    """

    project: Project
    tree: Tree
    rubric: Rubric | None
    scores: ScoreColumns
    labels: list[LabeledSample]
    principles: dict[str, Principle]
    state: Any
    stats: TreeStats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stats", TreeStats(self.tree))


class Loads:
    """What is asked of a project as a whole, and of its scores; `Reads` says what all promise."""

    _project_id: str

    async def _ready(self) -> Session:
        raise NotImplementedError

    async def _read(self, query: Callable[[NodeRepository, Guard], Awaitable[T]]) -> T:
        session = await self._ready()
        return await session.barrier.read(lambda guard: query(session.nodes, guard))

    async def load_project(self, *, fields: Collection[str] | None = None) -> LoadedProject:
        """Load the project: tree, current rubric, scores, labels, the orchestrator's state.

        Args:
            fields: Columns of the tree, besides those that make it a tree: `id`, `parent_id`,
                `status` and `depth`.

        Cost: a fixed number of statements; the rest grows with the nodes, scores and labels.
        """
        wanted = None if fields is None else Arguments("load_project").fields(fields) + TREE_FIELDS
        session = await self._ready()
        snapshot = await session.barrier.ask(lambda: session.projects.load(self._project_id))
        columns = await session.barrier.read(
            lambda guard: session.nodes.load_tree(self._project_id, guard, fields=wanted),
            snapshot.head,
        )
        state = None if snapshot.state is None else orjson.loads(snapshot.state)
        return LoadedProject(
            snapshot.project,
            Tree(columns),
            snapshot.rubric,
            snapshot.scores,
            snapshot.labels,
            snapshot.principles,
            state,
        )

    async def load_state(self) -> Any:
        """Return what `save_state` was last given, or `None`. Asks PostgreSQL alone."""
        session = await self._ready()
        state = await session.barrier.ask_project(
            lambda: session.projects.load_state(self._project_id)
        )
        return None if state is None else orjson.loads(state)

    async def cached_scores(
        self,
        node_ids: Iterable[str],
        *,
        judge: str,
        rubric: int | Rubric | None = None,
        by_content: bool = False,
    ) -> CachedScores:
        """Return which scores of a judge exist already, and which are still to be paid for.

            hits, misses = await store.cached_scores(ids, judge="closeness@1")

        Args:
            judge: Name and version: see `sapwood.judge_name`.
            rubric: A version, or a rubric as it came from the store; the current one by default.
            by_content: Where a node has no score of its own, take the one that this judge gave,
                under the same principle, to a node of the same content: the first by id that has
                one. It is a hit of the node that was asked for, and lent: the node's
                `rubric_score` does not follow. To keep it for the node, save the hits as its own:

                    await store.update_scores_batch(
                        PrincipleScore(node_id=n, principle_id=p, judge=judge, score=score)
                        for (n, p), score in hits.items()
                    )

        Returns:
            `hits`: score by (node_id, principle_id); `misses`: the pairs without one, a failed
            evaluation among them. Together they are each node with each principle of the rubric,
            those that weigh nothing too, in the order of `node_ids` and then of the rubric.
            Many are quicker as columns: see `CachedScores`.

        Raises:
            NotFoundError: The project has no such node or version, or no current rubric.

        Cost: two PostgreSQL statements, however many nodes; Neo4j is not asked. By content it also
            looks up each content that lacks a score, and the scores of all nodes that have it.
        """
        check = Arguments("cached_scores")
        lend = check.flag("by_content", by_content)
        wanted, by, version = check.node_ids(node_ids), check.judge(judge), check.rubric(rubric)
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.scores.cached(self._project_id, wanted, by, version, by_content=lend)
        )

    async def invalidation_preview(
        self,
        new_rubric: Rubric | int,
        *,
        judge: str | None = None,
        node_ids: Iterable[str] | None = None,
    ) -> InvalidationPreview:
        """Return what judging by a rubric would cost, before anybody pays; nothing is written.

        A principle whose key and text stood in an earlier version keeps its scores; any other is
        to be computed for every node.

        Args:
            new_rubric: One that need not be saved, or a saved version.
            judge: Whose scores are counted; the project's active judge by default.
            node_ids: The nodes to judge; by default all that have a score of this judge, under
                any principle.

        Raises:
            NotFoundError: There is no such node or version; or no judge was named, and the
                project has none before its first score.
            ValidationError, ConflictError: `rubrics.save` would refuse this rubric.

        Cost: two PostgreSQL statements, or three for a version; it counts there. Without `node_ids`
            it grows with the scores of the project.
        """
        check = Arguments("invalidation_preview")
        rubric = check.new_rubric(new_rubric)
        by = None if judge is None else check.judge(judge)
        wanted = None if node_ids is None else check.node_ids(node_ids)
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.scores.preview(self._project_id, rubric, by, wanted)
        )
