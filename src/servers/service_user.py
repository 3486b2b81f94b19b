"""The unprivileged account that runs PostgreSQL when sapwood runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from ..errors import ServerError
from .errors import DataFolderError
from .folder import is_root
from .process import ServiceUser

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "sapwood"


def service_user() -> ServiceUser | None:
    """The account for PostgreSQL: None (ourselves) unless we are root, else a system account.

    The account is made the first time; it has no password, no shell and no home.

    Raises:
        ServerError: we are root and the account can be neither found nor made.
    """
    if not is_root():
        return None
    return find_service_user() or _create()


def postgres_uid() -> int | None:
    """The number of the user who runs PostgreSQL; None if their account is not made yet."""
    if not is_root():
        return os.geteuid()
    user = find_service_user()
    return None if user is None else user.uid


def require_passage(folder: Path, user: ServiceUser | None) -> None:
    """Check that the service user can reach `folder`; never opens a folder for them.

    Raises:
        DataFolderError: a parent folder is closed to them (as /root is, on purpose).
    """
    if user is None:
        return
    # Asked of the system rather than computed: access lists and mounts count too.
    tried = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        capture_output=True,
        cwd="/",
        check=False,
        **user.popen,  # type: ignore[call-overload]
    )
    if tried.returncode != 0:
        raise DataFolderError(
            f"PostgreSQL does not run as root, and its service user {user.name!r} may not enter "
            f"{folder}: a folder above it is closed to others. Sapwood does not open it. Choose a "
            "data folder elsewhere, for example SAPWOOD_DATA_DIR=/var/lib/sapwood/default, or run "
            "sapwood as an ordinary user."
        )


def find_service_user() -> ServiceUser | None:
    """The account, if it was made. Makes nothing."""
    import pwd

    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        raise ServerError(f"the account {_NAME!r} is root under another name; PostgreSQL refuses.")
    return ServiceUser(_NAME, entry.pw_uid, entry.pw_gid)


def _create() -> ServiceUser:
    problem = "there is no `useradd` here"
    if sys.platform.startswith("linux") and shutil.which("useradd"):
        made = subprocess.run(
            [
                "useradd", "--system", "--user-group", "--no-create-home",
                "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", _NAME,
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        user = find_service_user()  # another process may have made it at the same time
        if user is not None:
            return user
        problem = made.stderr.strip() or f"useradd ended with {made.returncode}"
    raise ServerError(
        f"PostgreSQL does not run as root and no service account could be made ({problem}). Run "
        f"sapwood as an ordinary user, or create a system account called {_NAME!r}."
    )
