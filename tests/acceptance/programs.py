"""Programs of the docs, run as they stand there, in a process and a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

ROOT = Path(__file__).parents[2]


def program(page: str, project: str, project_id: str) -> str:
    """Return the only program of a page, for `project_id` instead of the project that it names."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert f'"{project}"' in text
    return str(text).replace(f'"{project}"', f'"{project_id}"')


def server_variables(servers: Endpoints) -> dict[str, str]:
    """The environment of a user who has servers of their own."""
    return {
        "SAPWOOD_DATABASE_URL": servers.database_url.get_secret_value(),
        "NEO4J_URI": servers.neo4j_uri,
        "NEO4J_USERNAME": servers.neo4j_username,
        "NEO4J_PASSWORD": servers.neo4j_password.get_secret_value(),
    }


def run(text: str, servers: Endpoints, folder: Path) -> list[str]:
    """Run a program; return the lines that it prints. It has to end well and warn of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        cwd=folder,
        env={**os.environ, **server_variables(servers)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
