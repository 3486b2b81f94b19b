"""`docker compose up -d --wait` with a .env is enough, and the trees outlive the containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sapwood.servers import FixedPorts
from sapwood.servers.ports import PortBook

from .leftovers import docker, run_name

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.containers

ROOT = Path(__file__).parents[2]
PASSWORDS = ("ForPostgres0815", "ForNeo4j4711")
OWN = ("SAPWOOD_", "NEO4J_", "POSTGRES_", "DATABASE_", "COMPOSE_")


class User:
    """Someone with a .env in a folder, made from the example, and no variables set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = PortBook(folder / "ports.json", FixedPorts())
        text = (ROOT / ".env.example").read_text()
        for name, password in zip(("POSTGRES", "NEO4J"), PASSWORDS, strict=True):
            text = text.replace(f"{name}_PASSWORD=\n", f"{name}_PASSWORD={password}\n")
        for server in ("postgres", "neo4j", "browser"):
            name = f"SAPWOOD_{server.upper()}_PORT"
            text = re.sub(rf"(?m)^{name}=\d+$", f"{name}={ports.claim(server)}", text)
        (folder / ".env").write_text(text)

    def runs(self, *command: str) -> str:
        """Run a command in the folder; return what it printed."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**own, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """Run docker compose on the project's file, under a name of this run's own."""
        files = ("--file", str(ROOT / "docker-compose.yml"), "--env-file", ".env")
        return self.runs("docker", "compose", "--project-name", run_name(), *files, *arguments)

    def searches(self, iterations: int) -> list[str]:
        """Run the example; return the counts of nodes that it reports."""
        program = str(ROOT / "examples" / "game24.py")
        arguments = ("--ranks", "1,926", "--iterations", str(iterations))
        shown = self.runs(sys.executable, program, *arguments)
        return re.findall(r"│ (\d+) +│ \d+ +│ \d+ +│ \d+ +│", shown)


@pytest.fixture(scope="module")
def user(no_leftovers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user after `docker compose up -d --wait`; nothing is left of it afterwards."""
    user = User(tmp_path_factory.mktemp("compose"))
    try:
        user.compose("up", "--detach", "--wait")
        yield user
    finally:
        user.compose("down", "--volumes")
    of_run = ("--quiet", "--filter", f"label=com.docker.compose.project={run_name()}")
    left = docker("ps", "--all", *of_run) + docker("volume", "ls", *of_run)
    assert left + docker("network", "ls", *of_run) == ""


def test_status_finds_both_servers_by_the_same_env_file(user: User) -> None:
    shown = user.runs(sys.executable, "-c", "from sapwood.cli import main; main()", "status")
    assert re.search(r"^postgres\thealthy\t", shown, re.MULTILINE)
    assert re.search(r"^neo4j\thealthy\t", shown, re.MULTILINE)
    assert "from .env SAPWOOD_DATABASE_URL" in shown


def test_no_password_shows_in_an_inspection_or_on_a_command_line(user: User) -> None:
    shown = docker("inspect", *user.compose("ps", "--quiet").split())
    lines = [
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    ]
    assert [line for line in lines if "org.neo4j" in line]
    assert [word for word in PASSWORDS if word in shown + "\n".join(lines)] == []


def test_trees_outlive_the_containers(user: User) -> None:
    assert user.searches(20) == ["20", "20"]
    user.compose("down")
    user.compose("up", "--detach", "--wait")
    assert user.searches(0) == ["20", "20"]
    assert user.searches(30) == ["30", "30"]


def test_the_demo_runs_on_them_as_it_does_on_its_own_servers(user: User) -> None:
    shown = user.runs(sys.executable, str(ROOT / "examples" / "demo.py"), "--quick", "--given")
    assert "to 160: none missing, none double" in shown
    assert "password  in .env NEO4J_PASSWORD" in shown
    assert not any(password in shown for password in PASSWORDS)
