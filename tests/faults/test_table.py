"""What the torture counts as damage: it must see it, or its table would say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .scenario import expected
from .table import Damage, Label, Table, damage


@pytest.fixture
async def oracle() -> dict[str, Any]:
    return await expected()


def test_what_is_held_as_expected_is_no_damage(oracle: dict[str, Any]) -> None:
    assert damage(oracle, oracle) == Damage()


def test_a_node_that_is_gone_is_lost_and_silent_if_the_check_saw_nothing(
    oracle: dict[str, Any],
) -> None:
    held = {**oracle, "nodes": oracle["nodes"][1:]}
    assert damage(held, oracle) == Damage(lost=1, silent=True)


def test_a_score_that_is_there_twice_is_doubled(oracle: dict[str, Any]) -> None:
    held = {**oracle, "scores": [*oracle["scores"], oracle["scores"][0]]}
    assert damage(held, oracle) == Damage(doubled=1, silent=True)


def test_damage_that_the_check_found_is_not_silent(oracle: dict[str, Any]) -> None:
    held = {**oracle, "nodes": oracle["nodes"][1:], "graph": (False, 11, 12)}
    done = damage(held, oracle)
    assert done.lost == 2
    assert not done.silent


def test_the_table_names_each_fault_that_did_damage(oracle: dict[str, Any]) -> None:
    table, label = Table(), Label("cut", "neo4j, reply")
    table.add(label, 1, damage(oracle, oracle), 1.0)
    table.add(label, 2, damage({**oracle, "state": None}, oracle), 3.0)
    assert "| cut | neo4j, reply | 2 | 1 | 1 | 1 | 2.0 | 3.0 |" in table.text()
    assert len(table.wrong) == 1
