"""The embedded servers' life, in a data folder of this module's own: few starts of Neo4j in all.

The tests build on each other in the order of the file, as a life does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psutil
import pytest
from pydantic import SecretStr

from sapwood.servers import EmbeddedServers, Endpoints, FixedPorts, default_data_dir
from sapwood.servers.bolt import BoltRefusedError, log_in
from sapwood.servers.errors import (
    DataFolderError,
    DiskFullError,
    PortTakenError,
    StartError,
    UnsafeServerError,
)
from sapwood.servers.folder import DataFolder, default_cache_dir
from sapwood.servers.neo4j import Neo4jServer
from sapwood.servers.neo4j_install import Neo4jInstall, ensure_install
from sapwood.servers.ports import PortBook
from sapwood.servers.process import alive
from sapwood.servers.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.once

LOOPBACK = "127.0.0.1"
START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from sapwood.servers import EmbeddedServers
endpoints = EmbeddedServers(Path(sys.argv[1]), class_cache=False).up()
print(endpoints.neo4j_uri, endpoints.database_url.get_secret_value(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    folder = default_data_dir(f"test-life-é-{uuid4().hex[:8]}")
    yield folder
    EmbeddedServers(folder).down()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def life(data_dir: Path) -> EmbeddedServers:
    return EmbeddedServers(data_dir, class_cache=False)


@pytest.fixture(scope="module")
def endpoints(life: EmbeddedServers) -> Endpoints:
    return life.up()


def _pids(servers: EmbeddedServers) -> tuple[int, int]:
    status = servers.status()
    assert status.postgres.pid is not None
    assert status.neo4j.pid is not None
    return status.postgres.pid, status.neo4j.pid


def _ports(endpoints: Endpoints) -> tuple[int, int, int]:
    urls = (endpoints.database_url.get_secret_value(), endpoints.neo4j_uri, endpoints.browser_url)
    postgres, bolt, browser = (urlsplit(url).port for url in urls)
    assert postgres
    assert bolt
    assert browser
    return postgres, bolt, browser


@pytest.fixture(scope="module")
def install() -> Neo4jInstall:
    return ensure_install(default_cache_dir(), mirror=None, progress=Progress(shown=False))


@pytest.fixture
def neo4j_alone(data_dir: Path) -> Iterator[Neo4jServer]:
    """A Neo4j in the module's folder, without a PostgreSQL; stopped at the end."""
    folder = DataFolder(data_dir)
    folder.create()
    server = Neo4jServer(folder, PortBook(folder.ports, FixedPorts()))
    yield server
    left = server.stop()
    if left is not None:
        server.process.wait_until_stopped(left, log=folder.log(server.name), timeout_s=60)


def test_a_new_neo4j_that_takes_the_well_known_password_is_stopped(
    neo4j_alone: Neo4jServer, install: Neo4jInstall, data_dir: Path
) -> None:
    password = data_dir / "passwords" / "neo4j"
    password.write_text("neo4j")
    neo4j_alone.launch(install)
    with pytest.raises(UnsafeServerError, match="well-known first password"):
        neo4j_alone.wait()
    assert not neo4j_alone.running()
    password.unlink()


def test_a_first_start_that_was_killed_does_not_spoil_the_next_one(
    neo4j_alone: Neo4jServer, install: Neo4jInstall, data_dir: Path
) -> None:
    neo4j_alone.launch(install)
    process = neo4j_alone.process.find()
    assert process is not None
    deadline = time.monotonic() + 60
    while not (data_dir / "neo4j" / "data" / "transactions" / "system").exists():
        assert time.monotonic() < deadline
    process.kill()
    psutil.wait_procs([process], timeout=30)
    half_made = data_dir / "neo4j" / "data" / "half-made"
    half_made.touch()
    neo4j_alone.launch(install)
    neo4j_alone.wait()
    assert not half_made.exists()


def test_two_processes_that_start_at_once_share_servers_that_outlive_their_sigkill(
    data_dir: Path, life: EmbeddedServers
) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START_AND_DIE, str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    first, second = (starter.communicate(timeout=240)[0] for starter in starters)
    assert [starter.returncode for starter in starters] == [-signal.SIGKILL] * 2
    assert first == second
    assert life.status().healthy
    endpoints = life.up()
    assert first.split() == [endpoints.neo4j_uri, endpoints.database_url.get_secret_value()]


