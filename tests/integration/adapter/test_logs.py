"""What happens is logged as events with fields, and never with contents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sapwood import Node, RejectedItemsError

if TYPE_CHECKING:
    from ...conftest import OpenStore

CONTENT = "a thought that nobody else is to read"


def said(caplog: pytest.LogCaptureFixture) -> str:
    """What sapwood itself logged."""
    records = [record for record in caplog.records if record.name.startswith("sapwood")]
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in records)


def events(caplog: pytest.LogCaptureFixture) -> dict[str, dict[str, Any]]:
    """The fields of each event, the last one of its name."""
    records = [vars(record) for record in caplog.records if "event" in vars(record)]
    return {record["event"]: record["fields"] for record in records}


async def test_a_stores_life_is_logged_as_events_that_name_project_and_position(
    open_store: OpenStore, project_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sapwood")
    async with open_store() as store:
        await store.save_nodes_batch([Node(content=CONTENT), Node(content=CONTENT)])
        await store.flush()
    seen = events(caplog)
    assert {name: fields["project"] for name, fields in seen.items()} == dict.fromkeys(
        ["project opened", "epoch claimed", "batch stored", "entries applied", "project closed"],
        project_id,
    )
    assert (seen["batch stored"]["seq"], seen["batch stored"]["items"]) == (1, 2)
    assert (seen["entries applied"]["seq"], seen["entries applied"]["entries"]) == (1, 1)
    assert seen["project closed"]["pending"] == 0
    assert f"batch stored project={project_id} seq=1 items=2" in said(caplog)
    assert CONTENT not in said(caplog)


async def test_what_is_left_out_is_logged_as_a_warning_without_contents(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    late, first = open_store(flush_interval_s=60), open_store()
    await late.save_nodes_batch([Node(id="same", content=CONTENT)])
    await first.save_nodes_batch([Node(id="same", content="first")])
    await first.flush()
    with pytest.raises(RejectedItemsError):
        await late.flush()
    assert events(caplog)["items rejected"]["items"] == 1
    assert CONTENT not in said(caplog)
