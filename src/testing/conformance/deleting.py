"""The graph made again from the journal, and projects deleted and made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import ClosedError, FencedError, NotFoundError
from ...model import Node, Principle, Rubric
from ...rubric_model import RubricChanges
from ..factories import make_tree
from .base import Conformance, chain

if TYPE_CHECKING:
    from .base import OpenStore


class DeletingConformance(Conformance):
    """`rebuild_graph`, `verify` and `delete_project`."""

    async def test_a_rebuilt_graph_is_the_same(self, open_store: OpenStore) -> None:
        store, reader = open_store(), open_store()
        await store.save_nodes_batch(make_tree(100, seed=5))
        await store.flush()
        await store.prune("node-000000", reason="why")
        await store.save_nodes_batch([Node(id="later", parent_id="node-000000", content="")])
        before = [*(await store.load_project()).tree]
        await store.rebuild_graph()
        assert [*(await store.load_project()).tree] == before
        assert [*(await reader.load_project()).tree] == before

    async def test_a_graph_that_follows_its_journal_verifies_at_its_head(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            assert (await store.verify()).ok
            await store.save_nodes_batch(make_tree(100, seed=5))
            await store.prune("node-000000")
            steps: list[tuple[int, int]] = []
            found = await store.verify(lambda done, of: steps.append((done, of)))
            assert (found.ok, found.differences) == (True, ())
            assert (found.journal_nodes, found.graph_nodes, steps[-1]) == (100, 100, (100, 100))
            assert found.seq == (await store.flush()).seq

    async def test_a_rebuild_stores_what_is_pending_first(self, open_store: OpenStore) -> None:
        store = open_store(flush_interval_s=60)
        await store.save_nodes_batch(chain("a"))
        await store.rebuild_graph()
        assert (await open_store(mode="read").node("a")).seq == 1

    async def test_a_rubric_edit_never_lands_in_a_project_made_again(
        self, open_store: OpenStore
    ) -> None:
        old = open_store()
        await old.rubrics.save(Rubric(principles=(Principle(key="old"),)))
        await open_store().delete_project()
        new = open_store()
        await new.rubrics.save(Rubric(principles=(Principle(key="new"),)))
        for edit in (
            old.rubrics.save(Rubric(principles=(Principle(key="late"),))),
            old.rubrics.new_version(RubricChanges(texts={"late": ""})),
            old.rubrics.activate(1),
        ):
            with pytest.raises(NotFoundError):
                await edit
        assert [
            [each.key for each in version.principles] for version in await new.rubrics.history()
        ] == [["new"]]

    async def test_a_deleted_project_is_gone_and_its_name_is_free(
        self, open_store: OpenStore
    ) -> None:
        store = open_store(title="old")
        await store.save_nodes_batch(chain("a", "b"))
        await store.rubrics.save(Rubric(principles=(Principle(key="p"),)))
        await store.save_state({"round": 1})
        await store.flush()
        await store.delete_project()
        with pytest.raises(ClosedError):
            await store.load_project()
        with pytest.raises(NotFoundError):
            await open_store(mode="read").load_project()
        async with open_store(title="new") as anew:
            loaded = await anew.load_project()
            assert (len(loaded.tree), loaded.rubric, loaded.state) == (0, None, None)
            assert loaded.project.title == "new"
            assert (await anew.flush()).seq == 0
            await anew.save_nodes_batch([Node(id="a", content="another")])
            assert (await anew.flush()).seq == 1
            assert (await anew.node("a")).content == "another"

    async def test_what_is_pending_is_dropped_with_its_project(self, open_store: OpenStore) -> None:
        store = open_store(flush_interval_s=60)
        await store.save_nodes_batch(chain("a"))
        await store.delete_project()
        assert len((await open_store().load_project()).tree) == 0

    async def test_a_project_that_is_not_there_cannot_be_deleted(
        self, open_store: OpenStore
    ) -> None:
        with pytest.raises(NotFoundError):
            await open_store().delete_project()

    @pytest.mark.parametrize("made_anew", [False, True])
    async def test_other_adapters_of_a_deleted_project_are_told_and_store_nothing(
        self, open_store: OpenStore, *, made_anew: bool
    ) -> None:
        owner, worker = (open_store(mode=mode, flush_interval_s=60) for mode in ("own", "join"))
        reader, anew = open_store(mode="read"), open_store()
        for store in (owner, worker):
            await store.save_nodes_batch([Node(content="stored")])
            await store.flush()
            await store.save_nodes_batch([Node(content="late")])
        assert len((await reader.load_project()).tree) == 2
        await open_store().delete_project()
        if made_anew:
            await anew.save_nodes_batch(chain("new"))
            await anew.flush()
        for store in (owner, worker):
            with pytest.raises((NotFoundError, FencedError)):
                await store.flush()
            with pytest.raises((NotFoundError, FencedError)):
                await store.load_project()
            with pytest.raises((NotFoundError, FencedError)):
                await store.rejoin()
            with pytest.raises((NotFoundError, FencedError)):
                await store.close()
        assert (await anew.load_project()).tree.roots.ids == (["new"] if made_anew else [])

    async def test_a_reader_of_a_deleted_project_is_told_also_when_it_is_made_anew(
        self, open_store: OpenStore
    ) -> None:
        for made_anew in (False, True):
            reader, anew = open_store(), open_store()
            assert len((await reader.load_project()).tree) == 0
            await open_store().delete_project()
            if made_anew:
                await anew.save_nodes_batch(chain("new"))
                await anew.flush()
            with pytest.raises(NotFoundError):
                await reader.load_project()

    async def test_no_read_takes_a_project_made_anew_for_the_one_that_was_opened(
        self, open_store: OpenStore
    ) -> None:
        rubric = Rubric(principles=(Principle(key="a"),))
        old, new = open_store(), open_store()
        for store in (old, new):
            await store.save_nodes_batch([Node(id="top", content="")])
            await store.rubrics.save(rubric)
            await store.save_state({"made by": "each"})
            await store.flush()
            if store is old:
                await open_store().delete_project()
        for read in (
            lambda: old.load_state(),
            lambda: old.branch_stats("top"),
            lambda: old.cached_scores(["top"], judge="j@1"),
            lambda: old.invalidation_preview(1, judge="j@1"),
            lambda: old.rubrics.current(),
            lambda: old.rubrics.history(),
            lambda: old.rubrics.get(1),
            lambda: old.rubrics.diff(1, 1),
            lambda: old.labels.all(),
            lambda: old.labels.stale(),
            lambda: old.labels.next(1),
            lambda: old.node("top"),
        ):
            with pytest.raises(NotFoundError):
                await read()
        assert await new.load_state() == {"made by": "each"}

    async def test_a_writer_that_had_not_flushed_stores_nothing_in_a_project_made_anew(
        self, open_store: OpenStore
    ) -> None:
        for mode in ("own", "join"):
            late, anew = open_store(mode=mode, flush_interval_s=60), open_store()
            await late.save_nodes_batch(chain("late"))
            await open_store().delete_project()
            await anew.save_nodes_batch(chain("new"))
            await anew.flush()
            with pytest.raises((NotFoundError, FencedError)):
                await late.flush()
            with pytest.raises((NotFoundError, FencedError)):
                await late.close()
            assert (await anew.load_project()).tree.roots.ids == ["new"]