async def test_postgres_refuses_a_wrong_and_a_missing_password(endpoints: Endpoints) -> None:
    port = _ports(endpoints)[0]
    for password in ("", "wrong"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=LOOPBACK, port=port, user="sapwood", database="sapwood", password=password
            )


async def test_the_cluster_compares_text_by_code_point_and_checks_its_pages(
    endpoints: Endpoints,
) -> None:
    connection = await asyncpg.connect(endpoints.database_url.get_secret_value())
    try:
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SHOW data_checksums") == "on"
        assert await connection.fetchval("SHOW fsync") == "on"
        locale = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = $1"
        assert await connection.fetchval(locale, "sapwood") == "bC.UTF-8"
        needed = "SELECT datcollate || datctype FROM pg_database WHERE datname = $1"
        assert await connection.fetchval(needed, "sapwood") == "CC"  # which every system has
    finally:
        await connection.close()


@pytest.mark.parametrize("password", [None, SecretStr("neo4j"), SecretStr("wrong")])
def test_neo4j_refuses_a_wrong_and_a_missing_password(
    endpoints: Endpoints, password: SecretStr | None
) -> None:
    with pytest.raises(BoltRefusedError, match="Unauthorized"):
        log_in(LOOPBACK, _ports(endpoints)[1], "neo4j", password)


