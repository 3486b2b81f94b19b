"""Packages that only some calls need, and that come with an extra of their own."""

from __future__ import annotations

from importlib import import_module

from .errors import MissingExtraError


def require(extra: str, why: str, *modules: str) -> None:
    """Import what an extra brings.

    Args:
        why: What needs it, as the beginning of a sentence.

    Raises:
        MissingExtraError: A module cannot be imported; it says how to install the extra.
    """
    try:
        for name in modules:
            import_module(name)
    except ImportError as exc:
        raise MissingExtraError(
            f"{why} needs packages that are not installed; run pip install 'sapwood[{extra}]'"
        ) from exc
