"""What `verify_schema` accepts, by the rows that Neo4j gives of its indexes."""

from __future__ import annotations

from typing import Any

import pytest

from sapwood.errors import SchemaError
from sapwood.graph.schema import NEEDED, VERSION, check

Found = list[list[Any]]


def found() -> Found:
    lookup: list[Any] = ["ONLINE", "NODE", None, None, False]
    foreign: list[Any] = ["ONLINE", "NODE", ["Person"], ["name"], True]
    own = [["ONLINE", each.kind, [each.name], [*each.properties], each.unique] for each in NEEDED]
    return [lookup, foreign, *own]


def test_a_complete_schema_is_accepted_among_foreign_indexes() -> None:
    check(found(), [VERSION])


@pytest.mark.parametrize("place", range(2, 2 + len(NEEDED)))
def test_a_missing_one_is_named_with_what_to_do(place: int) -> None:
    rows = found()
    del rows[place]
    with pytest.raises(SchemaError, match="create_schema") as refused:
        check(rows, [VERSION])
    assert str(NEEDED[place - 2]) in str(refused.value)


@pytest.mark.parametrize("place", range(2, 2 + len(NEEDED)))
def test_an_index_without_its_constraint_is_not_enough(place: int) -> None:
    rows = found()
    rows[place][4] = not rows[place][4]
    with pytest.raises(SchemaError):
        check(rows, [VERSION])


@pytest.mark.parametrize("state", ["POPULATING", "FAILED"])
def test_an_index_that_is_not_online_is_refused(state: str) -> None:
    rows = found()
    rows[2][0] = state
    with pytest.raises(SchemaError, match=state):
        check(rows, [VERSION])


def test_the_order_of_properties_counts() -> None:
    """A look-up by project needs it to come first."""
    rows = found()
    rows[2][3] = ["id", "project_id"]
    with pytest.raises(SchemaError):
        check(rows, [VERSION])


@pytest.mark.parametrize("versions", [[], [VERSION - 1]])
def test_an_older_or_no_version_asks_for_create_schema(versions: list[int]) -> None:
    with pytest.raises(SchemaError, match="create_schema"):
        check(found(), versions)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(SchemaError, match="Upgrade sapwood"):
        check(found(), [VERSION + 1])
