"""Fixtures of the commands: each runs in a process of its own, as a user would run it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

START = [sys.executable, "-c", "from sapwood.cli import main; main()"]


class Run(Protocol):
    """Runs a command in a process of its own, without a terminal."""

    async def __call__(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run(servers: Endpoints, tmp_path: Path) -> Run:
    passwords = {
        servers.neo4j_password.get_secret_value(),
        urlsplit(servers.database_url.get_secret_value()).password or "",
    }
    given = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "DATABASE_URL": servers.database_url.get_secret_value(),
        "NEO4J_URI": servers.neo4j_uri,
        "NEO4J_PASSWORD": servers.neo4j_password.get_secret_value(),
    }

    async def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [*START, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
            env={**given, **environment},
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said, said
        assert not [word for word in passwords if word in said]
        return done

    return run_command
