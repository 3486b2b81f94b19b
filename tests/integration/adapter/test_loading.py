"""How often loading a project asks PostgreSQL: as often for a large one as for a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from sapwood import LabeledSample, NumberScale, Principle, PrincipleScore, Rubric
from sapwood.testing import make_tree

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter, Database

    from ...conftest import OpenStore


async def fill(store: AsyncStorageAdapter, size: int) -> None:
    one = NumberScale(0, 1)
    nodes = make_tree(size, seed=1)
    await store.save_nodes_batch(nodes)
    for version in range(size // 50 + 1):
        rubric = await store.rubrics.save(
            Rubric(principles=(Principle(key="a", text=f"{version}"),))
        )
        principle_id = rubric["a"].id
        await store.update_scores_batch(
            PrincipleScore(node_id=node.id, principle_id=principle_id, judge="j@1", score=0.5)
            for node in nodes
        )
    await store.add_labels_batch(
        LabeledSample(node_id=node.id, labeler="ann", label=0.5, scale=one) for node in nodes
    )
    await store.flush()


async def test_the_statements_of_load_project_do_not_grow_with_it(
    open_store: OpenStore, database: Database
) -> None:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    counts: list[int] = []
    for size in (1, 300):
        async with open_store(f"{size}.{open_store().project_id[-30:]}") as store:
            await fill(store, size)
            event.listen(database.engine.sync_engine, "before_cursor_execute", note)
            sent.clear()
            loaded = await store.load_project()
            counts.append(len(sent))
            event.remove(database.engine.sync_engine, "before_cursor_execute", note)
            assert (len(loaded.tree), len(loaded.labels)) == (
                size,
                len({*loaded.tree.column("content")}),
            )
            assert len(loaded.principles) == size // 50 + 1
    assert counts == [5, 5]
