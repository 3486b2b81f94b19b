"""The public interface of an adapter, as a type: what the suite and the state machine use.

What each method promises is said by `sapwood.AsyncStorageAdapter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping
    from types import TracebackType

    from ..cached import CachedScores
    from ..graph import Key
    from ..loading import LoadedProject
    from ..model import (
        BranchStats,
        InvalidationPreview,
        Node,
        NodeStatus,
        PrincipleScore,
        Receipt,
        Rubric,
        Verification,
    )
    from ..nodes import Nodes, Score
    from ..rubric_model import RubricChanges, RubricDiff
    from ..samples import Agreement, LabelCandidate, LabeledSample
    from ..streaming import NodeStream


class RubricStore(Protocol):
    """`store.rubrics`."""

    async def save(self, rubric: Rubric) -> Rubric: ...
    async def activate(self, version: int, *, judge: str | None = None) -> None: ...
    async def current(self) -> Rubric | None: ...
    async def history(self) -> list[Rubric]: ...
    async def new_version(self, changes: RubricChanges, *, base: int | None = None) -> Rubric: ...
    async def get(self, version: int) -> Rubric: ...
    async def diff(self, old: int, new: int) -> RubricDiff: ...


class LabelStore(Protocol):
    """`store.labels`."""

    async def all(
        self, *, labeler: str | None = None, principle_id: str | None = None
    ) -> list[LabeledSample]: ...
    async def stale(self, rubric: int | Rubric | None = None) -> list[LabeledSample]: ...
    async def agreement(
        self, *, judge: str | None = None, rubric: int | Rubric | None = None
    ) -> list[Agreement]: ...
    async def next(self, n: int) -> list[LabelCandidate]: ...
    async def export_file(self, path: str | os.PathLike[str]) -> int: ...
    async def import_file(self, path: str | os.PathLike[str]) -> int: ...


class Store(Protocol):
    """One project, as an orchestrator sees it."""

    @property
    def rubrics(self) -> RubricStore: ...
    @property
    def labels(self) -> LabelStore: ...
    @property
    def project_id(self) -> str: ...
    @property
    def counts(self) -> Mapping[str, int]: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    async def close(self) -> None: ...

    async def save_nodes_batch(self, nodes: Iterable[Node]) -> None: ...
    async def update_status_batch(
        self, statuses: Mapping[str, NodeStatus], *, reason: str | None = None
    ) -> None: ...
    async def update_scores_batch(self, scores: Iterable[PrincipleScore]) -> None: ...
    async def add_labels_batch(self, samples: Iterable[LabeledSample]) -> None: ...
    async def prune(self, node_id: str, *, reason: str | None = None) -> None: ...
    async def save_state(self, state: Any) -> None: ...
    async def flush(self) -> Receipt: ...
    async def rejoin(self) -> None: ...
    async def rebuild_graph(self) -> None: ...
    async def verify(
        self, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification: ...
    async def delete_project(self) -> None: ...

    async def load_project(self, *, fields: Collection[str] | None = None) -> LoadedProject: ...
    async def load_state(self) -> Any: ...
    async def node(self, node_id: str) -> Node: ...
    async def nodes(
        self, node_ids: Iterable[str], *, fields: Collection[str] | None = None
    ) -> Nodes: ...
    async def children(
        self,
        node_id: str,
        *,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes: ...
    async def path(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes: ...
    async def ancestors(self, node_id: str, *, fields: Collection[str] | None = None) -> Nodes: ...
    async def subtree(
        self,
        node_id: str,
        *,
        max_depth: int | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes: ...
    async def alive_nodes(
        self,
        *,
        under: str | None = None,
        order_by: Key = "depth",
        descending: bool = False,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes: ...
    async def leaves(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        limit: int | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes: ...
    async def best_nodes(
        self,
        n: int,
        *,
        key: Score = "score",
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
    ) -> Nodes: ...
    async def branch_stats(self, node_id: str, *, key: Score = "score") -> BranchStats: ...
    def iter_nodes(
        self,
        *,
        under: str | None = None,
        status: NodeStatus | str | None = None,
        fields: Collection[str] | None = None,
        page: int = 1000,
    ) -> NodeStream: ...
    async def cached_scores(
        self,
        node_ids: Iterable[str],
        *,
        judge: str,
        rubric: int | Rubric | None = None,
        by_content: bool = False,
    ) -> CachedScores: ...
    async def invalidation_preview(
        self,
        new_rubric: Rubric | int,
        *,
        judge: str | None = None,
        node_ids: Iterable[str] | None = None,
    ) -> InvalidationPreview: ...
