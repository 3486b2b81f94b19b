"""The PostgreSQL cluster on disk: made whole or not at all, and checked before it is used."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from .disk import explain_full_disk, full_disk_message, require_room
from .environment import server_environment
from .errors import DataFolderError, DiskFullError, StartError
from .postgres_install import find_release
from .secret_files import ensure_password, read_password, write_private

if TYPE_CHECKING:
    from pathlib import Path

    from .postgres_install import PostgresInstall
    from .process import ServiceUser

USER = DATABASE = "sapwood"
_ROOM_BYTES = 200 * 2**20
_PURPOSE = "a new PostgreSQL cluster"


class PostgresCluster:
    """The data of one PostgreSQL.

    Args:
        folder: holds the cluster; belongs to the user who runs PostgreSQL.
        password: the file with the superuser's password.
    """

    def __init__(self, folder: Path, password: Path) -> None:
        self._folder = folder
        self._password = password
        self.data = folder / "data"

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def major(self) -> str:
        """The PostgreSQL version that made it, such as `18`."""
        return (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()

    def check(self) -> None:
        """Check that this sapwood can use it. Changes nothing; content with none at all.

        Raises:
            DataFolderError: it is damaged, of another version, or its password is lost.
        """
        if not self.exists:
            self._check_absent()
            return
        release, found = find_release(), self.major()
        if found != release.partition(".")[0]:
            raise DataFolderError(
                f"{self.data} was made by PostgreSQL {found}; this sapwood brings {release}, "
                "which cannot read it. Install the sapwood that made it, save the data with "
                "pg_dumpall and restore it here, or choose a new folder with SAPWOOD_DATA_DIR."
            )
        if read_password(self._password) is None:
            raise DataFolderError(
                f"the password file {self._password} is missing, but {self.data} was made with "
                "it. Put it back from a backup, or choose a new data folder with SAPWOOD_DATA_DIR."
            )

    def create(self, install: PostgresInstall, user: ServiceUser | None) -> None:
        """Make it, with the database, in a draft folder; then rename: no half-made one counts.

        Raises:
            DiskFullError: no room.
            StartError: initdb failed.
        """
        require_room(self._folder, _ROOM_BYTES, _PURPOSE)
        secret = ensure_password(self._password).get_secret_value()
        draft, handed = self._folder / "data.draft", self._folder / "password.draft"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            owner = (user.uid, user.gid) if user else None
            with explain_full_disk(self._folder, _PURPOSE):
                write_private(handed, secret + "\n", owner=owner)
                self._initdb(install, user, draft, handed)
                self._create_database(install, user, draft)
                draft.replace(self.data)
        finally:
            handed.unlink(missing_ok=True)
            shutil.rmtree(draft, ignore_errors=True)

    def _check_absent(self) -> None:
        # We never leave such a folder behind, so what is in it is somebody's data: hands off.
        if self.data.exists() and any(self.data.iterdir()):
            raise DataFolderError(
                f"{self.data} is not empty and is no PostgreSQL cluster (it has no PG_VERSION). "
                "Restore it from a backup or move it away; sapwood does not touch it."
            )

    def _initdb(
        self, install: PostgresInstall, user: ServiceUser | None, draft: Path, pwfile: Path
    ) -> None:
        argv = [
            install.program("initdb"), "-D", str(draft), "-U", USER, f"--pwfile={pwfile}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
            # PostgreSQL's own C.UTF-8; macOS has no locale of that name.
            "--builtin-locale=C.UTF-8", "--no-locale", "--data-checksums", "--set=max_wal_size=1GB",
            "--set=password_encryption=scram-sha-256", "--set=log_line_prefix=%m [%p] ",
        ]  # fmt: skip
        self._run(argv, user)

    def _create_database(
        self, install: PostgresInstall, user: ServiceUser | None, draft: Path
    ) -> None:
        # Single-user mode: no port is open yet, and the cluster is whole before it counts.
        argv = [install.program("postgres"), "--single", "-D", str(draft), "postgres"]
        self._run(argv, user, stdin=f"CREATE DATABASE {DATABASE};\n")

    def _run(self, argv: list[str], user: ServiceUser | None, *, stdin: str = "") -> None:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            env=server_environment(str(self._folder)),
            cwd="/",
            umask=0o077,
            check=False,
            **(user.popen if user else {}),  # type: ignore[call-overload]
        )
        if done.returncode == 0:
            return
        program = argv[0].rpartition("/")[2]
        said = (done.stderr or done.stdout).strip()[-1000:]
        if "No space left on device" in said:
            raise DiskFullError(full_disk_message(self._folder, program))
        raise StartError(f"{program} ended with {done.returncode} in {self._folder}: {said}")
