"""The facts about a machine that a figure depends on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from .result import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .bench import Bench

PACKAGES = ("neo4j", "neo4j-rust-ext", "asyncpg", "numpy", "pydantic")


async def look_at_machine(bench: Bench, packages: Iterable[str]) -> Machine:
    """Return the facts of now."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    servers = {"neo4j server": await bench.neo4j_version(), "postgresql": await bench.pg_version()}
    found = {name: known for name in [*PACKAGES, *packages] if (known := _version(name))}
    return Machine(
        cpus=cpus or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        versions={"python": platform.python_version()} | servers | found,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """Return the commit of the sources, and `+` if something is not committed; empty without."""

    def git(*arguments: str) -> str:
        where = Path(__file__).parent
        return subprocess.run(
            ["git", "-C", str(where), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/src", ":/cypher")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
