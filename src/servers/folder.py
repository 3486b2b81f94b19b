"""The data folder: where the embedded servers keep their data, passwords, logs and notes.

<data dir>/
  sapwood-data   says that this folder is ours
  lock           guards up and down between processes
  ports.json     the ports that were picked once
  passwords/     postgres, neo4j (mode 0600)
  run/           pid and start time of each server
  logs/          what each server prints
  postgres/      data/ (the cluster)
  install-…/     PostgreSQL's programs, only when root runs sapwood
  neo4j/         conf/ data/ logs/ …
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from .errors import DataFolderError

_PARTS = ("passwords", "run", "logs", "postgres", "neo4j")
_NOT_CONTENT = {"lost+found"}  # an empty disk has it


def is_root() -> bool:
    """Say whether this process runs as root, as whom PostgreSQL refuses to run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def default_data_dir(name: str = "default") -> Path:
    """Choose the data folder called `name` for the current user. Nothing is created.

    An ordinary user's is in their own data folder. Root's is under /var/lib: PostgreSQL then runs
    as a service user, who cannot enter /root and for whom nobody should open it.
    """
    if is_root() and sys.platform.startswith("linux"):
        return Path("/var/lib/sapwood") / name
    return user_data_path("sapwood") / name


def default_cache_dir() -> Path:
    """The folder of what can be fetched again: the files of Neo4j."""
    return user_cache_path("sapwood")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths inside one data folder."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def neo4j(self) -> Path:
        return self.root / "neo4j"

    def password(self, server: str) -> Path:
        return self.root / "passwords" / server

    def record(self, server: str) -> Path:
        return self.root / "run" / f"{server}.json"

    def log(self, server: str) -> Path:
        return self.root / "logs" / f"{server}.log"

    @property
    def marker(self) -> Path:
        return self.root / "sapwood-data"

    def is_ours(self) -> bool:
        """Say whether sapwood made this folder, or was once given it empty."""
        # All parts at once are in no other folder; the marker came later.
        try:
            return self.marker.exists() or all((self.root / name).is_dir() for name in _PARTS)
        except OSError:  # another user's, which cannot be entered
            return False

    def create(self) -> None:
        """Make the folders that are missing and check that the root is ours.

        Raises:
            DataFolderError: it belongs to another user, holds something else, or cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.check_owner()
            self._check_content()
            # First of all: another process that starts now finds an empty folder or a marked one.
            self.marker.touch(mode=0o600)
            # Root's servers run as two users; the service user has to pass through, not to look.
            self.root.chmod(0o711 if is_root() else 0o700)
            for name in _PARTS:
                # Others may be starting too: the lock is inside, so it is not held yet.
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise DataFolderError(
                f"the data folder {self.root} cannot be prepared ({exc.strerror}). Choose another "
                "one with SAPWOOD_DATA_DIR."
            ) from exc

    def _check_content(self) -> None:
        # A folder of somebody's own would get another mode and our files.
        content = {path.name for path in self.root.iterdir()} - _NOT_CONTENT
        if content and not self.is_ours():
            raise DataFolderError(
                f"{self.root} is not empty and is no data folder of sapwood. Nothing was changed "
                "in it. Choose a new or an empty folder with SAPWOOD_DATA_DIR or --data-dir."
            )

    def check_owner(self) -> None:
        """Check that the root, which exists, belongs to the current user.

        Raises:
            DataFolderError: it belongs to another one.
        """
        if not hasattr(os, "geteuid"):
            return
        owner = self.root.stat().st_uid
        if owner != os.geteuid():
            raise DataFolderError(
                f"the data folder {self.root} belongs to user number {owner}, not to you "
                f"({os.geteuid()}). Run sapwood as that user, or choose another folder with "
                "SAPWOOD_DATA_DIR."
            )