def _ask(port: int, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    headers = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_a_page_of_another_origin_gets_no_cypher_and_no_readable_answer(
    endpoints: Endpoints,
) -> None:
    browser = _ports(endpoints)[2]
    statement = '{"statement": "RETURN 1"}'
    for method, path, body in (
        ("POST", "/db/neo4j/query/v2", statement),
        ("OPTIONS", "/db/neo4j/query/v2", None),
        ("POST", "/db/neo4j/tx/commit", '{"statements": []}'),
        ("GET", "/", None),
        ("GET", "/browser/", None),
    ):
        response = _ask(browser, method, path, body)
        allowed = response.getheader("Access-Control-Allow-Origin")
        assert allowed in (None, f"http://{LOOPBACK}:{browser}"), path
        if path.startswith("/db/"):
            assert response.status in (404, 405), path


def test_the_browsers_pages_may_talk_to_nobody_but_this_server(endpoints: Endpoints) -> None:
    _, bolt, browser = _ports(endpoints)
    response = _ask(browser, "GET", "/browser/")
    assert response.status == 200
    policy = response.getheader("Content-Security-Policy") or ""
    assert "default-src 'self'" in policy
    assert f"connect-src 'self' ws://{LOOPBACK}:{bolt} http://{LOOPBACK}:{browser};" in policy


def test_the_servers_listen_on_the_loopback_address_only(
    life: EmbeddedServers, endpoints: Endpoints
) -> None:
    listening = [
        connection.laddr
        for pid in _pids(life)
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
    ]
    assert {address.ip for address in listening} <= {LOOPBACK, f"::ffff:{LOOPBACK}", "::1"}
    assert sorted(address.port for address in listening) == sorted(_ports(endpoints))


def test_no_password_is_in_a_command_line_an_environment_or_another_file(
    life: EmbeddedServers, endpoints: Endpoints, data_dir: Path
) -> None:
    url = urlsplit(endpoints.database_url.get_secret_value())
    secrets = [str(url.password), endpoints.neo4j_password.get_secret_value()]
    for pid in _pids(life):
        process = psutil.Process(pid)
        seen = " ".join([*process.cmdline(), *process.environ().values()])
        assert not any(secret in seen for secret in secrets)
    kept = [data_dir / "passwords" / name for name in ("postgres", "neo4j")]
    assert [path.read_text() for path in kept] == secrets
    for path in data_dir.rglob("*"):
        small = path.is_file() and path not in kept and path.stat().st_size < 2**20
        if small and "install" not in str(path):
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_as_root_postgres_runs_as_a_service_user_and_no_parent_folder_is_opened(
    life: EmbeddedServers, data_dir: Path
) -> None:
    postgres = psutil.Process(_pids(life)[0])
    assert postgres.uids().effective != 0
    assert data_dir.stat().st_mode & 0o777 == 0o711
    assert (data_dir / "passwords").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("server", ["neo4j", "postgres"])
def test_a_wrong_password_file_is_told_at_once_and_locks_nobody_out(
    life: EmbeddedServers, endpoints: Endpoints, data_dir: Path, server: str
) -> None:
    path = data_dir / "passwords" / server
    kept = path.read_text()
    path.write_text("wrong")
    for _ in range(4):
        with pytest.raises(StartError, match=f"refuses the password in .*{server}.*sapwood down"):
            life.up()
    path.write_text(kept)
    assert life.up() == endpoints


async def test_servers_that_are_ending_are_waited_for_and_started_again(
    life: EmbeddedServers, endpoints: Endpoints, data_dir: Path
) -> None:
    before = _pids(life)
    session = await asyncpg.connect(endpoints.database_url.get_secret_value())
    for pid in before:  # PostgreSQL then waits for its sessions, and takes no new one
        psutil.Process(pid).send_signal(signal.SIGTERM)
    starting = asyncio.create_task(asyncio.to_thread(life.up))
    await asyncio.to_thread(_wait_for_text, data_dir / "logs" / "postgres.log", "is shutting down")
    await session.close()
    assert await starting == endpoints
    assert not set(before).intersection(_pids(life))
    assert life.status().healthy


def _wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in path.read_text():
        assert time.monotonic() < deadline


def test_a_fixed_port_that_comes_too_late_is_told(
    data_dir: Path, endpoints: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    ports = FixedPorts(postgres=1, neo4j=2, browser=3)
    assert EmbeddedServers(data_dir, ports=ports).up() == endpoints
    for name in ("POSTGRES", "NEO4J", "BROWSER"):
        assert f"SAPWOOD_{name}_PORT=" in caplog.text
    assert "has no effect" in caplog.text


def test_servers_whose_pid_files_were_lost_are_found_again(
    life: EmbeddedServers, endpoints: Endpoints, data_dir: Path
) -> None:
    before = _pids(life)
    for record in (data_dir / "run").iterdir():
        record.unlink()
    assert life.up() == endpoints
    assert _pids(life) == before


def test_a_killed_neo4j_is_told_and_started_again_on_another_port_if_its_own_was_taken(
    life: EmbeddedServers, endpoints: Endpoints
) -> None:
    postgres, neo4j = _pids(life)
    killed = psutil.Process(neo4j)
    killed.kill()
    psutil.wait_procs([killed], timeout=30)
    status = life.status()
    assert not status.healthy
    assert (status.postgres.healthy, status.neo4j.problem) == (True, "does not run")
    with socket.create_server((LOOPBACK, _ports(endpoints)[1])):
        again = life.up()
    assert _ports(again)[1] != _ports(endpoints)[1]
    assert _ports(again)[0] == _ports(endpoints)[0]
    assert _pids(life)[0] == postgres
    assert life.status().healthy


def test_a_killed_postgres_starts_again_although_its_pid_is_now_another_programs(
    life: EmbeddedServers, endpoints: Endpoints, data_dir: Path
) -> None:
    killed = psutil.Process(_pids(life)[0])
    owner = killed.uids().effective
    processes = [killed, *killed.children(recursive=True)]
    killed.kill()
    psutil.wait_procs(processes, timeout=30)  # its children end by themselves
    with _another_program(owner) as pid:
        pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{pid}\n", *rest]))
        assert _ports(life.up())[0] == _ports(endpoints)[0]
        assert life.status().healthy


@contextlib.contextmanager
def _another_program(owner: int) -> Generator[int]:
    with subprocess.Popen(["sleep", "600"], user=owner) as program:
        try:
            yield program.pid
        finally:
            program.kill()


def test_down_stops_both_cleanly_and_a_second_down_finds_nothing(
    life: EmbeddedServers, data_dir: Path
) -> None:
    processes = [psutil.Process(pid) for pid in _pids(life)]
    assert life.down() is True
    assert not any(alive(process) for process in processes)
    assert "database system is shut down" in (data_dir / "logs" / "postgres.log").read_text()
    assert "Stopped." in (data_dir / "logs" / "neo4j.log").read_text().splitlines()[-1]
    assert life.down() is False
    status = life.status()
    assert (status.postgres.running, status.neo4j.running) == (False, False)
    assert list((data_dir / "run").iterdir()) == []


def _sapwood(*arguments: str, data_dir: Path) -> subprocess.Popen[str]:
    command = "from sapwood.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, *arguments, "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SAPWOOD_CLASS_CACHE": "0"},
        cwd=data_dir,  # without a .env
        preexec_fn=_hear_ctrl_c,
    )


def _hear_ctrl_c() -> None:
    """As in a terminal: a script's background jobs ignore it, and so would their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_on_the_command_line_ctrl_c_in_a_start_harms_nothing_and_up_status_down_follow(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SAPWOOD_DATABASE_URL", "DATABASE_URL", "SAPWOOD_NEO4J_URI", "NEO4J_URI"):
        monkeypatch.delenv(name, raising=False)
    interrupted, deadline = _sapwood("up", data_dir=data_dir), time.monotonic() + 60
    while not (data_dir / "run" / "neo4j.json").exists():
        assert time.monotonic() < deadline
    interrupted.send_signal(signal.SIGINT)
    assert "Traceback" not in interrupted.communicate(timeout=120)[1]
    assert interrupted.returncode == 130
    secrets = [path.read_text() for path in (data_dir / "passwords").iterdir()]
    for arguments, code, said in (
        (["up"], 0, "Stop both with `sapwood down"),
        (["status"], 0, "neo4j\thealthy"),
        (["down"], 0, "Stopped."),
        (["status"], 3, "neo4j\tdoes not run"),
    ):
        process = _sapwood(*arguments, data_dir=data_dir)
        output = "".join(process.communicate(timeout=240))
        assert (process.returncode, said in output) == (code, True), output
        assert not any(secret in output for secret in secrets)


def test_a_full_disk_is_explained_and_nothing_is_started(
    life: EmbeddedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(DiskFullError, match=r"is full: starting the servers.*Make room"):
            life.up()
    status = life.status()
    assert (status.postgres.running, status.neo4j.running) == (False, False)


def test_a_cache_in_which_nothing_is_missing_is_not_written(
    install: Neo4jInstall, tmp_path: Path
) -> None:
    original = install.class_cache.folder
    folder = tmp_path / original.name
    (folder / "lock").mkdir(parents=True)  # cannot be locked, as if it were another user's
    for path in (original / "jars", *original.glob("*.jar")):
        (folder / path.name).symlink_to(path)
    before = sorted(folder.iterdir())
    found = ensure_install(tmp_path, mirror=None, progress=Progress(shown=False))
    assert len(found.class_path) == len(install.class_path)
    assert sorted(folder.iterdir()) == before


def test_a_cache_that_cannot_be_used_is_told(install: Neo4jInstall, tmp_path: Path) -> None:
    folder = tmp_path / install.class_cache.folder.name
    folder.mkdir()
    (folder / "jars").write_text("no folder")
    with pytest.raises(DataFolderError, match=r"cache folder .* SAPWOOD_CACHE_DIR"):
        ensure_install(tmp_path, mirror=None, progress=Progress(shown=False))


def test_a_taken_port_that_the_user_fixed_is_refused_and_nothing_is_started(
    life: EmbeddedServers, data_dir: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        fixed = FixedPorts(postgres=listener.getsockname()[1])
        with pytest.raises(PortTakenError, match="SAPWOOD_POSTGRES_PORT"):
            EmbeddedServers(data_dir, ports=fixed).up()
    assert not life.status().neo4j.running


def test_a_lost_password_file_is_told_and_nothing_is_started(
    life: EmbeddedServers, data_dir: Path
) -> None:
    path = data_dir / "passwords" / "neo4j"
    kept = path.read_text()
    path.unlink()
    with pytest.raises(DataFolderError, match=r"password file .*neo4j is missing"):
        life.up()
    path.write_text(kept)
    assert not life.status().postgres.running


def test_data_of_another_neo4j_is_refused_and_nothing_is_started(
    life: EmbeddedServers, data_dir: Path
) -> None:
    version = data_dir / "neo4j" / "version.json"
    kept = version.read_text()
    version.write_text('{"neo4j": "2031.01.0"}')
    with pytest.raises(DataFolderError, match=r"made by Neo4j 2031\.01\.0.*made again"):
        life.up()
    version.write_text(kept)
    assert not life.status().postgres.running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_as_root_a_folder_that_the_service_user_cannot_reach_is_refused_and_stays_closed(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    servers = EmbeddedServers(closed / "data")
    with pytest.raises(DataFolderError, match="Sapwood does not open it"):
        servers.up()
    assert not servers.status().neo4j.running
    assert closed.stat().st_mode & 0o777 == 0o700
