"""README's program runs as it stands there, typed by a newcomer."""

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
README = (ROOT / "README.md").read_text()


def program(project_id: str) -> str:
    """README's program, for a project of its own, not another run's."""
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    return str(text).replace("hello-tree", project_id)


def server_variables(servers: Endpoints) -> dict[str, str]:
    """The environment of a user who has servers of their own."""
    return {
        "SAPWOOD_DATABASE_URL": servers.database_url.get_secret_value(),
        "NEO4J_URI": servers.neo4j_uri,
        "NEO4J_USERNAME": servers.neo4j_username,
        "NEO4J_PASSWORD": servers.neo4j_password.get_secret_value(),
    }


def test_the_program_on_the_first_screen_runs_and_prints_the_path(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    assert len(program(project_id).strip().splitlines()) <= 15
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program(project_id)],
        cwd=tmp_path,
        env={**os.environ, **server_variables(servers)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    receipt, *path = done.stdout.splitlines()
    assert "seq=1 nodes=2 statuses=1" in receipt
    assert "applied=True" in receipt
    assert path == ["4 9 10 13 complete", "  (10 - 4) 9 13 alive"]
    assert done.stderr == ""


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_first_screen_names_the_two_commands() -> None:
    first_screen = README[:1200]
    assert "make demo" in first_screen
    assert "make test" in first_screen
