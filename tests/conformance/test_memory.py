"""The adapter in memory keeps the promises of the real one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter, ClosedError, Node
from sapwood.rubrics import Rubrics
from sapwood.testing import MemoryAdapter, MemoryStores, make_tree
from sapwood.testing.conformance import StoreConformance
from sapwood.testing.memory_rubrics import MemoryRubrics

if TYPE_CHECKING:
    from typing import Unpack

    from sapwood.settings import Mode, Options
    from sapwood.testing.conformance import MakeStore


class TestMemory(StoreConformance):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        stores = MemoryStores()

        def make(
            project_id: str,
            *,
            title: str = "",
            mode: Mode = "own",
            **options: Unpack[Options],
        ) -> MemoryAdapter:
            return MemoryAdapter(stores, project_id=project_id, title=title, mode=mode, **options)

        return make


async def test_a_crash_loses_what_is_pending_and_nothing_that_was_flushed() -> None:
    stores = MemoryStores()
    store = MemoryAdapter(stores, project_id="p", flush_interval_s=60)
    await store.save_nodes_batch([Node(id="flushed", content="")])
    await store.flush()
    await store.save_nodes_batch([Node(id="pending", content="")])
    store.crash()
    with pytest.raises(ClosedError):
        await store.flush()
    async with MemoryAdapter(stores, project_id="p") as again:
        assert (await again.load_project()).tree.roots.ids == ["flushed"]


async def test_adapters_over_other_stores_see_nothing_of_each_other() -> None:
    async with MemoryAdapter(MemoryStores(), project_id="p") as one:
        await one.save_nodes_batch([Node(content="")])
        await one.flush()
        async with MemoryAdapter(MemoryStores(), project_id="p") as other:
            assert len((await other.load_project()).tree) == 0


def test_trees_of_equal_seeds_are_equal() -> None:
    assert make_tree(50, seed=1) == make_tree(50, seed=1)
    assert make_tree(50, seed=1) != make_tree(50, seed=2)


def public(kind: type) -> dict[str, inspect.Signature]:
    """What a user can call, and how."""
    found = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {name: inspect.signature(each) for name, each in found.items() if callable(each)}


@pytest.mark.parametrize(
    ("real", "memory"), [(AsyncStorageAdapter, MemoryAdapter), (Rubrics, MemoryRubrics)]
)
def test_memory_has_each_public_method_with_the_same_parameters(real: type, memory: type) -> None:
    wanted, there = public(real), public(memory)
    assert {name: str(there.get(name)) for name in wanted} == {
        name: str(signature) for name, signature in wanted.items()
    }
