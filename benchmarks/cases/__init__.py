"""The cases, a module a subject, in the order of the report."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Case

MODULES = (
    "ingest",
    "peers",
    "flush",
    "reads",
    "memory",
    "scores",
    "branch_stats",
    "growth",
    "starting",
)


def all_cases() -> list[Case]:
    """Return every case, in order."""
    return [case for name in MODULES for case in import_module(f"cases.{name}").CASES]
