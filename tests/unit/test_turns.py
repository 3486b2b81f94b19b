"""Turns at a pool: in order, in bounded time, and given back however they end."""

from __future__ import annotations

import asyncio

import pytest

from sapwood import UnavailableError
from sapwood.turns import Turns


async def test_turns_go_round_however_quickly_one_asks_again() -> None:
    turns = Turns("neo4j", 1, 60.0)
    order: list[int] = []
    inside: set[int] = set()

    async def ask(who: int) -> None:
        for _ in range(5):
            async with turns.take():
                assert not inside
                inside.add(who)
                order.append(who)
                await asyncio.sleep(0)
                inside.remove(who)

    await asyncio.gather(*(ask(who) for who in range(4)))
    assert order == [0, 1, 2, 3] * 5


async def test_who_waits_too_long_is_told_what_to_raise() -> None:
    turns = Turns("neo4j", 1, 0.01)
    async with turns.take():
        with pytest.raises(UnavailableError, match="pool_size") as refused:
            async with turns.take():
                pytest.fail("it is taken")
    assert refused.value.retryable
    async with turns.take():
        pass


async def test_a_turn_comes_back_from_who_is_cancelled() -> None:
    turns = Turns("neo4j", 1, 60.0)

    async def hold() -> None:
        async with turns.take():
            await asyncio.Event().wait()

    holders = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    for holder in reversed(holders):
        holder.cancel()
    await asyncio.gather(*holders, return_exceptions=True)
    async with asyncio.timeout(5), turns.take():
        pass
