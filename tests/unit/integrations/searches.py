"""Searches to store and to restore: every algorithm of treequest, driven like a user would."""

from __future__ import annotations

import random
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from treequest import ABMCTSA, StandardMCTS, TreeOfThoughtsBFSAlgo
from treequest.algos.ab_mcts_a.prob_state import PriorConfig
from treequest.algos.best_first_search import BestFirstSearchAlgo
from treequest.algos.multi_armed_bandit_ucb import MultiArmedBanditUCBAlgo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACTIONS = ["plus", "minus", "times"]

ALGORITHMS: dict[str, Callable[[], Any]] = {
    "standard-mcts": StandardMCTS,
    "standard-mcts-wide": lambda: StandardMCTS[str](samples_per_action=4, exploration_weight=0.5),
    "best-first": BestFirstSearchAlgo,
    "tot-bfs": lambda: TreeOfThoughtsBFSAlgo[str](breadth_limit=2, size_limit=7),
    "ucb": MultiArmedBanditUCBAlgo,
    "ab-mcts-a": ABMCTSA,
    "ab-mcts-a-beta": lambda: ABMCTSA[str](dist_type="beta", reward_average_priors=0.4),
    "ab-mcts-a-ucb": lambda: ABMCTSA[str](model_selection_strategy="multiarm_bandit_ucb"),
    "ab-mcts-a-stack": lambda: ABMCTSA[str](
        model_selection_strategy="stack",
        prior_config=PriorConfig(prior={"m": 0.3, "kappa": 2, "nu": 2, "tau_square": 0.2}),
    ),
}


def grow(
    algorithm: Any, tells: int, *, state: Any = None, seed: int = 0, batch: int = 5
) -> Iterator[Any]:
    """Search with late, lost, unordered and superfluous tells; yield the state after each one.

    TreeOfThoughtsBFSAlgo raises at some superfluous tells, after adding the node; here the
    orchestrator shrugs.
    """
    numbers = random.Random(seed)
    np.random.seed(seed)
    state = algorithm.init_tree() if state is None else state
    told = 0
    while told < tells:
        state, trials = algorithm.ask_batch(state, numbers.randint(1, batch), ACTIONS)
        numbers.shuffle(trials)
        for trial in trials[: numbers.randint(1, len(trials))]:
            before = len(state.tree)
            made = f"{trial.action} {numbers.randint(0, 99)}"
            with suppress(RuntimeError):
                algorithm.tell(state, trial.trial_id, (made, round(numbers.random(), 1)))
            if len(state.tree) > before:
                told += 1
                yield state
            if told == tells:
                return


def grown(algorithm: Any, tells: int, **options: Any) -> Any:
    """Return the state of a search of that many tells."""
    return deque(grow(algorithm, tells, **options), maxlen=1).pop()


def grow_repeatably(algorithm: Any, state: Any, nodes: int, batch: int) -> Iterator[Any]:
    """Search on until there are `nodes`; what comes next follows from the tree alone."""
    while len(state.tree) <= nodes:
        number = len(state.tree)
        np.random.seed(number)
        state, trials = algorithm.ask_batch(state, batch, ACTIONS)
        for trial in trials:
            numbers = random.Random(f"{trial.node_to_expand} {trial.action} {len(state.tree)}")
            result = f"{trial.action} {numbers.randint(0, 99)}", round(numbers.random(), 1)
            if len(state.tree) <= nodes:
                state = algorithm.tell(state, trial.trial_id, result)
                yield state


def facts(state: Any) -> dict[str, Any]:
    """Return every field of an algorithm's state as plain, comparable values.

    Left out is what trials in flight leave behind, as these are asked again: running and invalid
    trials, and distributions of nodes that have no child yet.
    """
    nodes = state.tree.get_nodes()
    trials = state.trial_store
    found: dict[str, Any] = {
        "nodes": [_node_facts(node) for node in nodes],
        "size": state.tree.size,
        "finished": {
            trial.trial_id: (vars(trial), trial.parent_state)
            for trial in trials.finished_trials.values()
            if trial.trial_status == "COMPLETE"
        },
    }
    for name in ("visit_counts", "value_sums", "priors", "scores_by_action", "current_depth"):
        if hasattr(state, name):
            found[name] = getattr(state, name)
    if hasattr(trials, "next_nodes"):
        found["queue"] = [
            (action, [node.expand_idx for node in queued])
            for action, queued in trials.next_nodes.items()
        ]
    if hasattr(state, "leaves"):
        found["leaves"] = [
            (leaf.sort_index, leaf.score, leaf.node.expand_idx) for leaf in state.leaves
        ]
    if hasattr(state, "all_observations"):
        found["observations"] = dict(state.all_observations)
    if hasattr(state, "thompson_states"):
        expanded = {node.expand_idx for node in nodes if node.children}
        found["rewards"] = list(state.all_rewards_store.items())
        found["distributions"] = {
            idx: _distribution_facts(known)
            for idx, known in state.thompson_states.states.items()
            if idx in expanded
        }
    return found


def _node_facts(node: Any) -> tuple[Any, ...]:
    parent = None if node.parent is None else node.parent.expand_idx
    children = [child.expand_idx for child in node.children]
    return (node.expand_idx, parent, children, node.state, node.score, node.trial_id)


def _distribution_facts(known: Any) -> dict[str, Any]:
    return {
        "strategy": known.model_selection_strategy,
        "priors": list(known.prior_for_actions.items()),
        "actions": _all(known.action_probas),
        "gen or cont": [(key, _all(both)) for key, both in known.gen_vs_cont_probas.items()],
        "nodes": [(key, _all(both)) for key, both in known.node_probas.items()],
        "made by": list(known.child_node_to_action.items()),
    }


def _all(distributions: Any) -> list[Any]:
    return [(key, vars(one)) for key, one in distributions.items()]
