"""Fetching the locked jars, from a small Maven repository on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from sapwood.servers.download import ensure_jars
from sapwood.servers.errors import DiskFullError, DownloadError
from sapwood.servers.jars import Bundle, Jar, neo4j_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENTS = {name: f"the content of {name}".encode() * 50 for name in ("alpha", "beta", "gamma")}


def _jar(name: str) -> Jar:
    content = CONTENTS[name]
    return Jar("org.example", name, "1.0", "", hashlib.sha256(content).hexdigest(), len(content))


JARS = tuple(_jar(name) for name in CONTENTS)
BUNDLE = Bundle("Example 1.0", JARS, "Try something else.")


class Repository(ThreadingHTTPServer):
    """Serves the jars of `CONTENTS` as a Maven repository does."""

    daemon_threads = False  # closing waits for the answers that are being sent

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.altered: set[str] = set()
        self.failing: Counter[str] = Counter()
        self.refusing: int | None = None
        self.endless: set[str] = set()
        self.sending = threading.Event()
        self.interrupted = threading.Event()
        self.cut_off: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/maven"


class _Handler(BaseHTTPRequestHandler):
    server: Repository  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1].removesuffix("-1.0.jar")
        if name not in CONTENTS or not self.path.endswith(
            f"/org/example/{name}/1.0/{name}-1.0.jar"
        ):
            self.send_error(404)
            return
        self.server.asked[name] += 1
        if self.server.refusing:
            self.send_error(self.server.refusing)
            return
        if self.server.failing[name] > 0:
            self.server.failing[name] -= 1
            self.send_error(503)
            return
        if name in self.server.endless:
            self._send_endlessly(name)
            return
        content = b"altered" if name in self.server.altered else CONTENTS[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_endlessly(self, name: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2**28))
        self.end_headers()
        self.server.sending.set()
        self.server.interrupted.wait(30)
        try:
            for _ in range(2**12):
                self.wfile.write(bytes(2**16))
        except OSError:
            self.server.cut_off.add(name)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the tests quiet."""


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_maven_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty ~/.m2 of the test's own."""
    folder = tmp_path / "m2"
    monkeypatch.setenv("M2_REPO", str(folder))
    return folder


def _fetch(cache: Path, mirror: str) -> list[tuple[int, int]]:
    reports: list[tuple[int, int]] = []
    paths = ensure_jars(
        cache, BUNDLE, mirror=mirror, report=lambda done, total: reports.append((done, total))
    )
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    return reports


def _left(cache: Path) -> set[str]:
    return {path.name for path in (cache / "jars").iterdir()}


def test_the_jars_are_fetched_once_and_the_progress_is_told(
    tmp_path: Path, repository: Repository
) -> None:
    reports = _fetch(tmp_path / "cache", repository.address)
    total = sum(jar.size for jar in JARS)
    assert reports[0] == (0, total)
    assert reports[-1] == (total, total)
    assert _fetch(tmp_path / "cache", "http://127.0.0.1:1/nowhere") == []
    assert repository.asked == dict.fromkeys(CONTENTS, 1)
    assert _left(tmp_path / "cache") == {jar.file_name for jar in JARS}


def test_an_interrupted_download_goes_on_with_what_is_missing(
    tmp_path: Path, repository: Repository
) -> None:
    folder = tmp_path / "cache" / "jars"
    (folder / ".draft-of-a-killed-process").mkdir(parents=True)
    (folder / JARS[0].file_name).write_bytes(CONTENTS["alpha"])
    (folder / JARS[1].file_name).write_bytes(CONTENTS["beta"][:10])
    _fetch(tmp_path / "cache", repository.address)
    assert repository.asked == {"beta": 1, "gamma": 1}
    assert _left(tmp_path / "cache") == {jar.file_name for jar in JARS}


def test_a_passing_trouble_of_the_registry_is_tried_again(
    tmp_path: Path, repository: Repository
) -> None:
    repository.failing["beta"] = 1
    _fetch(tmp_path / "cache", repository.address)
    assert repository.asked["beta"] == 2


def test_an_altered_file_is_never_kept(tmp_path: Path, repository: Repository) -> None:
    repository.altered.add("gamma")
    with pytest.raises(DownloadError, match=r"org\.example:gamma:1\.0.*another SHA-256"):
        _fetch(tmp_path / "cache", repository.address)
    assert "gamma-1.0.jar" not in _left(tmp_path / "cache")
    assert not any(name.startswith(".draft") for name in _left(tmp_path / "cache"))


def test_ctrl_c_ends_the_downloads_that_are_going_on(
    tmp_path: Path, repository: Repository
) -> None:
    repository.endless.add("gamma")

    def interrupt(done: int, _total: int) -> None:
        if done:
            assert repository.sending.wait(30), "nobody asks for the one that does not end"
            repository.interrupted.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_jars(tmp_path, BUNDLE, mirror=repository.address, report=interrupt)
    repository.shutdown()
    repository.server_close()
    assert repository.cut_off == {"gamma"}
    _check_nothing_half_made(tmp_path)


def _check_nothing_half_made(cache: Path) -> None:
    assert _left(cache) <= {"alpha-1.0.jar", "beta-1.0.jar"}


@pytest.mark.parametrize("status", [403, 404, 407])
def test_a_refusal_of_the_registry_is_told_by_its_number(
    tmp_path: Path, repository: Repository, status: int
) -> None:
    repository.refusing = status
    with pytest.raises(DownloadError, match=rf"could not be fetched \(HTTP {status}\)"):
        _fetch(tmp_path / "cache", repository.address)


def test_no_network_says_what_is_missing_of_what_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        DownloadError,
        match=r"^Example 1\.0: org\.example:\w+:1\.0 could not be .*\. Try something else\.$",
    ):
        _fetch(tmp_path / "cache", "http://127.0.0.1:1/nowhere")


def test_without_neo4js_files_there_are_three_ways_out() -> None:
    for way_out in (
        "run `sapwood up` again",
        "SAPWOOD_MAVEN_MIRROR",
        "NEO4J_URI",
        "docker compose",
    ):
        assert way_out in neo4j_bundle().advice


def _put_into_m2(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "org/example" / name / "1.0" / f"{name}-1.0.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_the_users_own_maven_folder_is_used_and_left_as_it_is(
    tmp_path: Path, repository: Repository, own_maven_folder: Path
) -> None:
    good = _put_into_m2(own_maven_folder, "alpha", CONTENTS["alpha"])
    bad = _put_into_m2(own_maven_folder, "beta", b"damaged")
    _fetch(tmp_path / "cache", repository.address)
    assert repository.asked == {"beta": 1, "gamma": 1}
    assert good.read_bytes() == CONTENTS["alpha"]
    assert bad.read_bytes() == b"damaged"


def test_too_small_a_disk_is_told_before_the_first_byte(
    tmp_path: Path, repository: Repository
) -> None:
    huge = Jar("org.example", "alpha", "1.0", "", "0" * 64, 2**60)
    bundle = Bundle("Example 1.0", (huge,), "")
    with pytest.raises(DiskFullError, match=r"Example 1\.0 needs about"):
        ensure_jars(tmp_path, bundle, mirror=repository.address, report=lambda _d, _t: None)
    assert not repository.asked
