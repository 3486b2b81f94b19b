"""What treequest was told, taken out of its state and told again. Pure functions, no store.

treequest keeps an algorithm's state as objects that refer to each other: a tree, statistics by
`expand_idx`, trials, a queue. All of it follows from what the algorithm was told, in order: what it
chose when it was asked stands in the trials. So one `Told` a node is all that has to be stored, and
any first n of them are a state that treequest itself could be in.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from treequest.algos.tree import Node, Tree
from treequest.trial import Trial

from ..errors import SapwoodError, ValidationError
from ._treequest_kinds import kind_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from treequest import Algorithm

StateT = TypeVar("StateT")
AlgoStateT = TypeVar("AlgoStateT")


class RestoreError(SapwoodError):
    """The stored nodes are not a search that this algorithm, so configured, can have made."""


@dataclasses.dataclass(frozen=True)
class Told(Generic[StateT]):
    """One finished trial and the node it made.

    Attributes:
        expand_idx: treequest's number of the node: 0, 1, 2, … in the order of `tell`.
        parent_idx: The parent's number; -1 is the root.
        state: The user's own state.
        action: What made the node; treequest keeps it only on the trial.
        actions: All actions of that `ask_batch`, in treequest's order.
        asked_at: The trial's `created_at`, ISO 8601.
        told_at: The trial's `completed_at`, ISO 8601.
    """

    expand_idx: int
    parent_idx: int
    state: StateT
    score: float
    action: str
    actions: tuple[str, ...]
    trial_id: str
    asked_at: str
    told_at: str


def tells_since(
    algorithm: Algorithm[StateT, Any], state: Any, nodes: Sequence[Node[StateT]]
) -> list[Told[StateT]]:
    """Return what made `nodes`, which are some of `state.tree`, in their order.

    Raises:
        ValidationError: A node was added without a trial, so nobody knows its action.
    """
    actions_of = kind_of(algorithm).actions_of
    tells: list[Told[StateT]] = []
    for node in nodes:
        trial = state.trial_store.finished_trials.get(node.trial_id)
        if trial is None or node.parent is None or node.state is None:
            item = f"treequest node {node.expand_idx}"
            raise ValidationError(item, "trial_id", f"{node.trial_id} names no finished trial")
        actions = tuple(actions_of(state, node, trial.action))
        tells.append(
            Told(
                expand_idx=node.expand_idx,
                parent_idx=node.parent.expand_idx,
                state=node.state,
                score=float(node.score),
                action=trial.action,
                actions=actions,
                trial_id=trial.trial_id,
                asked_at=trial.created_at,
                told_at=trial.completed_at or trial.created_at,
            )
        )
    return tells


def replay(algorithm: Algorithm[StateT, AlgoStateT], tells: Iterable[Told[StateT]]) -> AlgoStateT:
    """Return the state that `algorithm` has after `tells`, built by its own `tell`.

    Trials that were asked and not told are not in it: they are asked again.

    Raises:
        RestoreError: A number is missing or double, or the algorithm would not have asked so.
    """
    before_tell = kind_of(algorithm).before_tell
    state: Any = algorithm.init_tree()
    tree = state.tree = _IndexedTree[StateT]()
    for told in tells:
        trial = _running_trial(tree, told)
        trials = state.trial_store
        if told.trial_id in trials.finished_trials:
            raise RestoreError(f"node {told.expand_idx}: trial {told.trial_id} is stored twice")
        chosen = False
        try:
            parent = tree.get_node(told.parent_idx)
            chosen = before_tell(algorithm, state, parent, list(told.actions))
            trials.running_trials[told.trial_id] = trial
            state = algorithm.tell(state, told.trial_id, (told.state, told.score))
        except (RuntimeError, KeyError) as exc:
            if chosen or not _told_too_often(state, told):
                raise RestoreError(
                    f"{name_of(algorithm)} would not have made node {told.expand_idx} from node "
                    f"{told.parent_idx} by {told.action!r}: {exc}"
                ) from exc
        finished = trials.finished_trials[told.trial_id]
        trials.finished_trials[told.trial_id] = dataclasses.replace(
            finished, completed_at=told.told_at
        )
    state.tree = tree.plain()
    return state  # type: ignore[no-any-return]


def _told_too_often(state: Any, told: Told[Any]) -> bool:
    """Whether treequest itself raised at this tell, after it had added the node.

    TreeOfThoughtsBFSAlgo does so when it was asked for more trials of a node and an action than it
    queued, and is told all of them. An orchestrator may have caught that and gone on.
    """
    finished = state.trial_store.finished_trials
    siblings = state.tree.get_node(told.parent_idx).children
    added = bool(siblings) and siblings[-1].expand_idx == told.expand_idx
    return added and any(finished[node.trial_id].action == told.action for node in siblings[:-1])


def _running_trial(tree: _IndexedTree[StateT], told: Told[StateT]) -> Trial[StateT]:
    expected = len(tree) - 1
    if told.expand_idx != expected or not -1 <= told.parent_idx < expected:
        raise RestoreError(
            f"node {expected} was to come next, but the store holds node {told.expand_idx} under "
            f"node {told.parent_idx}"
        )
    return Trial(
        trial_id=told.trial_id,
        node_to_expand=told.parent_idx,
        action=told.action,
        parent_state=tree.get_node(told.parent_idx).state,
        created_at=told.asked_at,
    )


class _IndexedTree(Tree[StateT]):
    """A tree that finds a node in constant time; treequest's sorts all of them for each."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._nodes = [self.root]

    def get_nodes(self) -> list[Node[StateT]]:
        return list(self._nodes)

    def get_node(self, expand_idx: int) -> Node[StateT]:
        return self._nodes[expand_idx + 1]

    def add_node(self, *args: Any, **kwargs: Any) -> Node[StateT]:
        node = super().add_node(*args, **kwargs)
        self._nodes.append(node)
        return node

    def plain(self) -> Tree[StateT]:
        """Return the same nodes in treequest's own class."""
        tree: Tree[StateT] = Tree.with_root_node()
        tree.root, tree.size = self.root, self.size
        return tree
