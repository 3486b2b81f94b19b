"""The embedded PostgreSQL: started, asked, stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING

from pydantic import SecretStr

from .disk import require_room
from .environment import server_environment
from .errors import DataFolderError, MissingExtraError, StartError
from .ports import LOOPBACK
from .postgres_cluster import DATABASE, USER, PostgresCluster
from .postgres_install import find_install, find_release
from .probe import postgres_problem
from .problem import lost_password, lost_port, refused_password
from .process import ServerProcess, alive, owns_port, tail
from .secret_files import read_password
from .service_user import postgres_uid, require_passage, service_user

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

    from .folder import DataFolder
    from .ports import PortBook
    from .postgres_install import PostgresInstall
    from .process import ServiceUser

_LEAST_ROOM_BYTES = 2 * 16 * 2**20  # two segments of its log
_START_TIMEOUT_S = 60.0
_PORT_TRIES = 3

_log = logging.getLogger("sapwood.servers.postgres")


class PostgresServer:
    """PostgreSQL 18 in one data folder. Its callers hold the folder's lock."""

    name = "postgres"

    def __init__(self, folder: DataFolder, ports: PortBook) -> None:
        self._folder = folder
        self._ports = ports
        self._cluster = PostgresCluster(folder.postgres, folder.password(self.name))
        self._log_file = folder.log(self.name)
        self.data_dir = self._cluster.data
        self.process = ServerProcess(
            "PostgreSQL",
            folder.record(self.name),
            program="postgres",
            marks=("-D", str(self.data_dir)),
            owner=postgres_uid,
        )

    def check_place(self) -> None:
        """Check that it does not run where it cannot be seen: on another host, in a container.

        Two servers on one folder would destroy it; the file that PostgreSQL itself looks at only
        has a pid, which means nothing there.

        Raises:
            DataFolderError: it may run elsewhere.
        """
        host = self.process.elsewhere()
        if host is None or not self._pid_file.exists() or self.process.find() is not None:
            return
        raise DataFolderError(
            f"the servers in {self._folder.root} run on host {host!r}, or in a container that was "
            "called so. Run `sapwood down` there; or, if it is gone for good, delete "
            f"{self.process.record} and try again."
        )

    def check(self) -> None:
        """Find out early why `start` would fail, before Neo4j is started.

        Raises:
            ServerError: the folder is of another version or out of the service user's reach, its
                password file is gone, or a fixed port is taken.
        """
        if self.process.find() is not None:
            self._ports.warn_if_elsewhere(self.name, self.port())
            return
        self._ports.check_fixed(self.name)
        self._cluster.check()
        require_passage(self._folder.postgres, self._give_folder(service_user()))

    def start(self) -> int:
        """Start the server unless it runs, wait until it answers a query.

        Returns:
            Its port.

        Raises:
            ServerError: see `sapwood.servers.errors`.
        """
        running = self.process.find()
        if running is not None:
            try:
                return self._join(running)
            except StartError:
                if alive(running):
                    raise
                _log.info("PostgreSQL was ending; starting it again")
        user = service_user()
        install = self._prepare(user)
        for attempt in range(1, _PORT_TRIES + 1):
            port = self._ports.claim(self.name)
            try:
                self._launch(install, user, port)
            except StartError:
                # Somebody may have taken the port between our look and the server's.
                if attempt == _PORT_TRIES or "could not bind" not in tail(self._log_file):
                    raise
            else:
                return port
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def stop(self) -> psutil.Process | None:
        """Ask the server to end; `process.wait_until_stopped` waits. None if it did not run.

        SIGINT is what `pg_ctl stop -m fast` sends: sessions are ended, commits are kept.
        """
        return self.process.send(signal.SIGINT)

    def port(self) -> int | None:
        """The port of the running server, as it noted it itself; else the remembered one."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(self._pid_file_lines()[3])
        return self._ports.known(self.name)

    @property
    def _pid_file(self) -> Path:
        """PostgreSQL's own: pid, data folder, start time, port …"""
        return self.data_dir / "postmaster.pid"

    def _pid_file_lines(self) -> list[str]:
        return self._pid_file.read_text(encoding="utf-8", errors="replace").splitlines()

    def url(self, port: int) -> SecretStr | None:
        """The libpq URL, with the password; None if the password file is gone."""
        password = read_password(self._folder.password(self.name))
        if password is None:
            return None
        secret = password.get_secret_value()
        return SecretStr(f"postgresql://{USER}:{secret}@{LOOPBACK}:{port}/{DATABASE}")

    def version(self) -> str | None:
        """The version of the programs, or the cluster's major version, if known."""
        try:
            return find_release()
        except MissingExtraError:
            return self._cluster.major() if self._cluster.exists else None

    def problem(self) -> str | None:
        """Log in and run a query. Returns what is wrong, or None."""
        process, port = self.process.find(), self.port()
        if process is None:
            return "does not run"
        if port is None:
            return lost_port(self._folder.ports)
        url = self.url(port)
        if url is None:
            return lost_password(self._folder.password(self.name))
        if not owns_port(process, port):
            return f"pid {process.pid} does not listen on port {port}"
        problem = postgres_problem(url)
        if problem is not None and problem.startswith("InvalidPassword"):
            return refused_password(self._folder.password(self.name))
        return problem

    def _join(self, running: psutil.Process) -> int:
        self._wait(running)
        port = self.port()
        if port is None:
            raise StartError(
                f"PostgreSQL runs as pid {running.pid} in {self.data_dir}, but nothing says on "
                f"which port. End it (kill -INT {running.pid}) and run `sapwood up` again."
            )
        return port

    def _prepare(self, user: ServiceUser | None) -> PostgresInstall:
        """Make the programs and the cluster ready to start."""
        self._give_folder(user)
        install = find_install(self._folder.root, user)
        if not self._cluster.exists:
            self._cluster.create(install, user)
        return install

    def _give_folder(self, user: ServiceUser | None) -> ServiceUser | None:
        if user is not None:
            os.chown(self._folder.postgres, user.uid, user.gid, follow_symlinks=False)
        return user

    def _launch(self, install: PostgresInstall, user: ServiceUser | None, port: int) -> None:
        process = self.process.launch(
            [install.program("postgres"), "-D", str(self.data_dir), *_listen(port)],
            log=self._log_file,
            env={
                **server_environment(str(self._folder.postgres)),
                **self._stale_pid_file(),
            },
            user=user,
        )
        self._wait(process)
        _log.info("PostgreSQL %s runs as pid %d on port %d", install.version, process.pid, port)

    def _stale_pid_file(self) -> dict[str, str]:
        """Tell PostgreSQL that the pid in a pid file left over is not a server's.

        It may be another program's since, which PostgreSQL alone would take for itself. It goes
        on only if no process uses the old server's shared memory either.
        """
        with contextlib.suppress(OSError, IndexError, ValueError):
            return {"PG_GRANDPARENT_PID": str(int(self._pid_file_lines()[0]))}
        return {}

    def _wait(self, process: psutil.Process) -> None:
        try:
            self.process.wait_until_ready(
                process, self.problem, log=self._log_file, timeout_s=_START_TIMEOUT_S
            )
        except StartError:
            if not alive(process):
                require_room(self._folder.postgres, _LEAST_ROOM_BYTES, "PostgreSQL's start")
            raise


def _listen(port: int) -> list[str]:
    """Loopback only, whatever postgresql.conf says; no socket, whose path may be too long."""
    settings = (f"listen_addresses={LOOPBACK}", f"port={port}", "unix_socket_directories=")
    return [part for setting in settings for part in ("-c", setting)]
