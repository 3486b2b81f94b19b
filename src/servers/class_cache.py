"""Java's class cache (ahead-of-time, Java 25): halves the CPU time of a start of Neo4j.

It is made once for each Java and set of jars: by starting and stopping a Neo4j that nobody uses,
in a process of its own, in the background and at the lowest priority, after the real servers
are up. Whatever goes wrong, the servers start without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from .environment import server_environment
from .process import keep_log_short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .java import Java
    from .neo4j import Neo4jServer
    from .neo4j_install import Neo4jInstall

_OLDEST_JAVA = 25
_ROOM_BYTES = 500 * 2**20
_MEMORY_BYTES = 3 * 2**30
_EXIT_TIMEOUT_S = 300
_DAY_S = 86_400
_KEPT_S = 7 * _DAY_S
_TRAINING = ".training-"
_MAKE = "import sys; from sapwood.servers.class_cache import main; main(sys.argv[1])"

_log = logging.getLogger("sapwood.servers.class_cache")


class ClassCache:
    """The class cache for one Java and one class path."""

    def __init__(self, folder: Path, java: Java, class_path: Sequence[Path]) -> None:
        names = "\n".join([java.identity, *map(str, class_path)])
        key = hashlib.sha256(names.encode()).hexdigest()[:12]
        self.folder = folder
        self.path = folder / f"classes-{key}.aot"
        self._failed = folder / f"classes-{key}.failed"
        self._possible = java.major >= _OLDEST_JAVA

    def usable(self) -> Path | None:
        """The cache file, or None while there is none."""
        return self.path if self.path.exists() else None

    def discard(self, why: str) -> None:
        """Do not use this cache again, and make no other for a day."""
        _log.warning("starting Neo4j without its class cache: %s", why)
        with contextlib.suppress(OSError):  # of another user, who has to see for themselves
            self._failed.write_text(why, encoding="utf-8")
            self.path.unlink(missing_ok=True)

    def wanted(self) -> bool:
        """Say whether it should be made now: possible, missing, not failed, room for it."""
        if not self._possible or not os.access(self.folder, os.W_OK):
            return False
        if self.path.exists() or _age_s(self._failed) < _DAY_S:
            return False
        return psutil.virtual_memory().available > _MEMORY_BYTES and (
            psutil.disk_usage(str(self.folder)).free > _ROOM_BYTES
        )

    def make_in_background(self) -> None:
        """Start a process that runs `main`, detached, and return at once."""
        log = self.folder / "class-cache.log"
        keep_log_short(log)
        with log.open("ab") as sink:
            subprocess.run(
                [
                    "/bin/sh", "-c", 'nice -n 19 "$@" </dev/null &', "sh",
                    sys.executable, "-P", "-c", _MAKE, str(self.folder.parent),
                ],
                stdout=sink,
                stderr=sink,
                env=_own_environment(),
                cwd="/",
                start_new_session=True,
                check=False,
            )  # fmt: skip

    def make(self, install: Neo4jInstall) -> None:
        """Make the cache, unless another process is at it. Takes half a minute.

        A failure is noted, so that it is not tried at every start.
        """
        lock = FileLock(self.folder / "class-cache.lock", timeout=0)
        try:
            with lock:
                if self.wanted():
                    self._train(install)
        except Timeout:
            _log.info("another process is making the class cache")
        except Exception as exc:
            self.discard(f"making it failed: {type(exc).__name__}: {exc}")

    def _remove_old(self) -> None:
        # Of another Java or an older sapwood, 130 MB each; a server that uses one keeps it open.
        for other in self.folder.glob("classes-*.aot"):
            if other != self.path and _age_s(other) > _KEPT_S:
                other.unlink(missing_ok=True)

    def _train(self, install: Neo4jInstall) -> None:
        end_leftovers(self.folder)
        draft = self.path.with_suffix(".draft")
        with tempfile.TemporaryDirectory(prefix=_TRAINING, dir=self.folder) as home:
            server = _server_in(Path(home))
            try:
                server.launch(install, extra_flags=(f"-XX:AOTCacheOutput={draft}",))
                server.wait()
            finally:
                process = server.stop()  # at its end, Java writes the cache
                if process is not None:
                    _wait_for_end(process)
        draft.replace(self.path)
        self._remove_old()
        _log.info("made the class cache %s", self.path)


def end_leftovers(folder: Path) -> None:
    """End the servers of trainings that were killed, and remove their data.

    The caller holds the class cache's lock, so no training is going on.
    """
    for home in folder.glob(f"{_TRAINING}*"):
        process = _server_in(home).stop()
        if process is not None:
            _wait_for_end(process)
        shutil.rmtree(home, ignore_errors=True)


def _server_in(home: Path) -> Neo4jServer:
    from .folder import DataFolder
    from .neo4j import Neo4jServer
    from .ports import FixedPorts, PortBook

    folder = DataFolder(home.resolve())
    folder.create()
    return Neo4jServer(folder, PortBook(folder.ports, FixedPorts()))


def _age_s(path: Path) -> float:
    """Seconds since the file was written; endless if there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _wait_for_end(process: psutil.Process) -> None:
    _, alive = psutil.wait_procs([process], timeout=_EXIT_TIMEOUT_S)
    for hanging in alive:
        hanging.kill()


def _own_environment() -> dict[str, str]:
    """Ours has to find the same Java and Python packages, and needs no secrets for that."""
    kept = ("JAVA_HOME", "PYTHONPATH", "VIRTUAL_ENV")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**server_environment(str(Path.home())), **found}


def main(cache: str) -> None:
    """Make the class cache for the jars in the cache folder `cache`, which must be there."""
    from .neo4j_install import installed

    # A polite end has to end the training's server too.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    install = installed(Path(cache))
    if install is not None:
        install.class_cache.make(install)
