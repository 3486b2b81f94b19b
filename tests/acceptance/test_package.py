"""The package as it is shipped: built, installed where nothing else is, and used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from .programs import ROOT, program, server_variables

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist of this checkout, and a wheel that was made from that."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


def test_the_wheel_holds_the_package_and_its_files_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"sapwood", "sapwood-0.1.0.dist-info"}
    shipped = {
        f"sapwood/{path.relative_to(ROOT / folder) if folder == 'src' else path.relative_to(ROOT)}"
        for folder in ("src", "cypher")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("sapwood/")} == shipped


def test_the_sdist_holds_what_the_wheel_is_made_of(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "cypher/node/nodes.cypher"} <= names


def test_the_wheel_runs_the_readmes_program_in_a_clean_environment(
    built: Path, servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[cli]")
    text = program("README.md", "hello-tree", project_id)
    shown = run(python, "-W", "error", "-c", text, **server_variables(servers))
    assert "4 9 10 13 complete" in shown
    command = tmp_path / "venv" / "bin" / "sapwood"
    assert run(command, "--version") == "sapwood 0.1.0\n"
    assert '"healthy": true' in run(command, "status", "--json", **server_variables(servers))
