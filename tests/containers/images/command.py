"""Running other programs: quietly, with a log, and one clear line when they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from .cache import cache_dir

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_LINES = 8


class FailedError(Exception):
    """Something that has to be done by hand, in one line."""


def say(text: str) -> None:
    """Tell what happens, on standard error."""
    print(f"containers: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, why: str, **environment: str) -> None:
    """Run a program, its output in a log.

    Raises:
        FailedError: It failed; `why` and the log's last lines say so.
    """
    log = cache_dir() / f"{os.path.basename(command[0])}.log"  # noqa: PTH119 - it may be a bare name
    with log.open("wb") as output:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            check=False,
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        raise FailedError(f"{why} (whole log: {log})\n{tail}")


def need(**programs: str) -> None:
    """Install Debian packages, named `program=package`, whose program is missing.

    Raises:
        FailedError: They cannot be installed.
    """
    packages = [package for name, package in programs.items() if shutil.which(name) is None]
    if not packages:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise FailedError(
            f"install {', '.join(packages)} first; doing it here needs root on Debian"
        )
    say(f"installing {', '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", why="Debian's package lists cannot be fetched", **quiet)
    install = ("apt-get", "install", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")
    run(*install, *packages, why=f"{packages} cannot be installed", **quiet)
