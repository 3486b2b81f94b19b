"""What treequest was told, told again, gives the same state; whatever was told in between."""

from __future__ import annotations

import copy
import pickle
import re
import sys
from typing import Any

import numpy as np
import pytest
from treequest import ABMCTSA, StandardMCTS
from treequest.algos.best_first_search import BestFirstSearchAlgo
from treequest.algos.tree import Tree

from sapwood import ValidationError
from sapwood.integrations._treequest_kinds import name_of, settings_of
from sapwood.integrations._treequest_replay import RestoreError, replay, tells_since

from .searches import ACTIONS, ALGORITHMS, facts, grow, grown


def tells_of(algorithm: Any, state: Any) -> list[Any]:
    return tells_since(algorithm, state, state.tree.get_nodes()[1:])


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("seed", range(4))
def test_every_prefix_of_the_tells_gives_the_state_of_that_moment(name: str, seed: int) -> None:
    algorithm = ALGORITHMS[name]()
    moments = []
    state = None
    for state in grow(algorithm, 60, seed=seed, batch=1 + 3 * seed):
        moments.append(copy.deepcopy(facts(state)))
    tells = tells_of(algorithm, state)
    for count, moment in enumerate(moments, start=1):
        assert facts(replay(ALGORITHMS[name](), tells[:count])) == moment


@pytest.mark.parametrize("name", ALGORITHMS)
def test_tells_can_be_taken_one_by_one_or_all_at_once(name: str) -> None:
    algorithm = ALGORITHMS[name]()
    streamed: list[Any] = []
    state = None
    for state in grow(algorithm, 60, seed=1):
        streamed += tells_since(algorithm, state, state.tree.get_nodes()[1 + len(streamed) :])
    assert [told.expand_idx for told in streamed] == list(range(60))
    assert facts(replay(ALGORITHMS[name](), streamed)) == facts(state)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_restored_search_asks_and_grows_like_the_one_that_was_not_killed(name: str) -> None:
    algorithm = ALGORITHMS[name]()
    alive = grown(algorithm, 60, seed=2, batch=1)
    restored = replay(algorithm, tells_of(algorithm, alive))
    np.random.seed(7)
    _, expected = algorithm.ask_batch(copy.deepcopy(alive), 5, ACTIONS)
    np.random.seed(7)
    _, trials = algorithm.ask_batch(copy.deepcopy(restored), 5, ACTIONS)
    assert [(trial.node_to_expand, trial.action, trial.parent_state) for trial in trials] == [
        (trial.node_to_expand, trial.action, trial.parent_state) for trial in expected
    ]
    on = grown(algorithm, 60, state=alive, seed=8)
    again = grown(algorithm, 60, state=restored, seed=8)
    assert _without_trial_ids(again) == _without_trial_ids(on)


def _without_trial_ids(state: Any) -> list[tuple[Any, ...]]:
    return [node[:-1] for node in facts(state)["nodes"]]


def test_a_restored_state_holds_only_classes_of_treequest() -> None:
    algorithm = StandardMCTS[str]()
    state = grown(algorithm, 20)
    restored = replay(algorithm, tells_of(algorithm, state))
    assert type(restored) is type(state)
    assert type(restored.tree) is Tree
    assert facts(pickle.loads(pickle.dumps(restored))) == facts(state)  # noqa: S301


def test_nothing_told_is_a_fresh_state() -> None:
    assert facts(replay(ABMCTSA(), [])) == facts(ABMCTSA().init_tree())


def test_actions_may_differ_from_round_to_round() -> None:
    algorithm = StandardMCTS[str](samples_per_action=2)
    state: Any = algorithm.init_tree()
    moments = []
    for number, actions in enumerate([["b", "a"], ["a"], ["c", "a"], ["b"], ["a", "c"]]):
        for place in range(2 * len(actions) - (number == 4)):
            state, (trial,) = algorithm.ask_batch(state, 1, actions)
            state = algorithm.tell(state, trial.trial_id, (f"{number}.{place}", 0.1 * number))
            moments.append(copy.deepcopy(facts(state)))
    tells = tells_of(algorithm, state)
    for count, moment in enumerate(moments, start=1):
        assert facts(replay(algorithm, tells[:count])) == moment


def test_a_chain_deeper_than_treequest_can_copy_or_pickle_is_rebuilt() -> None:
    algorithm: BestFirstSearchAlgo[str] = BestFirstSearchAlgo(num_samples=1)
    state = algorithm.init_tree()
    for number in range(1_500):
        state, (trial,) = algorithm.ask_batch(state, 1, ["next"])
        state = algorithm.tell(state, trial.trial_id, (f"step {number}", 0.5))
    with pytest.raises(RecursionError):
        copy.deepcopy(state)
    if sys.version_info < (3, 13):  # pickle gives up later since
        with pytest.raises(RecursionError):
            pickle.dumps(state)
    restored = replay(algorithm, tells_of(algorithm, state))
    assert restored.tree.get_nodes()[-1].depth == 1_500
    assert facts(restored) == facts(state)


def test_a_missing_node_is_named() -> None:
    algorithm = StandardMCTS[str]()
    tells = tells_of(algorithm, grown(algorithm, 20))
    with pytest.raises(RestoreError, match="node 7 was to come next, but the store holds node 8"):
        replay(algorithm, tells[:7] + tells[8:])


def test_a_trial_that_is_stored_twice_is_named() -> None:
    algorithm = ABMCTSA[str]()
    tells = tells_of(algorithm, grown(algorithm, 5))
    object.__setattr__(tells[4], "trial_id", tells[1].trial_id)
    with pytest.raises(RestoreError, match=f"node 4: trial {tells[1].trial_id} is stored twice"):
        replay(algorithm, tells)


def test_tells_that_the_algorithm_would_not_have_asked_for_are_refused() -> None:
    algorithm = StandardMCTS[str](samples_per_action=2)
    tells = tells_of(algorithm, grown(algorithm, 20))
    with pytest.raises(RestoreError, match="StandardMCTS would not have made node"):
        replay(StandardMCTS(samples_per_action=1), tells)


def test_a_node_that_was_added_without_a_trial_is_refused() -> None:
    algorithm = StandardMCTS[str]()
    state = algorithm.init_tree()
    state.tree.add_node(("by hand", 0.5), state.tree.root)
    with pytest.raises(ValidationError, match="treequest node 0: trial_id None names no finished"):
        tells_of(algorithm, state)


def test_an_unknown_algorithm_is_refused_with_those_that_are_known() -> None:
    class Mine:
        pass

    message = "algorithm is a .*Mine; rebuilt can be StandardMCTS, BestFirstSearchAlgo, .*ABMCTSM"
    with pytest.raises(ValidationError, match=message):
        name_of(Mine())  # type: ignore[arg-type]


def test_a_users_subclass_counts_as_what_it_inherits_from() -> None:
    class Mine(StandardMCTS[str]):
        pass

    assert name_of(Mine()) == "StandardMCTS"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_settings_are_json_and_tell_configurations_apart(name: str) -> None:
    settings = [re.sub(r"\s", "", repr(settings_of(make()))) for make in ALGORITHMS.values()]
    mine = settings_of(ALGORITHMS[name]())
    assert settings.count(re.sub(r"\s", "", repr(mine))) == 1
