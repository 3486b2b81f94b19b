"""A disk of its own, small enough to be filled, for the data of one embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

Store = Literal["postgresql", "neo4j"]
FOLDERS: Final[dict[Store, str]] = {"postgresql": "postgres", "neo4j": "neo4j"}
MIB: Final[dict[Store, int]] = {"postgresql": 300, "neo4j": 620}
"""What a first start asks for, and a little; memory is taken only by what is written."""


def why_none() -> str | None:
    """Say why no such disk can be made here; `None` if one can."""
    if not sys.platform.startswith("linux"):
        return "a small disk is a tmpfs, which only Linux has"
    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    return None


class SmallDisk:
    """A tmpfs over a server's part of a data folder, unmounted at the end."""

    def __init__(self, data_dir: Path, store: Store) -> None:
        self._place = data_dir / FOLDERS[store]
        self._ballast = self._place / "ballast"
        self._size = f"size={MIB[store]}m,mode=0700"

    def __enter__(self) -> Self:
        self._place.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", self._size, "tmpfs", str(self._place)]
        subprocess.run(mount, check=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run(["umount", str(self._place)], check=True)

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("wb") as file:
            state = os.statvfs(self._place)
            os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize)

    def free(self) -> None:
        """Give back what `fill` took, if it did."""
        self._ballast.unlink(missing_ok=True)
