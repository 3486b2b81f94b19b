"""Passwords: made at random, kept in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM_BYTES = 24


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file that nobody else can read, whole or not at all.

    Mode and owner are set on the open draft, never by path: there is no moment in which another
    user could open it, and none in which root could be led to another file by a link.

    Args:
        owner: user and group number to give the file to (only root may).
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_password(path: Path) -> SecretStr | None:
    """Read a password, or None if there is no such file."""
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


def ensure_password(path: Path) -> SecretStr:
    """Read the password at `path`; make one first if there is none (192 random bits)."""
    known = read_password(path)
    if known is not None and known.get_secret_value():
        return known
    made = secrets.token_urlsafe(_RANDOM_BYTES)
    write_private(path, made)
    return SecretStr(made)
