"""Named places where tests stop the program: free while none is armed.

    SAPWOOD_FAILPOINTS="flush.after_commit=kill@3,apply.in_transaction=raise"

Actions: `kill` (SIGKILL to this process), `stop` (SIGSTOP, until somebody continues it), `raise`
(FailpointError), `hang` (until cancelled, or released by the test).
`@n` acts on the n-th visit instead of the first, once.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field

CLAIM_AFTER_COMMIT = "claim.after_commit"
FLUSH_BEFORE_COMMIT = "flush.before_commit"
FLUSH_AFTER_COMMIT = "flush.after_commit"
APPLY_AFTER_READ = "apply.after_read"
APPLY_IN_TRANSACTION = "apply.in_transaction"
APPLY_AFTER_COMMIT = "apply.after_commit"
PRUNE_AFTER_PART = "prune.after_part"
STATS_BEFORE_COMMIT = "stats.before_commit"
CLEAR_BEFORE_BEGIN = "clear.before_begin"
QUARANTINE_BEFORE_COMMIT = "quarantine.before_commit"
QUARANTINE_AFTER_COMMIT = "quarantine.after_commit"
CLEAR_AFTER_BEGIN = "clear.after_begin"
CLEAR_AFTER_STEP = "clear.after_step"
DELETE_AFTER_MARK = "delete.after_mark"
DELETE_AFTER_ROWS = "delete.after_rows"
FLUSHING = (
    FLUSH_BEFORE_COMMIT,
    FLUSH_AFTER_COMMIT,
    APPLY_AFTER_READ,
    APPLY_IN_TRANSACTION,
    APPLY_AFTER_COMMIT,
    PRUNE_AFTER_PART,
    STATS_BEFORE_COMMIT,
)
"""What every flush passes by, that of a prune all of them."""
NAMES = (
    CLAIM_AFTER_COMMIT,
    *FLUSHING,
    CLEAR_BEFORE_BEGIN,
    QUARANTINE_BEFORE_COMMIT,
    QUARANTINE_AFTER_COMMIT,
    CLEAR_AFTER_BEGIN,
    CLEAR_AFTER_STEP,
    DELETE_AFTER_MARK,
    DELETE_AFTER_ROWS,
)


class FailpointError(Exception):
    """Raised at a failpoint armed with `raise`."""


@dataclass(slots=True)
class Trap:
    """What an armed failpoint will do.

    Attributes:
        sprung: Set once the program stopped here, so that a test need not guess where it is.
        released: To be set by a test that lets a program which hangs here go on.
    """

    action: str
    visits_left: int
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_armed: dict[str, Trap] = {}


def arm(name: str, action: str, visit: int = 1) -> Trap:
    """Act at the `visit`-th visit of a failpoint from now on, once."""
    if name not in NAMES or action not in {"kill", "stop", "raise", "hang"} or visit < 1:
        raise ValueError(f"no such failpoint or action: {name}={action}@{visit}")
    trap = _armed[name] = Trap(action, visit)
    return trap


def disarm() -> None:
    """Forget all traps."""
    _armed.clear()


def arm_from_environment() -> None:
    """Arm what `SAPWOOD_FAILPOINTS` names; nothing if it is unset."""
    for trap in filter(None, os.environ.get("SAPWOOD_FAILPOINTS", "").split(",")):
        name, _, action = trap.partition("=")
        action, _, visit = action.partition("@")
        arm(name.strip(), action.strip(), int(visit or 1))


async def reach(name: str) -> None:
    """Pass the failpoint `name`, unless it is armed."""
    if _armed:
        await _trip(name)


async def _trip(name: str) -> None:
    trap = _armed.get(name)
    if trap is None:
        return
    trap.visits_left -= 1
    if trap.visits_left:
        return
    del _armed[name]
    trap.sprung.set()
    if trap.action in _SIGNALS:
        os.kill(os.getpid(), _SIGNALS[trap.action])
        return
    if trap.action == "raise":
        raise FailpointError(name)
    await trap.released.wait()


arm_from_environment()
