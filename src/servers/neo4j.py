"""The embedded Neo4j: prepared, started, asked, stopped."""

from __future__ import annotations

import json
import logging
import shutil
import signal
from http.client import HTTPException
from typing import TYPE_CHECKING

from pydantic import SecretStr

from . import bolt
from .disk import require_room
from .environment import server_environment
from .errors import DataFolderError, StartError, UnsafeServerError
from .jars import NEO4J_VERSION
from .neo4j_settings import DATABASE, MAIN_CLASS, USER, initial_user_line, settings_text
from .ports import LOOPBACK
from .probe import ask_browser, describe
from .problem import HaltedProblem, halted, lost_password, lost_port, refused_password
from .process import ServerProcess, ended_message, owns_port, tail
from .secret_files import ensure_password, read_password, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil

    from .folder import DataFolder
    from .neo4j_install import Neo4jInstall
    from .ports import PortBook

_NEW_ROOM_BYTES = 400 * 2**20  # the logs of two databases, made at their full size
_LEAST_ROOM_BYTES = 64 * 2**20  # without any, it would neither start nor stop
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 60.0
_DEFAULT_PASSWORD = SecretStr("neo4j")

_log = logging.getLogger("sapwood.servers.neo4j")


class Neo4jServer:
    """Neo4j Community in one data folder. Its callers hold the folder's lock."""

    name = "neo4j"

    def __init__(self, folder: DataFolder, ports: PortBook) -> None:
        self._folder = folder
        self._home = self.data_dir = folder.neo4j
        self._ports = ports
        self._log_file = folder.log(self.name)
        self.process = ServerProcess(
            "Neo4j",
            folder.record(self.name),
            program="java",
            marks=(MAIN_CLASS, f"--home-dir={self._home}"),
        )

    def running(self) -> bool:
        return self.process.find() is not None

    def check(self) -> None:
        """Find out early why `launch` would fail. Changes nothing.

        Raises:
            ServerError: the folder is of another version, a password file or fixed port is gone.
        """
        if self.running():
            for name in (self.name, "browser"):
                self._ports.warn_if_elsewhere(name, self._ports.known(name))
            return
        self._ports.check_fixed(self.name, "browser")
        self._check_version()
        self._check_password()

    def launch(self, install: Neo4jInstall, *, extra_flags: Sequence[str] = ()) -> None:
        """Start the server process; `wait` then waits for it.

        Data of a first start that did not end well is removed: Neo4j would not open it again.

        Args:
            extra_flags: more flags for Java.

        Raises:
            ServerError: see `sapwood.servers.errors`.
        """
        self._remove_half_made_data()
        self.require_room()
        ports = (self._ports.claim(self.name), self._ports.claim("browser"))
        self._write_files(*ports)
        arguments = install.java_arguments(extra_flags)
        write_private(self._home / "conf" / "java.args", arguments)
        process = self.process.launch(
            [
                str(install.java.program), f"@{self._home / 'conf' / 'java.args'}",
                f"-XX:ErrorFile={self._home / 'logs' / 'java-crash-%p.log'}", MAIN_CLASS,
                f"--home-dir={self._home}", f"--config-dir={self._home / 'conf'}",
                "--console-mode",
            ],
            log=self._log_file,
            env=server_environment(str(self._home)),
            user=None,
        )  # fmt: skip
        _log.info("Neo4j %s starts as pid %d on port %d", NEO4J_VERSION, process.pid, ports[0])

    def wait(self) -> None:
        """Wait until the server lets us log in, runs a query and serves the Browser.

        Raises:
            StartError: it ended, or took too long.
            UnsafeServerError: it was stopped, because a new one lets in everybody.
        """
        process = self.process.find()
        if process is None:
            raise StartError(ended_message("Neo4j", self._log_file))
        self.process.wait_until_ready(
            process, self.problem, log=self._log_file, timeout_s=_START_TIMEOUT_S
        )
        if not self._has_data:
            self._require_closed(process)
            self._whole.touch(mode=0o600)

    def halted(self) -> bool:
        """Say whether it runs, and its database has stopped itself."""
        return isinstance(self.problem(), HaltedProblem)

    def lost_port(self) -> bool:
        """Say whether the last start failed because somebody took a port meanwhile."""
        return "Address already in use" in tail(self._log_file, 60)

    def require_room(self) -> None:
        """Check that its disk has room: on a full one it can neither start nor stop.

        Raises:
            DiskFullError: it has not.
        """
        needed = _LEAST_ROOM_BYTES if self._has_data else _NEW_ROOM_BYTES
        require_room(self._home, needed, "Neo4j's data")

    def end(self) -> None:
        """Stop the server and wait for its end.

        Raises:
            StopError: it does not end.
        """
        process = self.stop()
        if process is not None:
            self.process.wait_until_stopped(process, log=self._log_file, timeout_s=_STOP_TIMEOUT_S)

    def stop(self) -> psutil.Process | None:
        """Ask the server to end; `process.wait_until_stopped` waits. None if it did not run."""
        return self.process.send(signal.SIGTERM)

    def port(self) -> int | None:
        return self._ports.known(self.name)

    def version(self) -> str:
        return NEO4J_VERSION

    def browser_url(self) -> str | None:
        port = self._ports.known("browser")
        return None if port is None else f"http://{LOOPBACK}:{port}/browser/"

    def problem(self) -> str | None:
        """Run a query over Bolt and ask for the Browser. Returns what is wrong, or None."""
        process, password = self.process.find(), read_password(self._folder.password(self.name))
        port, browser = self.port(), self._ports.known("browser")
        if process is None:
            return "does not run"
        if password is None:
            return lost_password(self._folder.password(self.name))
        if port is None or browser is None:
            return lost_port(self._folder.ports)
        for taken in (port, browser):
            if not owns_port(process, taken):
                return f"pid {process.pid} does not listen on port {taken}"
        try:
            bolt.log_in(LOOPBACK, port, USER, password, database=DATABASE)
            ask_browser(browser)
        except bolt.BoltRefusedError as exc:
            if exc.code.endswith("Unauthorized"):
                return refused_password(self._folder.password(self.name))
            return halted(self._log_file) if exc.code == bolt.HALTED else describe(exc)
        except (OSError, HTTPException) as exc:
            return describe(exc)
        return None

    def _write_files(self, bolt_port: int, browser_port: int) -> None:
        for name in ("conf", "data/dbms", "logs", "plugins", "import", "licenses", "run"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        conf = self._home / "conf"
        write_private(conf / "neo4j.conf", settings_text(bolt_port, browser_port))
        write_private(self._version_file, json.dumps({"neo4j": NEO4J_VERSION}))
        if not self._has_data:
            password = ensure_password(self._folder.password(self.name))
            write_private(self._home / "data" / "dbms" / "auth.ini", initial_user_line(password))

    @property
    def _version_file(self) -> Path:
        return self._home / "version.json"

    @property
    def _has_data(self) -> bool:
        return self._whole.exists()

    @property
    def _whole(self) -> Path:
        """Is there once a first start ended well. It lies in the data, so it moves with it."""
        return self._home / "data" / "sapwood-whole"

    def _remove_half_made_data(self) -> None:
        data = self._home / "data"
        if data.exists() and not self._has_data:
            _log.info("removing the data of a first start that did not end well: %s", data)
            shutil.rmtree(data)

    def _require_closed(self, process: psutil.Process) -> None:
        """Stop a new server that takes Neo4j's well-known password instead of ours."""
        port = self.port()
        try:
            bolt.log_in(LOOPBACK, port or 0, USER, _DEFAULT_PASSWORD, database="system")
        except bolt.BoltRefusedError as exc:
            if exc.code.endswith("Unauthorized"):
                return
        except OSError as exc:
            raise StartError(
                f"the new Neo4j stopped answering ({describe(exc)}). Its log is {self._log_file}. "
                "Run `sapwood up` again."
            ) from exc
        self.end()
        raise UnsafeServerError(
            f"the new Neo4j in {self._home} accepts Neo4j's well-known first password, so it was "
            "stopped. Choose another data folder with SAPWOOD_DATA_DIR, and report this folder's "
            "path to sapwood."
        )

    def _check_version(self) -> None:
        try:
            made_by = json.loads(self._version_file.read_text(encoding="utf-8"))["neo4j"]
        except (FileNotFoundError, ValueError, KeyError):
            return
        if made_by != NEO4J_VERSION and self._has_data:
            raise DataFolderError(
                f"{self._home} was made by Neo4j {made_by}; this sapwood brings {NEO4J_VERSION}. "
                "The graph can be made again from PostgreSQL: move that folder away and run "
                "`sapwood up`, and each project fills it at its next contact."
            )

    def _check_password(self) -> None:
        path = self._folder.password(self.name)
        if self._has_data and read_password(path) is None:
            raise DataFolderError(
                f"the password file {path} is missing, but {self._home} was made with it. Put it "
                "back from a backup; or move that folder away and run `sapwood up`: the graph is "
                "made again from PostgreSQL."
            )
