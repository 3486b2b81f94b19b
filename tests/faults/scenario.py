"""A short search that uses everything, always the same, for faults to be put into.

It goes on from whatever is stored, as an orchestrator does, and a step that is done twice is done
once; so it comes to the same end however often it is cut short.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sapwood import (
    LabeledSample,
    Node,
    NodeStatus,
    NumberScale,
    Principle,
    PrincipleScore,
    Rubric,
    RubricChanges,
)
from sapwood.testing import MemoryAdapter, MemoryStores

if TYPE_CHECKING:
    from sapwood.testing.interface import Store

ROUNDS: Final = 3
JUDGE: Final = "length@1"
RUBRIC: Final = Rubric(
    principles=(
        Principle(id="p-short", key="short", text="Is it short?"),
        Principle(id="p-new", key="new", text="Is it new?"),
    )
)


def nodes(round_: int) -> list[Node]:
    """Four nodes, the first below one of the round before."""
    top = f"n{round_}.0"
    parents = [f"n{round_ - 1}.2" if round_ else None, top, top, top]
    return [
        Node(id=f"n{round_}.{at}", parent_id=parent, content=f"content {round_}.{at}")
        for at, parent in enumerate(parents)
    ]


def label(round_: int) -> LabeledSample:
    """What a person says of a node of the round."""
    return LabeledSample(
        id=f"label-{round_}",
        node_id=f"n{round_}.0",
        labeler="ann",
        label=round_ / 2,
        scale=NumberScale(0, 1),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def search(store: Store) -> None:
    """Do all of it; returns once everything is acknowledged."""
    rubric = await store.rubrics.save(RUBRIC)
    for round_ in range(ROUNDS):
        made = nodes(round_)
        await store.save_nodes_batch(made)
        await store.update_scores_batch(
            PrincipleScore(
                node_id=node.id, principle_id=principle.id, judge=JUDGE, score=float(round_)
            )
            for node in made[:2]
            for principle in rubric.principles
        )
        await store.update_status_batch({f"n{round_}.1": NodeStatus.COMPLETE})
        await store.prune(f"n{round_}.3", reason="dull")
        await store.save_state({"round": round_})
        await store.flush()
        await store.branch_stats(f"n{round_}.0")
        await store.add_labels_batch([label(round_)])
    await store.rubrics.new_version(RubricChanges(weights={"new": 2.0}))


async def expected() -> dict[str, Any]:
    """Return what `held` has to give after `search`, said by the memory."""
    async with MemoryAdapter(MemoryStores(), project_id="oracle") as store:
        await search(store)
        return await held(store)


async def held(store: Store) -> dict[str, Any]:
    """Return everything that is stored, and what the graph's own check comes to."""
    loaded = await store.load_project()
    check = await store.verify()
    return {
        "nodes": [node.model_dump(exclude={"seq", "created_at"}) for node in loaded.tree],
        "rubric": None
        if loaded.rubric is None
        else loaded.rubric.model_dump(exclude={"created_at"}),
        "scores": sorted(zip(loaded.scores.node_ids, loaded.scores.principle_ids, strict=True)),
        "labels": [each.model_dump() for each in loaded.labels],
        "versions": [dict(each.weights) for each in await store.rubrics.history()],
        "stats": [await store.branch_stats(node.id) for node in loaded.tree],
        "state": loaded.state,
        "graph": (check.ok, check.graph_nodes, check.journal_nodes),
    }
