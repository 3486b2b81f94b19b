"""The puzzle of the examples: exact, programmatic, and solved by treequest's own searches."""

from __future__ import annotations

import re
from collections import deque
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from game24 import ALGORITHMS, describe, grow, ranks
from puzzle24 import (
    ACTIONS,
    PRINCIPLES,
    REVISED,
    decode,
    encode,
    is_dead,
    is_finished,
    is_solved,
    judge,
    moves,
    next_state,
    puzzles,
    reachable,
)
from rubric24 import definitions, rubric, share

if TYPE_CHECKING:
    from collections.abc import Callable

PUZZLES = puzzles()


@cache
def searched(rank: int, algorithm: str = "standard-mcts", iterations: int = 200) -> Any:
    made = ALGORITHMS[algorithm]()
    return deque(grow(made, made.init_tree(), PUZZLES[rank], iterations), maxlen=1).pop()


def states(state: Any) -> list[Any]:
    return [node.state for node in state.tree.get_nodes()[1:]]


def test_there_are_1362_puzzles_with_the_rates_at_which_people_solve_them() -> None:
    assert list(PUZZLES) == list(range(1, 1363))
    assert PUZZLES[901].numbers == "4 5 6 10"
    assert PUZZLES[1].solved_by == "99.20%"


def test_every_state_of_a_search_is_read_as_it_was_written() -> None:
    for state in states(searched(910)):
        assert decode(encode(state)) == state


def test_expressions_are_exact() -> None:
    state = decode("3, 3, 8, 8")
    for action, goal in (("/", Fraction(8, 3)), ("-", Fraction(1, 3)), ("/", Fraction(24))):
        state = next(s for s in moves(state, (action,)) if goal in [term.value for term in s])
    assert encode(state) == "8/(3-(8/3))=24"
    assert is_solved(state)


@pytest.mark.parametrize("rank", [1, 901, 1000, 1362])
def test_moves_use_each_number_once_and_never_go_below_zero(rank: int) -> None:
    start = PUZZLES[rank].start
    for action in ACTIONS:
        for state in moves(start, (action,)):
            assert len(state) == 3
            assert all(term.value >= 0 for term in state)
            used = [number for term in state for number in re.findall(r"\d+", term.text)]
            assert sorted(used) == sorted(PUZZLES[rank].numbers.split())


def test_a_state_is_dead_only_if_no_way_leads_to_24() -> None:
    def can_reach(state: Any) -> bool:
        return is_solved(state) or any(can_reach(step) for step in moves(state))

    for state in states(searched(905)):
        if is_dead(state):
            assert not can_reach(state)
        if reachable(state) == 1:
            assert can_reach(state)


@pytest.mark.parametrize("principle", [*PRINCIPLES.values(), *REVISED.values()])
def test_principles_are_shares(principle: Callable[[Any], float]) -> None:
    for state in states(searched(930)):
        assert 0 <= principle(state) <= 1


@pytest.mark.parametrize("key", REVISED)
def test_a_second_definition_asks_otherwise_and_finds_otherwise(key: str) -> None:
    first, second = rubric(definitions()), rubric(definitions([key]))
    assert [each.key for each in second.principles] == [each.key for each in first.principles]
    differing = [each.key for each in first.principles if second[each.key].text != each.text]
    assert differing == [key]
    assert any(PRINCIPLES[key](each) != REVISED[key](each) for each in states(searched(930)))


def test_the_rubric_names_each_principle_and_says_what_it_asks() -> None:
    made = rubric(definitions())
    assert [principle.key for principle in made.principles] == list(PRINCIPLES)
    assert all(principle.text for principle in made.principles)


def test_dead_ends_are_pruned_and_solutions_complete() -> None:
    made = states(searched(905))
    found = {describe(state).get("status", "alive") for state in made}
    assert found == {"alive", "pruned", "complete"}
    for state in made:
        assert (describe(state) == {}) == (not is_finished(state))
        assert (judge(state) == 0) == is_dead(state)


def test_a_state_that_was_seen_is_not_made_again() -> None:
    made = [encode(state) for state in states(searched(901, iterations=300))]
    assert len(set(made)) == len(made) == 300


def test_when_all_is_seen_there_is_no_next_state() -> None:
    start = decode("1, 5")
    seen: set[str] = set()
    while (state := next_state(start, "+", seen)) is not None:
        seen.add(encode(state))
    assert seen == {encode(state) for state in moves(start)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_most_of_the_papers_puzzles_are_solved(algorithm: str) -> None:
    tried = range(905, 1001, 25)
    solved = [rank for rank in tried if any(map(is_solved, states(searched(rank, algorithm))))]
    assert len(solved) >= 0.8 * len(tried)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_makes_the_same_nodes_every_time(algorithm: str) -> None:
    again = searched.__wrapped__(950, algorithm, 80)
    assert states(again) == states(searched(950, algorithm, 80))


def test_ranks_are_read_as_lists_and_ranges() -> None:
    assert ranks("7,901-903") == [7, 901, 902, 903]


def test_the_share_that_was_saved_is_said_in_percent() -> None:
    assert [share(1, 3), share(5, 0), share(0, 5), share(0, 0)] == ["75 %", "0 %", "100 %", "-"]
