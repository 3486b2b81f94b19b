"""The buffer is bounded, keeps its order, and gives a batch away only once it is stored."""

from __future__ import annotations

import asyncio

import pytest

from sapwood import SapwoodError
from sapwood.batch import StatusDraft
from sapwood.buffer import Buffer, KnownIds
from sapwood.settings import BATCH_BYTES, MIB, Settings


def items(*names: str, size: int = 1) -> list[StatusDraft]:
    return [StatusDraft(name, "alive", None, size) for name in names]


def names(buffer: Buffer) -> list[str]:
    return [item.node_id for item in buffer.freeze().items if isinstance(item, StatusDraft)]


async def test_a_batch_stays_the_same_until_it_is_done() -> None:
    """Hazard D2: a batch is driven again unchanged, never merged with newer items."""
    buffer = Buffer(Settings())
    await buffer.put(items("a", "b"))
    first = buffer.freeze()
    await buffer.put(items("c"))
    assert buffer.freeze() is first
    assert (buffer.pending, len(buffer.items())) == (3, 3)
    buffer.done()
    assert (buffer.stored, buffer.pending) == (2, 1)
    assert names(buffer) == ["c"]


async def test_a_full_buffer_lets_savers_wait_in_order() -> None:
    """Hazard D5."""
    buffer = Buffer(Settings(max_pending=2))
    saver = asyncio.create_task(buffer.put(items("a", "b", "c", "d", "e")))
    seen: list[str] = []
    while len(seen) < 5:
        await asyncio.sleep(0)
        assert buffer.pending <= 2
        if buffer.pending:
            seen += names(buffer)
            buffer.done()
    await saver
    assert seen == ["a", "b", "c", "d", "e"]


async def test_bytes_bound_the_buffer_and_the_batch() -> None:
    """Hazard A13."""
    buffer = Buffer(Settings(max_pending_bytes=8 * MIB))
    saver = asyncio.create_task(buffer.put(items(*"abcdefghijkl", size=MIB)))
    await asyncio.sleep(0)
    assert buffer.pending == 8
    assert sum(item.size for item in buffer.freeze().items) <= BATCH_BYTES
    while not saver.done():
        buffer.freeze()
        buffer.done()
        await asyncio.sleep(0)


async def test_a_flush_is_due_by_count_by_bytes_or_by_age() -> None:
    buffer = Buffer(Settings(flush_at=3, flush_interval_s=60.0))
    assert buffer.due_in_s() is None
    await buffer.put(items("a", "b"))
    assert 0 < (buffer.due_in_s() or 0) <= 60
    await buffer.put(items("c"))
    assert buffer.due_in_s() == 0
    buffer.freeze()
    buffer.done()
    await buffer.put(items("d", size=BATCH_BYTES))
    assert buffer.due_in_s() == 0


async def test_savers_that_wait_learn_of_a_fatal_error() -> None:
    """Hazard D6."""
    buffer = Buffer(Settings(max_pending=1))
    saver = asyncio.create_task(buffer.put(items("a", "b")))
    await asyncio.sleep(0)
    buffer.abandon(SapwoodError("fenced"))
    with pytest.raises(SapwoodError, match="fenced"):
        await saver


def test_known_ids_forget_the_oldest_first() -> None:
    known = KnownIds(2)
    for name in "abc":
        known.add(name, name.encode())
    assert known.find("abc") == {"b": b"b", "c": b"c"}
    known.discard("b")
    assert known.find("abc") == {"c": b"c"}


async def test_a_saver_that_goes_on_and_on_lets_others_have_their_turn() -> None:
    buffer = Buffer(Settings(flush_at=2))
    turns: list[int] = []

    async def flush() -> None:
        while buffer.pending < 8:
            turns.append(buffer.pending)
            await asyncio.sleep(0)

    flushing = asyncio.create_task(flush())
    for _ in range(4):
        await buffer.put(items("a", "b"))
    await flushing
    assert len(turns) >= 3


async def test_a_saver_that_gives_way_lets_others_have_many_turns() -> None:
    """Sending to a server and hearing of it takes the loop several turns."""
    buffer = Buffer(Settings(flush_at=2))
    turns: list[int] = []

    async def apply() -> None:
        for turn in range(5):
            turns.append(turn)
            await asyncio.sleep(0)

    applying = asyncio.create_task(apply())
    await buffer.put(items("a", "b"), 0.1)
    assert len(turns) == 5
    await applying


async def test_a_saver_that_is_cancelled_in_its_pause_is_told_that_all_was_accepted() -> None:
    buffer = Buffer(Settings(flush_at=1))
    saver = asyncio.create_task(buffer.put(items("a", "b", "c")))
    await asyncio.sleep(0)
    saver.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await saver
    assert cancelled.value.__notes__ == ["3 of 3 items were accepted and will be stored"]
    assert buffer.pending == 3
