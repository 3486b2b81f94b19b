"""The deletion of projects holds in every interleaving; each rule left out is found broken."""

from __future__ import annotations

import pytest

from .deleting import Rules, explore

BROKEN = {
    "an applier that asks nobody leaves a watermark": Rules(asks_after_it_began=False),
    "writers that are not fenced first bring the graph back": Rules(marks_postgresql_first=False),
    "a watermark that goes first is made again": Rules(
        marks_the_graph=False, asks_after_it_began=False
    ),
    "a late batch lands in the new project": Rules(compares_incarnation=False),
}


def test_a_deleted_project_leaves_nothing_and_its_successor_is_its_own() -> None:
    states, found = explore(Rules())
    assert found == ()
    assert states > 250, "a model that cannot move finds nothing"


@pytest.mark.parametrize("rules", BROKEN.values(), ids=BROKEN)
def test_a_rule_that_is_left_out_is_missed(rules: Rules) -> None:
    _, found = explore(rules)
    assert found, "the model finds nothing wrong without this rule"
