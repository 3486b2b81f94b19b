"""How often something is tried again."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest

from sapwood.errors import UnavailableError
from sapwood.retry import Retries

from ..clock import Clock


@pytest.mark.asyncio(loop_scope="function")
async def test_what_fails_for_long_is_tried_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, counts = Clock(monkeypatch), Counter[str]()

    async def fail(_: int) -> None:
        raise UnavailableError("neo4j", "is away")

    task = asyncio.create_task(Retries("project", counts).run("apply", fail))
    await clock.advance(10, step=0.05)
    at_first = counts["apply_retries"]
    await clock.advance(100, step=0.05)
    assert 5 <= at_first <= 12
    assert 45 <= counts["apply_retries"] - at_first <= 50
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
