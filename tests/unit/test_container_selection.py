"""Tests that need containers are left out with one line, unless they are required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collect(*options: str) -> subprocess.CompletedProcess[str]:
    """Collect the container tests where no daemon answers."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "tests/containers", "--collect-only", "-q", *options],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_daemon_they_are_left_out_and_one_line_says_so() -> None:
    done = collect()
    lines = [line for line in done.stdout.splitlines() if "containers were left out" in line]
    assert len(lines) == 1
    assert "::" not in done.stdout


def test_where_they_are_required_a_missing_daemon_is_an_error() -> None:
    done = collect("--containers=require")
    assert done.returncode == 4
    assert "need containers" in done.stderr
    assert "tests.containers.images" in done.stderr
