"""Owners, joined workers and readers of one project: who may write, and who is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import (
    FencedError,
    Node,
    NotFoundError,
    Principle,
    ReadOnlyError,
    RejectedItemsError,
    Rubric,
    ValidationError,
)

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter

    from ...conftest import OpenStore


async def save(store: AsyncStorageAdapter, *names: str) -> None:
    await store.save_nodes_batch([Node(id=name, content=name) for name in names])


async def ids(store: AsyncStorageAdapter) -> list[str]:
    tree = (await store.load_project()).tree
    return sorted(node.id for node in tree)


async def test_the_newer_owner_fences_the_older_when_it_writes_and_not_when_it_opens(
    open_store: OpenStore,
) -> None:
    older, newer = open_store(), open_store()
    await save(older, "a")
    await older.flush()
    assert await ids(newer) == ["a"]
    await save(older, "b")
    await older.flush()
    await save(newer, "c")
    await newer.flush()
    await save(older, "d", "e")
    with pytest.raises(FencedError, match=r"2 item\(s\) of this one are not stored \(d, e\)"):
        await older.flush()
    with pytest.raises(FencedError):
        await save(older, "f")
    with pytest.raises(FencedError):
        await older.close()
    assert await ids(newer) == ["a", "b", "c"]


async def test_joined_workers_write_side_by_side_with_the_owner(open_store: OpenStore) -> None:
    owner, *workers = [open_store(), *(open_store(mode="join") for _ in range(3))]
    await save(owner, "root")
    await owner.flush()
    for name, store in zip("abcd", [*workers, owner], strict=True):
        await store.save_nodes_batch([Node(id=name, parent_id="root", content="")])
        assert (await store.flush()).applied
    assert await ids(workers[0]) == ["a", "b", "c", "d", "root"]


async def test_workers_may_join_a_project_that_nobody_owns_yet(open_store: OpenStore) -> None:
    one, two, owner = open_store(mode="join"), open_store(mode="join"), open_store()
    for name, store in {"a": one, "b": two}.items():
        await save(store, name)
        await store.flush()
    await save(owner, "c")
    await owner.flush()
    await save(one, "d")
    with pytest.raises(FencedError):
        await one.flush()
    await one.rejoin()
    await one.flush()
    assert await ids(owner) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("mode", ["own", "join"])
async def test_a_fenced_writer_rejoins_with_what_was_pending(
    open_store: OpenStore, mode: str
) -> None:
    first = open_store(mode="own" if mode == "own" else "join", max_pending=4)
    await save(first, "a")
    await first.flush()
    owner = open_store()
    await save(owner, "b")
    await owner.flush()
    await save(first, "c", "d")
    with pytest.raises(FencedError) as fenced:
        await first.flush()
    assert fenced.value.pending == ("c", "d")
    await first.rejoin()
    await first.rejoin()
    await save(first, "e", "f", "g")
    receipt = await first.flush()
    assert (receipt.nodes, receipt.applied) == (5, True)
    await save(owner, "h")
    if mode == "own":
        with pytest.raises(FencedError):
            await owner.flush()
        await owner.rejoin()
    assert await ids(owner) == ["a", "b", "c", "d", "e", "f", "g", "h"]


async def test_what_became_impossible_while_a_writer_was_fenced_is_named_when_it_rejoins(
    open_store: OpenStore,
) -> None:
    first, owner = open_store(flush_interval_s=60), open_store()
    await save(first, "a")
    await first.flush()
    await first.save_nodes_batch([Node(id="same", content="first"), Node(id="fine", content="")])
    await owner.save_nodes_batch([Node(id="same", content="owner")])
    await owner.flush()
    with pytest.raises(FencedError):
        await first.flush()
    await first.rejoin()
    with pytest.raises(RejectedItemsError, match="node same"):
        await first.flush()
    assert await ids(owner) == ["a", "fine", "same"]


async def test_a_reader_changes_nothing_and_fences_nobody(open_store: OpenStore) -> None:
    writer, reader = open_store(), open_store(mode="read")
    await save(writer, "a")
    await writer.flush()
    assert await ids(reader) == ["a"]
    writes = [
        save(reader, "b"),
        reader.update_status_batch({}),
        reader.update_scores_batch([]),
        reader.prune("a"),
        reader.save_state(1),
        reader.rubrics.save(Rubric(principles=(Principle(key="k"),))),
        reader.rubrics.activate(1),
        reader.rejoin(),
        reader.rebuild_graph(),
        reader.delete_project(),
    ]
    for write in writes:
        with pytest.raises(ReadOnlyError, match="opened to read"):
            await write
    await save(writer, "b")
    await writer.flush()


async def test_a_reader_of_no_project_is_told_and_makes_none(open_store: OpenStore) -> None:
    for _ in range(2):
        with pytest.raises(NotFoundError, match="there is no project"):
            await open_store(mode="read").load_project()


def test_another_mode_is_refused_by_name(open_store: OpenStore) -> None:
    with pytest.raises(ValidationError, match="mode must be one of own, join, read"):
        open_store(mode="steal")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
