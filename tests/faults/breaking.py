"""One life of a project that is stopped at a failpoint, lived again, and what is held then."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from sapwood import AsyncStorageAdapter, SapwoodError, failpoints
from sapwood.failpoints import FailpointError

from .life import live
from .scenario import held

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood import Database, Graph

Action = Literal["raise", "hang", "kill"]
ACTIONS: Final[tuple[Action, ...]] = ("raise", "hang", "kill")
CLOSE_WAIT_S: Final = 0.2
LONGEST_S: Final = 60.0


@dataclass(frozen=True)
class BrokenRun:
    """What came of one run.

    Attributes:
        happened: Whether the failpoint was reached so often.
        error: What the program that was stopped heard; `None` if nothing.
        seconds: How long the life after it took.
        held: What is stored then; see `scenario.held`.
    """

    happened: bool
    error: BaseException | None
    seconds: float
    held: dict[str, Any]


async def run(
    stores: tuple[Database, Graph],
    servers_file: Path,
    project_id: str,
    armed: tuple[str, Action, int],
) -> BrokenRun:
    """Live until the failpoint's n-th visit, and once more.

    The failpoints are the process's, so only one such run may be under way in it.

    Args:
        armed: A failpoint's name, what it does, and at which visit.
    """
    async with asyncio.timeout(LONGEST_S):
        if armed[1] == "kill":
            happened, error = await _killed(servers_file, project_id, armed)
        else:
            happened, error = await _stopped(stores, project_id, armed)
        began = monotonic()
        await live(lambda: AsyncStorageAdapter(*stores, project_id=project_id))
        seconds = monotonic() - began
        async with AsyncStorageAdapter(*stores, project_id=project_id, mode="read") as reader:
            return BrokenRun(happened, error, seconds, await held(reader))


async def _killed(
    servers_file: Path, project_id: str, armed: tuple[str, Action, int]
) -> tuple[bool, None]:
    name, action, visit = armed
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.life",
        str(servers_file),
        project_id,
        env={**os.environ, "SAPWOOD_FAILPOINTS": f"{name}={action}@{visit}"},
    )
    return await process.wait() != 0, None


async def _stopped(
    stores: tuple[Database, Graph], project_id: str, armed: tuple[str, Action, int]
) -> tuple[bool, BaseException | None]:
    trap = failpoints.arm(*armed)
    life = asyncio.create_task(
        live(lambda: AsyncStorageAdapter(*stores, project_id=project_id, close_wait_s=CLOSE_WAIT_S))
    )
    sprung = asyncio.create_task(trap.sprung.wait())
    await asyncio.wait([life, sprung], return_when=asyncio.FIRST_COMPLETED)
    if armed[1] == "hang":
        life.cancel()
    await asyncio.wait([life])
    sprung.cancel()
    failpoints.disarm()
    error = asyncio.CancelledError() if life.cancelled() else life.exception()
    return trap.sprung.is_set(), error


def names_its_cause(failpoint: str, error: BaseException | None) -> bool:
    """Whether what the caller heard says that the failpoint's exception was behind it.

    Of one in the applying task nobody may have heard: it tries again, and who waits hears only of
    a try that was begun after that.
    """
    if error is None:
        return failpoint.startswith(("apply.", "prune.", "clear."))
    return isinstance(error, FailpointError) or (
        isinstance(error, SapwoodError) and isinstance(error.__cause__, FailpointError)
    )
