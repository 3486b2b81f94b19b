"""The Game of 24: combine four numbers by + - * / to 24, each used once. No model, no network.

A state holds the numbers that are left; a move combines two of them. The principles are what a
model would be asked in a Tree of Thoughts; here they are functions.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Set

GOAL = 24
ACTIONS = ("+", "-", "*", "/")


class Puzzle(NamedTuple):
    """One line of the data: rank 1 is the easiest for people, 1362 the hardest."""

    rank: int
    numbers: str
    solved_by: str

    @property
    def name(self) -> str:
        """What its search is called."""
        return f"rank-{self.rank}"

    @property
    def start(self) -> State:
        """The four numbers."""
        return decode(self.numbers.replace(" ", ", "))


def puzzles() -> dict[int, Puzzle]:
    """Read all puzzles, by rank."""
    with (Path(__file__).parent / "data" / "24.csv").open(encoding="utf-8") as lines:
        rows = [
            Puzzle(int(row["Rank"]), row["Puzzles"], row["Solved rate"])
            for row in csv.DictReader(lines)
        ]
    return {puzzle.rank: puzzle for puzzle in rows}


class Term(NamedTuple):
    """A number that is left, and how it was made."""

    value: Fraction
    text: str

    def __str__(self) -> str:
        return self.text if self.text.isdigit() else f"{self.text}={self.value}"


State = tuple[Term, ...]
"""The numbers that are left, in ascending order."""


def encode(state: State) -> str:
    """Write a state as text: `10-4=6, 9, 13`."""
    return ", ".join(map(str, state))


def decode(text: str) -> State:
    """Read what `encode` wrote; `4, 9, 10, 13` is a puzzle's start."""
    parts = (part.partition("=") for part in text.split(", "))
    return tuple(sorted(Term(Fraction(value or made), made) for made, _, value in parts))


def combine(action: str, a: Term, b: Term) -> Term | None:
    """Return `a action b`; `None` if it is no number, is negative, or is `b action a` again."""
    text = action.join(term.text if term.text.isdigit() else f"({term.text})" for term in (a, b))
    if action == "/":
        return Term(a.value / b.value, text) if b.value else None
    if a < b:
        return None
    results = {"+": a.value + b.value, "-": a.value - b.value, "*": a.value * b.value}
    return Term(results[action], text)


@lru_cache(maxsize=100_000)
def moves(state: State, actions: tuple[str, ...] = ACTIONS) -> list[State]:
    """Return what one step can make of `state`, the most promising first."""
    found: set[State] = set()
    for action in actions if len(state) > 1 else ():
        for first, second, *others in permutations(state):
            made = combine(action, first, second)
            if made is not None:
                found.add(tuple(sorted([made, *others])))
    return sorted(found, key=lambda step: (-judge(step), step))


def next_state(base: State, action: str, seen: Set[str]) -> State | None:
    """Return the nearest state below `base` that is not seen yet, by `action` if there is one."""
    for step in moves(base, (action,)) + moves(base):
        if encode(step) not in seen:
            return step
    for step in moves(base):
        if not is_finished(step):
            deeper = next_state(step, action, seen)
            if deeper is not None:
                return deeper
    return None


def is_solved(state: State) -> bool:
    """Whether one number is left and it is 24."""
    return len(state) == 1 and state[0].value == GOAL


def is_dead(state: State) -> bool:
    """Whether it can be seen that 24 is out of reach."""
    return reachable(state) == 0


def is_finished(state: State) -> bool:
    """Whether no move leads on from here."""
    return is_solved(state) or is_dead(state)


def reachable(state: State) -> float:
    """1 if 24 can be made, 0 if it cannot, half as long as more than two numbers hide it."""
    values = [term.value for term in state]
    if len(values) == 1:
        return float(values[0] == GOAL)
    if len(values) == 2:
        return float(GOAL in _pair_results(state))
    most = prod(value for value in values if value > 1) + sum(values)
    return 0.5 if most >= GOAL else 0.0


def numbers_left(state: State) -> float:
    """0 for four numbers, 1 for one."""
    return (4 - len(state)) / 3


def distance(state: State) -> float:
    """1 if 24 is there or one step away; less, the further the nearest number is off."""
    near = {term.value for term in state} | _pair_results(state)
    return max(0.0, 1 - float(min(abs(value - GOAL) for value in near)) / GOAL)


def ratio(state: State) -> float:
    """1 if 24 is there or one step away; else the ratio of 24 and the number that comes nearest."""
    near = {term.value for term in state} | _pair_results(state)
    return float(max((min(value / GOAL, GOAL / value) for value in near if value), default=0))


def factors(state: State) -> float:
    """The share of the numbers left that divide 24."""
    return sum(term.value > 0 and (GOAL / term.value).denominator == 1 for term in state) / len(
        state
    )


def _pair_results(state: State) -> set[Fraction]:
    pairs = permutations(state, 2)
    made = (combine(action, first, second) for first, second in pairs for action in ACTIONS)
    return {term.value for term in made if term is not None}


PRINCIPLES: dict[str, Callable[[State], float]] = {
    "reachable": reachable,
    "numbers-left": numbers_left,
    "distance": distance,
    "factors": factors,
}
REVISED: dict[str, Callable[[State], float]] = {"distance": ratio}
"""Second definitions, for who thinks better of a principle."""
WEIGHTS = {"reachable": 3.0, "numbers-left": 1.0, "distance": 1.0, "factors": 1.0}


@lru_cache(maxsize=100_000)
def judge(state: State) -> float:
    """Return the weighted mean of the principles, from 0 to 1; 0 for a dead end."""
    if is_dead(state):
        return 0.0
    total = sum(WEIGHTS[key] * principle(state) for key, principle in PRINCIPLES.items())
    return total / sum(WEIGHTS.values())
