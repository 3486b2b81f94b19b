"""Both embedded servers of one data folder: up, down, status."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ServerError
from .disk import explain_full_disk
from .endpoints import Endpoints
from .errors import StopError
from .folder import DataFolder, default_cache_dir
from .guard import one_at_a_time
from .neo4j import Neo4jServer
from .neo4j_install import ensure_install
from .neo4j_settings import DATABASE, USER
from .neo4j_start import finish_start
from .ports import LOOPBACK, FixedPorts, PortBook
from .postgres import PostgresServer
from .progress import Progress
from .secret_files import read_password
from .status import ServersStatus, ServerStatus

if TYPE_CHECKING:
    import psutil

    from .neo4j_install import Neo4jInstall

_STOP_TIMEOUT_S = 60.0


class EmbeddedServers:
    """A private PostgreSQL and a private Neo4j, shared by all processes of the user.

    The servers are nobody's children: they outlive the process that started them, and its
    SIGKILL, until `down`. Several processes may call `up` at once; one starts the servers, the
    others wait and get the same ones. Neither the environment's server addresses nor a `.env`
    file is read here.

    Args:
        data_dir: see `default_data_dir`. Made if missing.
        ports: ports to insist on; any free ones otherwise.
        cache_dir: where Neo4j's files are kept; the user's cache folder by default.
        mirror: base address of a Maven repository to fetch them from.
        class_cache: after the first start, make Java's class cache in the background.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        ports: FixedPorts | None = None,
        cache_dir: Path | None = None,
        mirror: str | None = None,
        class_cache: bool = True,
    ) -> None:
        self._folder = DataFolder(Path(data_dir).expanduser().resolve())
        self._cache = cache_dir or default_cache_dir()
        self._mirror = mirror
        self._class_cache = class_cache
        book = PortBook(self._folder.ports, ports or FixedPorts())
        self._postgres = PostgresServer(self._folder, book)
        self._neo4j = Neo4jServer(self._folder, book)

    @property
    def data_dir(self) -> Path:
        return self._folder.root

    def up(self, progress: bool = True) -> Endpoints:
        """Start what does not run, wait until both servers answer.

        Args:
            progress: show a bar on stderr while files are fetched (on a terminal only).

        Cost: about 5 s for a start on 2 cores, milliseconds when both run. The first start also
            fetches about 170 MB.

        Raises:
            ServerError: with what to do next; see `sapwood.servers.errors`.
        """
        self._folder.create()
        with (
            explain_full_disk(self._folder.root, "starting the servers"),
            one_at_a_time(self._folder.lock),
        ):
            self._settle()
            self._postgres.check()
            self._neo4j.check()
            # Java takes the longest to start, so PostgreSQL starts meanwhile.
            install = None if self._neo4j.running() else self._install(progress)
            if install is not None:
                self._neo4j.launch(install)
            port = self._start_postgres(install is not None)
            install = finish_start(self._neo4j, install, lambda: self._install(progress))
        if install is not None and self._class_cache and install.class_cache.wanted():
            install.class_cache.make_in_background()
        return self._endpoints(port)

    def down(self) -> bool:
        """Stop both servers, cleanly; does nothing to one that does not run. Creates nothing.

        Returns:
            Whether any was running.

        Raises:
            ServerError: one did not end, or they run on another host.
        """
        if not (self._folder.is_ours() and self._folder.lock.exists()):
            return False
        self._folder.check_owner()
        with one_at_a_time(self._folder.lock):
            self._settle()
            stopping = [
                (server, process)
                for server in (self._postgres, self._neo4j)
                if (process := server.stop()) is not None
            ]
            for server, process in stopping:
                self._wait_for_end(server, process)
            return bool(stopping)

    def status(self) -> ServersStatus:
        """Look at both servers; starts, stops and creates nothing.

        Cost: two log-ins to servers that run, one pass over all processes for one that does not.
        """
        return ServersStatus(
            data_dir=self._folder.root,
            postgres=self._status_of(self._postgres),
            neo4j=self._status_of(self._neo4j),
            browser_url=self._neo4j.browser_url() if self._neo4j.running() else None,
        )

    def find_endpoints(self) -> Endpoints | None:
        """The addresses of servers that run or have run; None before the first start.

        Starts and creates nothing; whether they answer, `status` says.
        """
        port = self._postgres.port()
        if port is None or self._neo4j.port() is None:
            return None
        try:
            return self._endpoints(port)
        except ServerError:  # a password file is missing, which `status` says too
            return None

    def _settle(self) -> None:
        self._postgres.check_place()
        for server in (self._postgres, self._neo4j):
            server.process.settle()

    def _status_of(self, server: PostgresServer | Neo4jServer) -> ServerStatus:
        process = server.process.find()
        problem = "does not run" if process is None else server.problem()
        return ServerStatus(
            name=server.name,
            running=process is not None,
            healthy=problem is None,
            problem=problem,
            pid=None if process is None else process.pid,
            port=server.port(),
            version=server.version(),
            data_dir=server.data_dir,
            password_file=self._folder.password(server.name),
            log_file=self._folder.log(server.name),
        )

    def _install(self, progress: bool) -> Neo4jInstall:
        shown = Progress(shown=progress)
        return ensure_install(self._cache, mirror=self._mirror, progress=shown)

    def _start_postgres(self, launched_neo4j: bool) -> int:
        try:
            return self._postgres.start()
        except BaseException:
            # Nobody would look for a Neo4j that runs after `up` failed, and it takes a gigabyte.
            process = self._neo4j.stop() if launched_neo4j else None
            if process is not None:
                with contextlib.suppress(StopError):
                    self._wait_for_end(self._neo4j, process)
            raise

    def _wait_for_end(self, server: PostgresServer | Neo4jServer, process: psutil.Process) -> None:
        log = self._folder.log(server.name)
        server.process.wait_until_stopped(process, log=log, timeout_s=_STOP_TIMEOUT_S)

    def _endpoints(self, postgres_port: int) -> Endpoints:
        url = self._postgres.url(postgres_port)
        password = read_password(self._folder.password(self._neo4j.name))
        if url is None or password is None:
            raise ServerError(f"a password file in {self._folder.root / 'passwords'} is missing")
        names = ("database_url", "neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database")
        return Endpoints(
            database_url=url,
            neo4j_uri=f"bolt://{LOOPBACK}:{self._neo4j.port()}",
            neo4j_username=USER,
            neo4j_password=password,
            neo4j_database=DATABASE,
            browser_url=self._neo4j.browser_url(),
            source=dict.fromkeys((*names, "browser_url"), "embedded"),
        )
