"""Every public call of an adapter, on a project of some size, with as many items as it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from sapwood import (
    AsyncStorageAdapter,
    Database,
    FencedError,
    Graph,
    LabeledSample,
    Node,
    NodeStatus,
    NumberScale,
    Principle,
    PrincipleScore,
    Rubric,
    RubricChanges,
    new_id,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sapwood.settings import Mode

JUDGE: Final = "judge@1"
QUIET: Final[dict[str, Any]] = {"flush_at": 5_000, "flush_interval_s": 3_600.0}
"""No automatic flush: what is sent then follows from the calls alone."""


@dataclass
class Planted:
    """A project with a chain of `size` nodes, and as many children of the first, all scored.

    Attributes:
        key: Id of the one principle that all versions of the rubric share.
        versions: How many there are.
    """

    db: Database
    graph: Graph
    store: AsyncStorageAdapter
    size: int
    folder: Path
    chain: list[str]
    children: list[str]
    key: str = ""
    versions: int = 0

    def another(self, *, mode: Mode = "own", project_id: str = "") -> AsyncStorageAdapter:
        """Return an adapter of the same project, or of another one; close it."""
        project = project_id or self.store.project_id
        return AsyncStorageAdapter(self.db, self.graph, project_id=project, mode=mode, **QUIET)

    def elsewhere(self) -> AsyncStorageAdapter:
        """Return an adapter of a new project."""
        return self.another(project_id=f"calls.{uuid4().hex[:16]}")

    def grown(self) -> list[Node]:
        """Return `size` new nodes below the first one."""
        return [Node(parent_id=self.chain[0], content=f"{at}") for at in range(self.size)]

    def scores(self, number: float) -> list[PrincipleScore]:
        """Return a score for each of the children."""
        given: dict[str, Any] = {"principle_id": self.key, "judge": JUDGE, "score": number}
        return [PrincipleScore(node_id=each, **given) for each in self.children]

    def labels(self) -> list[LabeledSample]:
        """Return a label for each of the children."""
        given: dict[str, Any] = {"labeler": "ann", "label": 0.5, "scale": NumberScale(0, 1)}
        return [LabeledSample(node_id=each, **given) for each in self.children]


async def planted(db: Database, graph: Graph, size: int, folder: Path) -> Planted:
    """Make a project of that size; close its store."""
    chain, children = [new_id() for _ in range(size)], [new_id() for _ in range(size)]
    options: dict[str, Any] = {"project_id": f"calls.{uuid4().hex[:16]}", **QUIET}
    store = AsyncStorageAdapter(db, graph, **options)
    project = Planted(db, graph, store, size, folder, chain, children)
    parents = [None, *chain]
    for version in range(max(1, size // 2)):
        wanted = Rubric(principles=(Principle(key="a"), Principle(key="b", text=f"{version}")))
        saved = await store.rubrics.save(wanted)
        project.key, project.versions = saved["a"].id, saved.version or 0
    nodes = [Node(id=each, parent_id=parents[at], content="") for at, each in enumerate(chain)]
    nodes += [Node(id=each, parent_id=chain[0], content=each, score=1.0) for each in children]
    await store.save_nodes_batch(nodes)
    await store.update_scores_batch(project.scores(0.5))
    await store.add_labels_batch(project.labels())
    await store.flush()
    return project


async def settled(store: AsyncStorageAdapter) -> None:
    """Wait until the graph has all, and nobody looks for more."""
    session = await store._ready()
    await store.alive_nodes(limit=1)
    while session.delivery._trying or session.delivery._wake.is_set():
        await session.projects.head(session.project_id)


async def save_nodes(project: Planted) -> None:
    await project.store.save_nodes_batch(project.grown())
    async with project.another(mode="join") as stranger:  # which has to look all of them up
        known = [
            Node(id=each, parent_id=project.chain[0], content=each) for each in project.children
        ]
        await stranger.save_nodes_batch(known)
    await project.store.flush()


async def update_status(project: Planted) -> None:
    for status in (NodeStatus.FAILED, NodeStatus.ALIVE):
        await project.store.update_status_batch(dict.fromkeys(project.children, status))
        await project.store.flush()


async def update_scores(project: Planted) -> None:
    await project.store.update_scores_batch(project.scores(0.25))
    await project.store.flush()


async def prune(project: Planted) -> None:
    top = Node(content="")
    below = [Node(parent_id=top.id, content="") for _ in range(project.size)]
    await project.store.save_nodes_batch([top, *below])
    await project.store.prune(top.id)
    await project.store.flush()


async def save_state(project: Planted) -> None:
    await project.store.save_state(["x"] * project.size)
    await project.store.flush()


async def close(project: Planted) -> None:
    store = project.another(mode="join")
    await store.save_nodes_batch(project.grown())
    await store.close()


async def rejoin(project: Planted) -> None:
    async with project.elsewhere() as store:
        top = Node(content="")
        await store.save_nodes_batch([top])
        await store.flush()
        async with project.another(project_id=store.project_id) as newer:
            await newer.save_nodes_batch([Node(content="")])
            await newer.flush()
        below = [Node(parent_id=top.id, content="") for _ in range(project.size)]
        await store.save_nodes_batch(below)
        with pytest.raises(FencedError):
            await store.flush()
        await store.rejoin()
        await store.flush()


async def delete_project(project: Planted) -> None:
    store = project.elsewhere()
    await store.save_nodes_batch([Node(content="") for _ in range(project.size)])
    await store.flush()
    await store.delete_project()


async def branch_stats(project: Planted) -> None:
    await project.store.branch_stats(project.chain[0])
    await save_nodes(project)
    await project.store.branch_stats(project.chain[-1])


async def iter_nodes(project: Planted) -> None:
    for under in (None, project.chain[0]):
        async for _ in project.store.iter_nodes(under=under):
            pass


async def cached_scores(project: Planted) -> None:
    for lend in (False, True):
        await project.store.cached_scores(project.children, judge=JUDGE, by_content=lend)


async def invalidation_preview(project: Planted) -> None:
    wanted = Rubric(principles=(Principle(key="a"), Principle(key="new")))
    await project.store.invalidation_preview(wanted)
    await project.store.invalidation_preview(1, node_ids=project.children)


async def new_version(project: Planted) -> None:
    texts = {"b": new_id()}
    await project.store.rubrics.new_version(RubricChanges(texts=texts))


async def save_rubric(project: Planted) -> None:
    wanted = tuple(Principle(key=f"k{at}", text=new_id()) for at in range(project.size))
    await project.store.rubrics.save(Rubric(principles=(Principle(key="a"), *wanted)))


async def import_file(project: Planted) -> None:
    await project.store.labels.export_file(project.folder / "labels.jsonl")
    await project.store.labels.import_file(project.folder / "labels.jsonl")


CALLS: Final[dict[str, Callable[[Planted], Awaitable[Any]]]] = {
    "add_labels_batch": lambda project: project.store.add_labels_batch(project.labels()),
    "alive_nodes": lambda project: project.store.alive_nodes(under=project.chain[0]),
    "ancestors": lambda project: project.store.ancestors(project.chain[-1]),
    "best_nodes": lambda project: project.store.best_nodes(project.size),
    "branch_stats": branch_stats,
    "cached_scores": cached_scores,
    "children": lambda project: project.store.children(project.chain[0]),
    "close": close,
    "delete_project": delete_project,
    "flush": lambda project: project.store.flush(),
    "invalidation_preview": invalidation_preview,
    "iter_nodes": iter_nodes,
    "labels.agreement": lambda project: project.store.labels.agreement(),
    "labels.all": lambda project: project.store.labels.all(),
    "labels.export_file": lambda project: project.store.labels.export_file(
        project.folder / "labels.csv"
    ),
    "labels.import_file": import_file,
    "labels.next": lambda project: project.store.labels.next(project.size),
    "labels.stale": lambda project: project.store.labels.stale(),
    "leaves": lambda project: project.store.leaves(),
    "load_project": lambda project: project.store.load_project(),
    "load_state": lambda project: project.store.load_state(),
    "node": lambda project: project.store.node(project.chain[-1]),
    "nodes": lambda project: project.store.nodes(project.children),
    "path": lambda project: project.store.path(project.chain[-1]),
    "prune": prune,
    "rebuild_graph": lambda project: project.store.rebuild_graph(),
    "rejoin": rejoin,
    "rubrics.activate": lambda project: project.store.rubrics.activate(project.versions),
    "rubrics.current": lambda project: project.store.rubrics.current(),
    "rubrics.diff": lambda project: project.store.rubrics.diff(1, project.versions),
    "rubrics.get": lambda project: project.store.rubrics.get(project.versions),
    "rubrics.history": lambda project: project.store.rubrics.history(),
    "rubrics.new_version": new_version,
    "rubrics.save": save_rubric,
    "save_nodes_batch": save_nodes,
    "save_state": save_state,
    "subtree": lambda project: project.store.subtree(project.chain[0]),
    "update_scores_batch": update_scores,
    "update_status_batch": update_status,
    "verify": lambda project: project.store.verify(),
}
