"""A project goes back to an earlier revision of the tables and up again with all that is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command

from sapwood import (
    AsyncStorageAdapter,
    Database,
    LabeledSample,
    Node,
    NumberScale,
    Principle,
    PrincipleScore,
    Rubric,
    RubricChanges,
)
from sapwood.relational import schema

from ..relational.test_database import own_database

if TYPE_CHECKING:
    from sapwood import Graph
    from sapwood.servers import Endpoints

JUDGE = "length@1"
EARLIER = ["0005", "0004", "0003", "0002", "0001"]


async def fill(store: AsyncStorageAdapter) -> None:
    rubric = await store.rubrics.save(
        Rubric(principles=(Principle(key="a"), Principle(key="b", text="Is it?")))
    )
    nodes = [Node(id="r", content="same", score=0.5)]
    nodes += [Node(id=f"n{at}", parent_id="r", content=f"{at % 3}") for at in range(7)]
    await store.save_nodes_batch(nodes)
    await store.update_scores_batch(
        PrincipleScore(node_id=node.id, principle_id=each.id, judge=JUDGE, score=at / 8)
        for at, node in enumerate(nodes[:5])
        for each in rubric.principles
    )
    await store.prune("n6", reason="dull")
    await store.save_state({"round": 1})
    await store.rubrics.new_version(RubricChanges(weights={"a": 3}))
    label = LabeledSample(content="same", labeler="ann", label=0.5, scale=NumberScale(0, 1))
    await store.add_labels_batch([label])
    await store.flush()


async def held(store: AsyncStorageAdapter) -> dict[str, Any]:
    """Return what is in the project; of a label, what the first revision keeps too."""
    loaded = await store.load_project()
    cached = await store.cached_scores(["n3", "n6"], judge=JUDGE, by_content=True)
    return {
        "project": loaded.project,
        "nodes": list(loaded.tree),
        "rubrics": await store.rubrics.history(),
        "scores": loaded.scores,
        "labels": [(each.id, each.content, each.labeler) for each in loaded.labels],
        "state": loaded.state,
        "stats": [await store.branch_stats(each) for each in ("r", "n6")],
        "lent": (cached.hits, cached.misses),
    }


@pytest.mark.parametrize("revision", EARLIER)
async def test_nothing_is_lost_by_an_upgrade(
    revision: str, servers: Endpoints, graph: Graph, project_id: str
) -> None:
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        async with AsyncStorageAdapter(database, graph, project_id=project_id) as store:
            await fill(store)
            before = await held(store)
        assert before["lent"][0], "a content is there twice"

        async with database.transaction() as connection:
            await connection.run_sync(lambda sync: command.downgrade(schema.config(sync), revision))
        await database.create_tables()

        async with AsyncStorageAdapter(database, graph, project_id=project_id) as store:
            assert await held(store) == before
            await store.save_nodes_batch([Node(id="new", parent_id="r", content="same")])
            assert (await store.branch_stats("r")).nodes == 9
        await database.close()


def test_every_earlier_revision_is_tried() -> None:
    assert {*EARLIER, schema.head()} == schema.revisions()
