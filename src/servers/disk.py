"""Room on the disk: checked before something large is written, explained when it runs out."""

from __future__ import annotations

import contextlib
import errno
import shutil
from typing import TYPE_CHECKING

from .errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_MIB = 2**20


def require_room(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Check that `needed_bytes` fit on the disk of `folder` (which exists).

    Raises:
        DiskFullError: they do not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DiskFullError(
            full_disk_message(folder, purpose, f"needs about {needed_bytes // _MIB} MiB")
        )


@contextlib.contextmanager
def explain_full_disk(folder: Path, purpose: str) -> Generator[None]:
    """Turn "no space left" and "quota exceeded" into a `DiskFullError`."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(full_disk_message(folder, purpose)) from exc


def full_disk_message(folder: Path, purpose: str, what: str = "stopped half-way") -> str:
    """Say that the disk of `folder` is full, and what to do."""
    free = shutil.disk_usage(folder).free // _MIB
    return (
        f"the disk of {folder} is full: {purpose} {what} and {free} MiB are free. Make room there, "
        "or choose another place with SAPWOOD_DATA_DIR (data) or SAPWOOD_CACHE_DIR (downloads). "
        "What is already there is kept and used again."
    )
