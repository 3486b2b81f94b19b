"""The search: every reachable state, breadth first, so that a trace is a shortest one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .apply import diverged
from .applying import applying_steps
from .invariants import broken
from .reading import reading_steps
from .rebuilding import rebuilding_steps
from .restoring import restoring_steps
from .state import State
from .writing import writing_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Bounds, Rules
    from .state import Step

Parents = dict[State, tuple[State, str] | None]


@dataclass(frozen=True)
class Verdict:
    """What a search found."""

    states: int
    transitions: int
    diverged: int
    """States in which a contact raises DivergedError."""
    unnoticed: int
    """States in which an acknowledged batch is gone and neither store nor any writer shows it."""
    violation: str = ""
    trace: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.violation

    def __str__(self) -> str:
        lines = [f"{n:3}. {label}" for n, label in enumerate(self.trace, start=1)]
        counts = (
            f"{self.states} states, {self.transitions} transitions, "
            f"{self.diverged} diverged, {self.unnoticed} with an unnoticed loss"
        )
        return "\n".join([self.violation or "holds", *lines, counts])


def explore(rules: Rules, bounds: Bounds) -> Verdict:
    """Search every state within the bounds, up to the first that breaks an invariant."""
    start = State()
    parents: Parents = {start: None}
    queue = deque([start])
    transitions = loud = unnoticed = 0
    while queue:
        state = queue.popleft()
        loud += diverged(rules, state.pg, state.graph)
        unnoticed += loss_is_unnoticed(rules, state)
        violation = broken(rules, bounds, state)
        if violation:
            return Verdict(
                len(parents), transitions, loud, unnoticed, violation, trace(parents, state)
            )
        for label, following in steps(rules, bounds, state):
            transitions += 1
            if following not in parents:
                parents[following] = (state, label)
                queue.append(following)
    return Verdict(len(parents), transitions, loud, unnoticed)


def steps(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    yield from writing_steps(rules, bounds, state)
    yield from applying_steps(rules, bounds, state)
    yield from rebuilding_steps(rules, bounds, state)
    yield from reading_steps(rules, state)
    yield from restoring_steps(rules, bounds, state)


def loss_is_unnoticed(rules: Rules, state: State) -> bool:
    """Tell whether a PostgreSQL restore lost a batch without leaving a witness."""
    witness = diverged(rules, state.pg, state.graph) or any(
        writer.last in state.lost for writer in state.writers
    )
    return bool(state.lost) and not witness


def trace(parents: Parents, state: State) -> tuple[str, ...]:
    """Return the labels of the steps that led to a state."""
    labels: list[str] = []
    step = parents[state]
    while step is not None:
        state, label = step
        labels.append(label)
        step = parents[state]
    return tuple(reversed(labels))
