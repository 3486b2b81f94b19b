"""Passwords, ports, disks, Javas and the lock: what the servers room keeps on disk."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from sapwood.errors import ServerError
from sapwood.servers.disk import explain_full_disk, require_room
from sapwood.servers.environment import server_environment
from sapwood.servers.errors import DataFolderError, DiskFullError, JavaError, PortTakenError
from sapwood.servers.guard import one_at_a_time
from sapwood.servers.jars import Jar, neo4j_bundle, parse_lock
from sapwood.servers.java import find_java
from sapwood.servers.ports import LOOPBACK, FixedPorts, PortBook, is_free
from sapwood.servers.postgres_cluster import PostgresCluster
from sapwood.servers.secret_files import ensure_password, write_private


def test_a_password_is_random_kept_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = ensure_password(tmp_path / "one")
    assert ensure_password(tmp_path / "one").get_secret_value() == first.get_secret_value()
    assert ensure_password(tmp_path / "two").get_secret_value() != first.get_secret_value()
    assert len(first.get_secret_value()) >= 32
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600
    assert first.get_secret_value() not in repr(first)


def test_a_private_file_replaces_the_old_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_lock_names_each_file_once_with_a_whole_hash() -> None:
    jars = neo4j_bundle().jars
    assert len(jars) == 226
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) and jar.size > 0 for jar in jars)
    by_artifact = {jar.artifact: jar.version for jar in jars}
    assert by_artifact["neo4j-server"] == "2026.08.1"
    assert by_artifact["neo4j-browser"] == "5.24.0"


def test_a_lock_line_may_have_a_classifier() -> None:
    (jar,) = parse_lock("# comment\n\ng.h:a:1.0:linux-x86_64 " + "0" * 64 + " 7\n")
    assert jar == Jar("g.h", "a", "1.0", "linux-x86_64", "0" * 64, 7)
    assert jar.file_name == "a-1.0-linux-x86_64.jar"
    assert jar.coordinates == "g.h:a:1.0:linux-x86_64"


def test_a_port_is_picked_once_and_remembered(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json", FixedPorts())
    port = book.claim("neo4j")
    assert is_free(port)
    assert PortBook(tmp_path / "ports.json", FixedPorts()).claim("neo4j") == port
    assert book.claim("browser") != port


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json", FixedPorts())
    port = book.claim("neo4j")
    with socket.create_server((LOOPBACK, port)):
        other = book.claim("neo4j")
    assert other != port
    assert book.known("neo4j") == other


def test_a_fixed_port_that_is_taken_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        book = PortBook(tmp_path / "ports.json", FixedPorts(browser=port))
        with pytest.raises(PortTakenError, match=f"port {port} .*SAPWOOD_BROWSER_PORT"):
            book.claim("browser")
    assert book.claim("browser") == port


def test_one_port_for_two_servers_is_refused_by_the_names_of_both_settings(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json", FixedPorts(neo4j=17001, browser=17001))
    with pytest.raises(PortTakenError, match="SAPWOOD_NEO4J_PORT and SAPWOOD_BROWSER_PORT both"):
        book.check_fixed("neo4j", "browser")


def test_a_port_that_another_server_of_the_folder_has_or_wants_is_not_claimed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ports.json"
    port = PortBook(path, FixedPorts()).claim("browser")
    assert PortBook(path, FixedPorts(neo4j=port)).claim("browser") != port
    assert PortBook(path, FixedPorts(neo4j=port)).claim("neo4j") == port
    path.write_text(json.dumps({"neo4j": port, "browser": port}))
    assert PortBook(path, FixedPorts()).claim("browser") != port


def test_a_damaged_port_file_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{half")
    assert PortBook(tmp_path / "ports.json", FixedPorts()).known("neo4j") is None


def test_too_little_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    require_room(tmp_path, 1, "a trial")
    with pytest.raises(DiskFullError, match=r"a trial needs about .* SAPWOOD_CACHE_DIR"):
        require_room(tmp_path, 2**60, "a trial")


def test_a_disk_that_fills_up_half_way_is_explained(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")

    def write() -> None:
        with explain_full_disk(tmp_path, "a trial"), full.open("w") as file:
            file.write("x")

    with pytest.raises(DiskFullError, match="a trial stopped half-way"):
        write()


def test_other_errors_of_a_disk_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explain_full_disk(tmp_path, "a trial"):
        (tmp_path / "nowhere").read_text()


def _fake_java(folder: Path, version: str) -> Path:
    program = folder / f"java-{version}"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return program


def test_a_java_that_is_too_old_or_does_not_run_is_named_and_passed_over(tmp_path: Path) -> None:
    broken, old = tmp_path / "broken", _fake_java(tmp_path, "17.0.15")
    with pytest.raises(JavaError, match=r"broken does not run; .* is Java 17\.0\.15.*JAVA_HOME"):
        find_java([broken, old])
    found = find_java([broken, old, _fake_java(tmp_path, "21.0.8+9")])
    assert (found.major, found.version) == (21, "21.0.8+9")


def test_no_java_at_all_says_what_to_do() -> None:
    with pytest.raises(JavaError, match=r"pip install 'sapwood\[embedded\]'"):
        find_java([])


def test_a_lock_that_is_held_for_too_long_is_told(tmp_path: Path) -> None:
    def take() -> None:
        with one_at_a_time(tmp_path / "lock", patience_s=0.1):
            pytest.fail("the lock was held")

    with one_at_a_time(tmp_path / "lock"), pytest.raises(ServerError, match="another process"):
        take()
    with one_at_a_time(tmp_path / "lock", patience_s=0.1):
        pass


def test_the_servers_get_none_of_the_users_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
    monkeypatch.setenv("SOME_API_KEY", "k")
    assert set(server_environment("/home")) <= {"PATH", "TZ", "TMPDIR", "HOME", "LANG"}


def _cluster(folder: Path, version: str) -> PostgresCluster:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text(f"{version}\n")
    return PostgresCluster(folder, folder / "password")


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match=r"made by PostgreSQL 17; .*pg_dumpall"):
        _cluster(tmp_path, "17").check()


def test_a_cluster_whose_password_file_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match=r"password file .* is missing"):
        _cluster(tmp_path, "18").check()


def test_a_folder_that_is_no_cluster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("precious")
    with pytest.raises(DataFolderError, match="does not touch it"):
        PostgresCluster(tmp_path, tmp_path / "password").check()
    assert (tmp_path / "data" / "thesis.txt").read_text() == "precious"
