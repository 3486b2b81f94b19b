"""An adapter belongs to one loop and one process, and says so; the newest writer owns a project."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from sapwood import ClosedError, FencedError, Node, ValidationError

if TYPE_CHECKING:
    from ...conftest import OpenStore


async def test_a_closed_adapter_says_so(open_store: OpenStore) -> None:
    store = open_store()
    await store.close()
    with pytest.raises(ClosedError, match="is closed"):
        await store.flush()


async def test_an_adapter_that_is_not_closed_warns_with_what_is_pending(
    open_store: OpenStore,
) -> None:
    """Hazard D8."""
    store = open_store(flush_interval_s=60.0)
    await store.save_nodes_batch([Node(content=""), Node(content="")])
    with pytest.warns(ResourceWarning, match=r"was not closed; 2 item\(s\) were not stored"):
        store.__del__()
    gc.collect()


async def test_a_bad_name_or_option_is_refused_before_any_io(open_store: OpenStore) -> None:
    with pytest.raises(ValidationError, match="project: id"):
        open_store("no good")
    with pytest.raises(ValidationError, match="flush_at"):
        open_store(flush_at=0)


async def test_the_newer_writer_fences_the_older_and_nothing_of_it_is_stored(
    open_store: OpenStore,
) -> None:
    """Hazard A5: the last one to write owns the project."""
    old, new = open_store(), open_store()
    await old.save_nodes_batch([Node(content="first")])
    await old.flush()
    await new.save_nodes_batch([Node(content="second")])
    await new.flush()
    late = Node(content="late")
    await old.save_nodes_batch([late])
    with pytest.raises(FencedError, match=late.id):
        await old.flush()
    with pytest.raises(FencedError):
        await old.save_nodes_batch([Node(content="later")])
    with pytest.raises(FencedError):
        await old.close()
    contents = sorted(node.content for node in (await new.load_project()).tree)
    assert contents == ["first", "second"]


async def test_a_fenced_writer_names_all_that_it_has_not_stored(open_store: OpenStore) -> None:
    old, new = open_store(flush_at=5_000, flush_interval_s=60.0), open_store()
    await old.save_nodes_batch([Node(content="")])
    await old.flush()
    await new.save_nodes_batch([Node(content="")])
    await new.flush()
    late = [Node(content="") for _ in range(5_100)]  # more than one batch
    await old.save_nodes_batch(late)
    with pytest.raises(FencedError) as fenced:
        await old.close()
    assert fenced.value.pending == tuple(node.id for node in late)


async def test_a_kept_error_does_not_grow_with_each_call_that_raises_it(
    open_store: OpenStore,
) -> None:
    old, new = open_store(), open_store()
    for store in (old, new):
        await store.save_nodes_batch([Node(content="")])
        await store.flush()
    await old.save_nodes_batch([Node(content="late")])
    lengths: list[int] = []
    for _ in range(10):
        with pytest.raises(FencedError) as fenced:
            await old.flush()
        lengths.append(len(fenced.traceback))
    with pytest.raises(FencedError):
        await old.close()
    assert lengths[-1] <= lengths[0]


async def test_reading_takes_nothing_over(open_store: OpenStore) -> None:
    old, reader = open_store(), open_store()
    await old.save_nodes_batch([Node(content="first")])
    await old.flush()
    assert len((await reader.load_project()).tree) == 1
    await old.save_nodes_batch([Node(content="second")])
    await old.flush()
    assert len((await reader.load_project()).tree) == 2
