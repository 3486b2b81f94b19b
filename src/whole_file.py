"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(
    path: Path, data: bytes, *, mode: int = 0o666, owner: tuple[int, int] | None = None
) -> None:
    """Write a draft beside `path`, bring it to the disk, and put it in the place of `path`.

    Mode and owner are set on the open draft, never by path: there is no moment in which another
    user could open it, and none in which root could be led to another file by a link.

    Args:
        mode: Who may read and write it, as far as the umask lets them.
        owner: User and group number to give the file to (only root may).

    Raises:
        OSError: It cannot be written; an earlier file is as it was.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
