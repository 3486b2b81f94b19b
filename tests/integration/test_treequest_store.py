"""Searches of treequest in the real stores: stored, loaded, restored, gone on with."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from treequest import ABMCTSA, StandardMCTS
from treequest.algos.best_first_search import BestFirstSearchAlgo

from sapwood import ConflictError, FencedError, NodeStatus, ValidationError
from sapwood.integrations.treequest import RestoreError, TreeQuestStore

from ..unit.integrations.searches import ACTIONS, ALGORITHMS, facts, grow, grown

if TYPE_CHECKING:
    from sapwood import AsyncStorageAdapter

    from ..conftest import OpenStore


async def store_search(
    store: AsyncStorageAdapter, algorithm: Any, tells: int, name: str = "s", **options: Any
) -> Any:
    search = TreeQuestStore[str](store, name)
    state = await search.restore(algorithm)
    for number, grown_state in enumerate(grow(algorithm, tells, state=state, **options)):
        state = grown_state
        if number % 3 == 0:
            await search.save(state)
    await search.save(state)
    await store.flush()
    return state


@pytest.mark.parametrize("name", ALGORITHMS)
async def test_a_search_is_stored_loaded_and_restored_equal(
    name: str, open_store: OpenStore
) -> None:
    state = await store_search(open_store(flush_at=7), ALGORITHMS[name](), 100)
    restored = await TreeQuestStore[str](open_store(), "s").restore(ALGORITHMS[name]())
    assert facts(restored) == facts(state)


@pytest.mark.parametrize("name", ALGORITHMS)
async def test_a_restored_search_goes_on_and_is_restored_again(
    name: str, open_store: OpenStore
) -> None:
    algorithm = ALGORITHMS[name]()
    unbroken = grown(algorithm, 60, seed=3, batch=1)
    for part in (20, 20, 20):
        state = await store_search(open_store(), algorithm, part, seed=3, batch=1)
    assert len(state.tree) == len(unbroken.tree) == 61
    restored = await TreeQuestStore[str](open_store(), "s").restore(ALGORITHMS[name]())
    assert facts(restored) == facts(state)


async def test_the_stored_tree_is_the_searchs_tree(open_store: OpenStore) -> None:
    store = open_store()
    state = await store_search(store, StandardMCTS[str](), 50)
    tree = (await store.load_project()).tree
    assert len(tree) == len(state.tree)
    assert [root.id for root in tree.roots] == ["s.root"]
    for node in state.tree.get_nodes()[1:]:
        stored = tree[f"s.{node.expand_idx}"]
        parent = node.parent.expand_idx
        assert stored.parent_id == ("s.root" if parent < 0 else f"s.{parent}")
        assert (stored.content, stored.score, stored.depth) == (node.state, node.score, node.depth)


async def test_a_project_holds_many_searches_that_do_not_meet(open_store: OpenStore) -> None:
    store = open_store()
    states = {
        name: await store_search(store, ABMCTSA[str](), 20, name, seed=seed)
        for seed, name in enumerate(["a", "a.1", "a.root"])
    }
    again = open_store()
    for name, state in states.items():
        restored = await TreeQuestStore[str](again, name).restore(ABMCTSA[str]())
        assert facts(restored) == facts(state)


async def test_a_chain_1500_deep_that_treequest_cannot_copy_or_pickle_is_restored(
    open_store: OpenStore,
) -> None:
    algorithm = BestFirstSearchAlgo[str](num_samples=1)
    store = open_store()
    search = TreeQuestStore[str](store, "deep")
    state = await search.restore(algorithm)
    for number in range(1_500):
        state, (trial,) = algorithm.ask_batch(state, 1, ["next"])
        state = algorithm.tell(state, trial.trial_id, (f"step {number}", 0.5))
        if number % 50 == 49:
            await search.save(state)
    with pytest.raises(RecursionError):
        copy.deepcopy(state)
    if sys.version_info < (3, 13):  # pickle gives up later since
        with pytest.raises(RecursionError):
            pickle.dumps(state)
    await store.flush()
    tree = (await open_store().load_project()).tree
    assert tree.depth("deep.1499") == 1_500
    assert len(tree.path("deep.1499")) == 1_501
    restored = await TreeQuestStore[str](open_store(), "deep").restore(algorithm)
    assert facts(restored) == facts(state)


async def test_a_save_returns_what_is_new_and_saving_again_saves_nothing(
    open_store: OpenStore,
) -> None:
    search = TreeQuestStore[str](open_store(), "s")
    algorithm = StandardMCTS[str]()
    state = grown(algorithm, 5, state=await search.restore(algorithm))
    assert [node.id for node in await search.save(state)] == [f"s.{n}" for n in range(5)]
    assert await search.save(state) == []


async def test_states_of_the_users_own_come_back_with_status_and_attributes(
    open_store: OpenStore,
) -> None:
    def describe(state: complex) -> dict[str, Any]:
        pruned = state.real < 1
        return {
            "status": NodeStatus.PRUNED if pruned else NodeStatus.ALIVE,
            "attributes": {"real": state.real},
        }

    def search_in(store: AsyncStorageAdapter) -> TreeQuestStore[complex]:
        return TreeQuestStore(store, "c", encode=str, decode=complex, describe=describe)

    algorithm = ABMCTSA[complex]()
    store = open_store()
    search = search_in(store)
    state = await search.restore(algorithm)
    for number in range(3):
        np.random.seed(number)
        state, (trial,) = algorithm.ask_batch(state, 1, ACTIONS)
        state = algorithm.tell(state, trial.trial_id, (complex(number, 1), 0.5))
    await search.save(state)
    nodes = await store.nodes([search.node_id(number) for number in range(3)])
    assert [node.status for node in nodes] == ["pruned", "alive", "alive"]
    assert [node.attributes["real"] for node in nodes] == [0, 1, 2]
    assert facts(await search_in(open_store()).restore(algorithm)) == facts(state)


async def test_a_process_that_was_left_behind_is_fenced_off(open_store: OpenStore) -> None:
    algorithm = StandardMCTS[str]()
    old = open_store(close_wait_s=0.1)
    search = TreeQuestStore[str](old, "s")
    state = grown(algorithm, 5, state=await search.restore(algorithm))
    await search.save(state)
    await old.flush()
    restored = await TreeQuestStore[str](open_store(), "s").restore(algorithm)
    assert facts(restored) == facts(state)
    await search.save(grown(algorithm, 1, state=state))
    with pytest.raises(FencedError):
        await old.flush()
    with pytest.raises(FencedError):
        await old.close()
    again = await TreeQuestStore[str](open_store(), "s").restore(algorithm)
    assert len(again.tree) == 6


async def test_another_continuation_of_a_search_is_a_conflict_not_a_second_node(
    open_store: OpenStore,
) -> None:
    algorithm = StandardMCTS[str]()
    store = open_store()
    one, two = TreeQuestStore[str](store, "s"), TreeQuestStore[str](store, "s")
    first, second = await one.restore(algorithm), await two.restore(algorithm)
    await one.save(grown(algorithm, 3, state=first, seed=1))
    with pytest.raises(ConflictError, match=r"s\.0"):
        await two.save(grown(algorithm, 3, state=second, seed=2))


async def test_a_search_is_not_continued_with_other_settings(open_store: OpenStore) -> None:
    store = open_store()
    await store_search(store, StandardMCTS[str](samples_per_action=2), 5)
    search = TreeQuestStore[str](store, "s")
    others: list[Any] = [StandardMCTS[str](samples_per_action=3), ABMCTSA[str]()]
    for other in others:
        with pytest.raises(RestoreError, match=r"search 's' was made by .*'samples_per_action': 2"):
            await search.restore(other)


async def test_a_search_is_not_continued_with_another_task(open_store: OpenStore) -> None:
    store = open_store()
    await TreeQuestStore[str](store, "s", content="one task").restore(ABMCTSA[str]())
    with pytest.raises(ConflictError, match=r"s\.root"):
        await TreeQuestStore[str](store, "s", content="another").restore(ABMCTSA[str]())


async def test_a_state_that_was_not_restored_here_is_refused(open_store: OpenStore) -> None:
    algorithm = StandardMCTS[str]()
    search = TreeQuestStore[str](open_store(), "s")
    with pytest.raises(ValidationError, match="is not restored yet"):
        await search.save(grown(algorithm, 3))
    await search.save(grown(algorithm, 3, state=await search.restore(algorithm)))
    for stranger in (grown(algorithm, 5), grown(algorithm, 2)):
        with pytest.raises(ValidationError, match="does not go on from the 3 nodes"):
            await search.save(stranger)


async def test_a_node_that_lost_its_record_is_missed(open_store: OpenStore) -> None:
    store = open_store()
    await store_search(store, StandardMCTS[str](), 5)
    (node,) = await store.nodes(["s.2"])
    await store.save_nodes_batch([node.model_copy(update={"attributes": {}})])
    with pytest.raises(RestoreError, match="node 2 was to come next, but the store holds node 3"):
        await TreeQuestStore[str](store, "s").restore(StandardMCTS[str]())
