"""Who may write: the newest owner, those who joined it, and nobody who only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import FencedError, NotFoundError, ReadOnlyError, RejectedItemsError
from ...model import Node, NodeStatus, Principle, Rubric
from .base import Conformance, chain

if TYPE_CHECKING:
    from ..interface import Store
    from .base import OpenStore


async def contents(store: Store) -> list[str]:
    """Return the contents of all nodes, sorted."""
    return sorted(node.content for node in (await store.load_project()).tree)


async def write(store: Store, content: str) -> None:
    """Save a node and flush."""
    await store.save_nodes_batch([Node(content=content)])
    await store.flush()


class WritersConformance(Conformance):
    """`mode`, fencing, `rejoin`."""

    async def test_the_newer_writer_fences_the_older_and_nothing_of_it_is_stored(
        self, open_store: OpenStore
    ) -> None:
        """Hazard A5: the last one to write owns the project."""
        old, new = open_store(), open_store()
        await write(old, "first")
        await write(new, "second")
        late = Node(content="late")
        await old.save_nodes_batch([late])
        with pytest.raises(FencedError, match=late.id):
            await old.flush()
        with pytest.raises(FencedError):
            await old.save_nodes_batch([Node(content="later")])
        with pytest.raises(FencedError):
            await old.load_project()
        with pytest.raises(FencedError):
            await old.close()
        assert await contents(new) == ["first", "second"]

    async def test_a_fenced_writer_names_all_that_it_has_not_stored(
        self, open_store: OpenStore
    ) -> None:
        old, new = open_store(flush_at=5_000, flush_interval_s=60.0), open_store()
        await write(old, "")
        await write(new, "")
        late = [Node(content="") for _ in range(5_100)]  # more than one batch
        await old.save_nodes_batch(late)
        with pytest.raises(FencedError) as fenced:
            await old.close()
        assert fenced.value.pending == tuple(node.id for node in late)

    async def test_a_kept_error_does_not_grow_with_each_call_that_raises_it(
        self, open_store: OpenStore
    ) -> None:
        old, new = open_store(), open_store()
        await write(old, "")
        await write(new, "")
        await old.save_nodes_batch([Node(content="late")])
        lengths: list[int] = []
        for _ in range(10):
            with pytest.raises(FencedError) as fenced:
                await old.flush()
            lengths.append(len(fenced.traceback))
        with pytest.raises(FencedError):
            await old.close()
        assert lengths[-1] <= lengths[0]

    async def test_reading_takes_nothing_over(self, open_store: OpenStore) -> None:
        old, reader = open_store(), open_store()
        await write(old, "first")
        assert len((await reader.load_project()).tree) == 1
        await write(old, "second")
        assert len((await reader.load_project()).tree) == 2

    async def test_those_who_join_write_side_by_side_with_the_owner(
        self, open_store: OpenStore
    ) -> None:
        owner = open_store()
        await write(owner, "owner")
        workers = [open_store(mode="join"), open_store(mode="join")]
        for round_ in range(2):
            for number, worker in enumerate(workers):
                await write(worker, f"{number}.{round_}")
        await write(owner, "owner again")
        assert await contents(owner) == ["0.0", "0.1", "1.0", "1.1", "owner", "owner again"]

    async def test_those_who_join_need_no_owner_and_the_first_one_fences_them(
        self, open_store: OpenStore
    ) -> None:
        worker, owner = open_store(mode="join"), open_store()
        await write(worker, "before")
        await write(owner, "owner")
        await worker.save_nodes_batch([Node(id="late", content="late")])
        with pytest.raises(FencedError, match="late"):
            await worker.flush()
        await worker.rejoin()
        await worker.flush()
        await write(owner, "owner again")
        assert await contents(owner) == ["before", "late", "owner", "owner again"]

    async def test_a_fenced_writer_that_rejoins_stores_what_is_pending_and_owns_again(
        self, open_store: OpenStore
    ) -> None:
        old, new = open_store(), open_store()
        await write(old, "first")
        await write(new, "second")
        await old.save_nodes_batch([Node(id="late", content="late")])
        with pytest.raises(FencedError):
            await old.flush()
        await old.rejoin()
        assert (await old.flush()).nodes == 1
        await new.save_nodes_batch([Node(content="never")])
        with pytest.raises(FencedError):
            await new.close()
        assert await contents(old) == ["first", "late", "second"]

    async def test_what_became_impossible_meanwhile_is_named_after_a_rejoin(
        self, open_store: OpenStore
    ) -> None:
        old, new = open_store(flush_interval_s=60), open_store()
        await write(old, "first")
        await old.save_nodes_batch([Node(id="same", content="old"), Node(id="fine", content="f")])
        await new.save_nodes_batch([Node(id="same", content="new")])
        await new.flush()
        with pytest.raises(FencedError):
            await old.flush()
        await old.rejoin()
        with pytest.raises(RejectedItemsError, match="node same"):
            await old.flush()
        assert await contents(old) == ["f", "first", "new"]

    async def test_a_full_buffer_has_room_again_after_a_rejoin(self, open_store: OpenStore) -> None:
        old, new = open_store(max_pending=4, flush_interval_s=60), open_store()
        await write(old, "first")
        await write(new, "second")
        await old.save_nodes_batch(chain("a", "b"))
        with pytest.raises(FencedError) as fenced:
            await old.flush()
        assert fenced.value.pending == ("a", "b")
        await old.rejoin()
        await old.rejoin()
        await old.save_nodes_batch(chain("c", "d", "e", under="b"))
        assert (await old.flush()).nodes == 5
        assert (await old.path("e")).ids == ["a", "b", "c", "d", "e"]

    async def test_a_writer_that_was_not_fenced_rejoins_without_effect(
        self, open_store: OpenStore
    ) -> None:
        one, other = open_store(), open_store()
        await write(one, "one")
        await other.rejoin()
        await write(one, "one again")
        assert await contents(other) == ["one", "one again"]

    async def test_a_reader_sees_everything_and_writes_nothing(self, open_store: OpenStore) -> None:
        writer = open_store()
        await writer.save_nodes_batch(chain("a", "b"))
        rubric = Rubric(principles=(Principle(key="p"),))
        await writer.rubrics.save(rubric)
        await writer.flush()
        async with open_store(mode="read") as reader:
            assert (await reader.path("b")).ids == ["a", "b"]
            for write_ in (
                lambda: reader.save_nodes_batch([Node(content="")]),
                lambda: reader.update_status_batch({"a": NodeStatus.FAILED}),
                lambda: reader.update_scores_batch([]),
                lambda: reader.prune("a"),
                lambda: reader.save_state(1),
                lambda: reader.rubrics.save(rubric),
                lambda: reader.rubrics.activate(1),
                lambda: reader.rejoin(),
                lambda: reader.rebuild_graph(),
                lambda: reader.delete_project(),
            ):
                with pytest.raises(ReadOnlyError, match="opened to read"):
                    await write_()
            assert (await reader.flush()).nodes == 0
            await write(writer, "later")
            assert len((await reader.load_project()).tree) == 3

    async def test_a_project_that_is_not_there_is_not_made_by_reading(
        self, open_store: OpenStore
    ) -> None:
        reader = open_store(mode="read")
        for _ in range(2):
            with pytest.raises(NotFoundError, match="no project"):
                await reader.load_project()
