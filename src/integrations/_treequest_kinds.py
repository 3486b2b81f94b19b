"""treequest's algorithms: what each keeps, and what its `ask_batch` leaves behind in its state."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from treequest import Algorithm
    from treequest.algos.tree import Node


class Kind(NamedTuple):
    """How one algorithm is rebuilt.

    Attributes:
        settings: The constructor's values that shape the state, as the algorithm keeps them.
        actions_of: From state and new node, the actions its parent was to be expanded with.
        before_tell: From algorithm, state, parent and actions: do what `ask_batch` does to the
            state, without its random choice; say whether this chose what to expand.
    """

    settings: tuple[str, ...]
    actions_of: Callable[[Any, Node[Any], str], list[str]]
    before_tell: Callable[[Any, Any, Node[Any], list[str]], bool]


def _queued_actions(state: Any, node: Node[Any], action: str) -> list[str]:
    """A queue is filled with each action for a parent, then worked off: both parts are wanted."""
    parent = node.parent or state.tree.root
    finished = state.trial_store.finished_trials
    actions = {finished[child.trial_id].action for child in parent.children}
    for queued, nodes in state.trial_store.next_nodes.items():
        if any(waiting.expand_idx == parent.expand_idx for waiting in nodes):
            actions.add(queued)
    return [name for name in state.trial_store.next_nodes if name in actions]


def _rewarded_actions(state: Any, node: Node[Any], action: str) -> list[str]:
    return list(state.all_rewards_store)


def _arms(state: Any, node: Node[Any], action: str) -> list[str]:
    return list(state.scores_by_action)


def _own_action(state: Any, node: Node[Any], action: str) -> list[str]:
    return [action]


def _fill_queue(algorithm: Any, state: Any, parent: Node[Any], actions: list[str]) -> bool:
    """Asking for no trial fills an empty queue by treequest's own, deterministic selection."""
    empty: bool = state.trial_store.is_queue_empty()
    if empty:
        algorithm.ask_batch(state, 0, actions)
    return empty


def _meet_parent(algorithm: Any, state: Any, parent: Node[Any], actions: list[str]) -> bool:
    """AB-MCTS-A gives each node that it expands its distributions when it first asks there."""
    algorithm.ask_batch(state, 0, actions)
    state.thompson_states.get_or_create(parent, actions)
    return False


def _name_arms(algorithm: Any, state: Any, parent: Node[Any], actions: list[str]) -> bool:
    for action in actions:
        state.scores_by_action.setdefault(action, [])
    return False


def _nothing(algorithm: Any, state: Any, parent: Node[Any], actions: list[str]) -> bool:
    return False


_KINDS = {
    "StandardMCTS": Kind(
        ("samples_per_action", "exploration_weight"), _queued_actions, _fill_queue
    ),
    "BestFirstSearchAlgo": Kind(("num_samples",), _queued_actions, _fill_queue),
    "TreeOfThoughtsBFSAlgo": Kind(("breadth_limit", "size_limit"), _queued_actions, _fill_queue),
    "ABMCTSA": Kind(
        ("prior_config", "reward_average_priors", "model_selection_strategy"),
        _rewarded_actions,
        _meet_parent,
    ),
    "ABMCTSM": Kind(
        (
            "enable_pruning",
            "pruning_config",
            "reward_average_priors",
            "model_selection_strategy",
            "_advanced_config",
        ),
        _own_action,
        _nothing,
    ),
    "MultiArmedBanditUCBAlgo": Kind(
        ("exploration_weight",),
        _arms,
        _name_arms,
    ),
}


def name_of(algorithm: Algorithm[Any, Any]) -> str:
    """Return the name of the treequest class that `algorithm` is or inherits from.

    Raises:
        ValidationError: It is none of those that can be rebuilt; the message lists them.
    """
    for kind in type(algorithm).__mro__:
        if kind.__module__.startswith("treequest.") and kind.__name__ in _KINDS:
            return kind.__name__
    problem = f"is a {type(algorithm).__qualname__}; rebuilt can be {', '.join(_KINDS)}"
    raise ValidationError("restore", "algorithm", problem)


def kind_of(algorithm: Algorithm[Any, Any]) -> Kind:
    """Return how `algorithm` is rebuilt; raises like `name_of`."""
    return _KINDS[name_of(algorithm)]


def settings_of(algorithm: Algorithm[Any, Any]) -> dict[str, Any]:
    """Return, as JSON, the settings that a state depends on."""
    names = kind_of(algorithm).settings
    return {name.lstrip("_"): _as_json(getattr(algorithm, name)) for name in names}


def _as_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
