"""The journal's rows as the writing statements take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood.errors import JournalError
from sapwood.graph.rows import create_row, set_row
from sapwood.model import NodeStatus

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CREATE: dict[str, Any] = {
    "id": "a",
    "parent_id": None,
    "content": "text",
    "attributes": "{}",
    "status": "alive",
    "status_reason": None,
    "score": 0.5,
    "iteration": 3,
    "depth": 0,
    "created_at": 1_500_000,
    "seq": 7,
}


def test_a_create_row_is_in_the_order_of_the_statement() -> None:
    wanted = ("a", None, "text", "{}", "alive", None, 0.5, None, 3, 0, 1, 500_000_000, 7, "Alive")
    assert create_row(CREATE) == wanted


@given(st.datetimes().map(lambda when: when.replace(tzinfo=UTC)))
def test_any_time_is_split_exactly(when: datetime) -> None:
    micros = (when - EPOCH) // timedelta(microseconds=1)
    values = create_row({**CREATE, "created_at": micros})
    seconds, nanoseconds = values[10], values[11]
    assert 0 <= nanoseconds < 10**9
    assert EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000) == when


@pytest.mark.parametrize("status", NodeStatus)
def test_a_status_brings_its_node_label(status: NodeStatus) -> None:
    assert create_row({**CREATE, "status": status.value})[-1] == status.node_label
    assert set_row({"id": "a", "status": status.value})[-1] == status.node_label


def test_a_change_keeps_none_which_removes() -> None:
    assert set_row({"id": "a", "score": None}) == ["a", {"score": None}]


@pytest.mark.parametrize("change", [{"status": "asleep"}, {"content": "x"}, {"parent_id": "x"}])
def test_what_this_release_does_not_know_is_refused_without_its_value(
    change: dict[str, Any],
) -> None:
    with pytest.raises(JournalError, match="node a"):
        set_row({"id": "a", **change})
