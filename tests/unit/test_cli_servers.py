"""The command line: exit codes, one clear line for an error, never a password."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from sapwood.servers.folder import DataFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET = "s3cret-of-the-test"  # noqa: S105
BOTH = {
    "DATABASE_URL": f"postgresql://ann:{SECRET}@127.0.0.1:1/trees",
    "NEO4J_URI": "bolt://127.0.0.1:1",
    "NEO4J_PASSWORD": SECRET,
}
START = [sys.executable, "-c", "from sapwood.cli import main; main()"]


def _environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **more}


def _run(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*START, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=_environment(**(environment or {})),
        timeout=60,
        check=False,
    )
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_version_is_told(tmp_path: Path) -> None:
    done = _run("--version", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("sapwood ")


def test_a_wrong_command_is_a_usage_error(tmp_path: Path) -> None:
    assert _run("nonsense", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("command", ["up", "status"])
def test_half_given_servers_are_one_line_and_exit_code_1(command: str, tmp_path: Path) -> None:
    done = _run(command, folder=tmp_path, environment={"DATABASE_URL": BOTH["DATABASE_URL"]})
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "environment DATABASE_URL" in line


def test_up_with_given_servers_starts_none_and_says_where_they_come_from(tmp_path: Path) -> None:
    done = _run("up", "--data-dir", str(tmp_path / "data"), folder=tmp_path, environment=BOTH)
    assert done.returncode == 0
    assert "postgresql://127.0.0.1:1/trees  (from environment DATABASE_URL)" in done.stdout
    assert "bolt://127.0.0.1:1  (from environment NEO4J_URI)" in done.stdout
    assert not (tmp_path / "data").exists()


def test_status_of_given_servers_that_do_not_answer_ends_with_3(tmp_path: Path) -> None:
    done = _run("status", "--json", folder=tmp_path, environment=BOTH)
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["kind"] == "given"
    assert report["healthy"] is False
    assert [line["name"] for line in report["servers"]] == ["postgres", "neo4j"]
    assert all("refused" in line["problem"].lower() for line in report["servers"])
    assert report["sources"]["neo4j_uri"] == "environment NEO4J_URI"


@pytest.mark.parametrize(
    "unquoted",
    [
        f"a@b:/c#?{SECRET}",
        f"a?x={SECRET}",
        f"{SECRET}?x=y",
        f"{SECRET}/x",
        f"{SECRET}#x",
        f"[{SECRET}",
    ],
)
@pytest.mark.parametrize("command", ["up", "status", "doctor"])
def test_a_password_that_is_not_quoted_is_never_shown_and_no_server_is_asked(
    command: str, unquoted: str, tmp_path: Path
) -> None:
    url = f"postgresql://ann:{unquoted}@127.0.0.1/trees"
    done = _run(command, folder=tmp_path, environment={**BOTH, "DATABASE_URL": url})
    assert done.returncode == (3 if command == "doctor" else 1)
    assert "percent-encode the password" in done.stdout + done.stderr


@pytest.mark.parametrize("uri", [f"bolt:ann:{SECRET}@host", f"bolt://ann:{SECRET}#x@host"])
def test_a_password_in_the_neo4j_address_is_refused_and_not_shown(uri: str, tmp_path: Path) -> None:
    done = _run("status", folder=tmp_path, environment={**BOTH, "NEO4J_URI": uri})
    assert done.returncode == 1
    assert "holds a user or password" in done.stderr


@pytest.mark.parametrize("command", ["verify", "rebuild", "doctor", "status"])
def test_help_is_there_for_each_command(command: str, tmp_path: Path) -> None:
    done = _run(command, "-h", folder=tmp_path)
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from sapwood.cli.app import app; app(['-h'], standalone_mode=False);"
        " sys.exit(sorted({'neo4j', 'sqlalchemy', 'asyncpg', 'numpy'} & set(sys.modules)) != [])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_to_rebuild_without_a_terminal_takes_a_yes(tmp_path: Path) -> None:
    done = _run("rebuild", "some", folder=tmp_path, environment=BOTH)
    assert done.returncode == 2
    assert "--yes" in done.stderr


@pytest.mark.parametrize("arguments", [("verify", "some"), ("rebuild", "some", "--yes")])
def test_servers_that_do_not_answer_are_one_line_and_exit_code_1(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = _run(*arguments, folder=tmp_path, environment=BOTH)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: postgresql: ")


def test_doctor_of_servers_that_do_not_answer_ends_with_3(tmp_path: Path) -> None:
    done = _run("doctor", "--json", folder=tmp_path, environment=BOTH)
    assert done.returncode == 3
    checks = {each["name"]: each["state"] for each in json.loads(done.stdout)["checks"]}
    assert checks == {"settings": "ok", "postgres": "problem", "neo4j": "problem"}


def test_doctor_says_that_half_of_the_settings_is_missing(tmp_path: Path) -> None:
    half = {"DATABASE_URL": BOTH["DATABASE_URL"]}
    done = _run("doctor", "--json", folder=tmp_path, environment=half)
    assert done.returncode == 3
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["name"], check["state"]) == ("settings", "problem")
    assert "NEO4J_URI" in check["found"]


def test_doctor_of_an_empty_folder_creates_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = _run("doctor", "--data-dir", str(folder), folder=tmp_path)
    assert done.returncode == 3
    assert "postgres\tproblem\tdoes not run\tstart it: sapwood up" in done.stdout
    assert not folder.exists()


def test_status_of_an_empty_folder_creates_nothing_and_ends_with_3(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = _run("status", "--data-dir", str(folder), folder=tmp_path)
    assert done.returncode == 3
    assert "postgres\tdoes not run" in done.stdout
    assert "data_dir\tfrom argument" in done.stdout
    assert not folder.exists()


def test_down_of_an_empty_folder_is_fine_and_creates_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = _run("down", folder=tmp_path, environment={"SAPWOOD_DATA_DIR": str(folder)})
    assert done.returncode == 0
    assert "Nothing runs" in done.stdout
    assert not folder.exists()


def test_a_missing_typer_is_told_with_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['typer'] = None\nfrom sapwood.cli import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", hide],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=_environment(),
        check=False,
    )
    assert done.returncode == 1
    assert 'pip install "sapwood[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    DataFolder(folder).create()
    with FileLock(folder / "lock"):  # so that the command waits
        process = subprocess.Popen(
            [*START, "down", "--data-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=_environment(),
            preexec_fn=_hear_ctrl_c,
        )
        try:
            assert process.stderr is not None
            assert "waiting for another sapwood" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.strip() == "Interrupted."


def _hear_ctrl_c() -> None:
    """As in a terminal: a script's background jobs ignore it, and so would their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
