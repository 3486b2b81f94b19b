"""One process at a time: the lock around starting, stopping and fetching."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_PATIENCE_S = 900.0  # a first start over a slow line

_log = logging.getLogger("sapwood.servers")


@contextlib.contextmanager
def one_at_a_time(lock: Path, *, patience_s: float = _PATIENCE_S) -> Generator[None]:
    """Hold the lock for the time of the block. It ends with its process, even when killed.

    Raises:
        ServerError: another process held it for longer than `patience_s`.
    """
    guard = FileLock(lock)
    try:
        guard.acquire(timeout=0)
    except Timeout:
        # A warning, because it may take minutes; the command line shows those of the servers.
        _log.warning("waiting for another sapwood, which is at work and holds %s", lock)
        _wait(guard, lock, patience_s)
    try:
        yield
    finally:
        guard.release()


def _wait(guard: FileLock, lock: Path, patience_s: float) -> None:
    try:
        guard.acquire(timeout=patience_s)
    except Timeout:
        raise ServerError(
            f"another process has been starting or stopping the servers for {patience_s:.0f} s "
            f"(it holds {lock}). End it, or wait and try again."
        ) from None
