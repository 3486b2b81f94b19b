"""A whole life of a project, for tests of what its statements have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sapwood import (
    AsyncStorageAdapter,
    LabeledSample,
    NodeStatus,
    NumberScale,
    Principle,
    PrincipleScore,
    Rubric,
)
from sapwood.testing import make_tree

if TYPE_CHECKING:
    from sapwood import Database, Graph

JUDGE = "judge@1"


async def live(db: Database, graph: Graph, project_id: str) -> None:
    """Do to a project what can be done to one, from its creation to its end."""
    async with AsyncStorageAdapter(db, graph, project_id=project_id) as store:
        nodes = make_tree(60, seed=1)
        await store.save_nodes_batch(nodes)
        await judge(store, [node.id for node in nodes])
        await store.save_state({"step": 1})
        await store.update_status_batch({nodes[2].id: NodeStatus.FAILED})
        await store.prune(nodes[1].id)
        await store.flush()
        await read(store, [node.id for node in nodes])
        await store.prune(nodes[0].id)
        await store.branch_stats(nodes[0].id)
        assert (await store.verify()).ok
        await store.rebuild_graph()
        assert len((await store.load_project()).tree) == len(nodes)
        await store.delete_project()


async def judge(store: AsyncStorageAdapter, ids: list[str]) -> None:
    rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
    key = rubric["a"].id
    await store.update_scores_batch(
        PrincipleScore(node_id=node_id, principle_id=key, judge=JUDGE, score=0.5) for node_id in ids
    )
    scale = NumberScale(0, 1)
    await store.add_labels_batch(
        [LabeledSample(node_id=ids[1], labeler="ann", label=0.5, scale=scale)]
    )


async def read(store: AsyncStorageAdapter, ids: list[str]) -> None:
    top = ids[0]
    await store.branch_stats(top)
    await store.cached_scores(ids, judge=JUDGE)
    await store.nodes(ids[:3])
    await store.children(top)
    await store.path(ids[-1])
    await store.subtree(top, limit=5)
    for under in (None, top):
        await store.alive_nodes(under=under)
        await store.leaves(under=under)
        await store.leaves(under=under, status="alive")
        await store.best_nodes(3, key="rubric_score", under=under)
    await store.best_nodes(3, status="alive")
    assert [node.id async for node in store.iter_nodes()]
