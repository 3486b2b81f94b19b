"""Print what a shell needs to use containers, after starting a daemon if none answers.

    eval "$(python -m tests.containers.images)"
    python -m tests.containers.images --stop

Standard output has `export NAME=value` lines only; what happens is told on standard error.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from filelock import FileLock

from . import build, compose, daemon
from .cache import cache_dir
from .command import FailedError, say


def main() -> int:
    """Start or stop; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stop", action="store_true", help="end the daemon that this started")
    stop = parser.parse_args().stop
    try:
        with FileLock(cache_dir() / "lock"):
            variables = daemon.stop() if stop else start()
    except FailedError as exc:
        say(f"error: {exc}")
        return 1
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def start() -> dict[str, str]:
    """Make containers possible; return the variables to set."""
    if daemon.answers():
        say("a Docker daemon answers; it is used as it is")
        return {}
    variables = daemon.start()
    os.environ.update(variables)  # for the commands that build
    build.ensure_images()
    return variables | compose.ensure()


if __name__ == "__main__":
    sys.exit(main())
