"""Failpoints stop a program where a test says, once, and are nothing otherwise."""

from __future__ import annotations

import asyncio

import pytest

from sapwood import failpoints


async def test_a_failpoint_acts_at_the_visit_it_was_armed_for_and_only_then() -> None:
    failpoints.arm(failpoints.FLUSH_AFTER_COMMIT, "raise", 3)
    for _ in range(2):
        await failpoints.reach(failpoints.FLUSH_AFTER_COMMIT)
    await failpoints.reach(failpoints.FLUSH_BEFORE_COMMIT)
    with pytest.raises(failpoints.FailpointError, match=r"flush\.after_commit"):
        await failpoints.reach(failpoints.FLUSH_AFTER_COMMIT)
    await failpoints.reach(failpoints.FLUSH_AFTER_COMMIT)


async def test_a_hanging_failpoint_ends_by_cancellation() -> None:
    trap = failpoints.arm(failpoints.APPLY_IN_TRANSACTION, "hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await failpoints.reach(failpoints.APPLY_IN_TRANSACTION)
    assert trap.sprung.is_set()


@pytest.mark.parametrize("armed", ["nowhere=kill", "flush.after_commit=jump", "flush.after_commit"])
def test_a_misspelt_failpoint_is_refused_not_ignored(
    armed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPWOOD_FAILPOINTS", armed)
    with pytest.raises(ValueError, match="no such failpoint or action"):
        failpoints.arm_from_environment()
