"""Containers of test runs that were killed: found by the name of their run, and removed."""

from __future__ import annotations

import os
import platform
import re
import subprocess

import psutil

LABEL = "sapwood.test-run"
_HERE = "sapwood-test-" + re.sub(r"[^a-z0-9]", "", platform.node().lower())


def run_name() -> str:
    """Name this run: label of its containers, and name of its compose project."""
    return f"{_HERE}-{os.getpid()}"


def remove_leftovers() -> None:
    """Remove what runs of this machine left whose process is gone; nothing of others."""
    for name in set(docker("ps", "--all", "--format", f'{{{{.Label "{LABEL}"}}}}').split()):
        if _is_gone(name):
            filtered = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={name}")
            docker("rm", "--force", "--volumes", *filtered.split())
    for name in docker("compose", "ls", "--all", "--quiet").split():
        if _is_gone(name):
            docker("compose", "--project-name", name, "down", "--volumes")


def docker(*arguments: str) -> str:
    """Run a docker command; return what it printed."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _is_gone(name: str) -> bool:
    owner = re.fullmatch(re.escape(_HERE) + r"-(\d+)", name)
    return owner is not None and not psutil.pid_exists(int(owner[1]))
