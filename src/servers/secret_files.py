"""Passwords: made at random, kept in files that only their owner can read."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ..whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM_BYTES = 24


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file that nobody else can read, whole or not at all: see `write_whole`."""
    write_whole(path, text.encode(), mode=0o600, owner=owner)


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
