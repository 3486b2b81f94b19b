"""A user's terminal: bash, in a folder of programs, with the clients on the PATH."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Terminal:
    """Where a user types what a page says.

    Attributes:
        log_in: a script to run before any other.
        project_id: stands for the page's `my-project`.
    """

    folder: Path
    environment: dict[str, str]
    log_in: str
    project_id: str

    def run(self, script: str) -> subprocess.CompletedProcess[bytes]:
        """Log in and run a script."""
        script = script.replace("my-project", self.project_id)
        return subprocess.run(
            ["bash", "-eu", "-c", f"{self.log_in}\n{script}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def read(self, script: str) -> list[str]:
        """Run a script; return the lines that it printed, ended by newlines alone."""
        done = self.run(script)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return done.stdout.decode().removesuffix("\n").split("\n")
