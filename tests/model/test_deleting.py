"""The deletion of projects holds in every interleaving; each rule left out is found broken."""

from __future__ import annotations

import pytest

from .deleting import Bounds, Rules, explore

pytestmark = pytest.mark.once

OLDER_NEO4J = Bounds(restore="neo4j")
OLDER_POSTGRES = Bounds(restore="postgres")

BROKEN = {
    "an applier that asks nobody leaves a watermark": Rules(asks_at_0=False),
    "writers that are not fenced first bring the graph back": Rules(marks_postgresql_first=False),
    "a watermark that goes first is made again": Rules(marks_the_graph=False, asks_at_0=False),
    "who asks before the lock begins to clear within a deletion": Rules(asks_under_the_lock=False),
    "a late batch lands in the new project": Rules(compares_incarnation=False),
}


def test_a_deleted_project_leaves_nothing_and_its_successor_is_its_own() -> None:
    states, found = explore(Rules())
    assert found == ()
    assert states > 250, "a model that cannot move finds nothing"


@pytest.mark.parametrize("bounds", [OLDER_NEO4J, OLDER_POSTGRES], ids=str)
def test_a_store_that_is_set_back_in_a_deletion_heals_or_says_so(bounds: Bounds) -> None:
    states, found = explore(Rules(), bounds)
    assert found == ()
    assert states > 400


def test_a_graph_that_says_deleting_is_taken_for_a_rebuild_if_the_project_is_there() -> None:
    """PostgreSQL is back before the deletion, the graph is within it, and nobody deletes."""
    _, found = explore(Rules(clears_what_is_deleting=False), OLDER_POSTGRES)
    assert "deleting" in found[-1]


@pytest.mark.parametrize("bounds", [OLDER_NEO4J, OLDER_POSTGRES], ids=str)
def test_a_late_batch_lands_in_the_new_project_when_a_store_was_set_back_too(
    bounds: Bounds,
) -> None:
    _, found = explore(Rules(compares_incarnation=False), bounds)
    assert "another graph than its own" in found[-1]


@pytest.mark.parametrize("rules", BROKEN.values(), ids=BROKEN)
def test_a_rule_that_is_left_out_is_missed(rules: Rules) -> None:
    _, found = explore(rules)
    assert found, "the model finds nothing wrong without this rule"
