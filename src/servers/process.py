"""One detached server process: launched, recorded, found again, stopped.

A server is recognised by its user, its program and an argument that no other server has (its
data folder); by all three, for anybody may start something with that argument. The pid file only
makes that quick: the pid may have been given to another program since.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from .errors import StartError, StopError
from .place import Place, here
from .problem import LastingProblem
from .secret_files import write_private

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger("sapwood.servers.process")

# The shell puts the server into the background and ends, so the server is nobody's child: it
# outlives us, and leaves no zombie here when somebody else stops it.
_DETACH = '"$@" </dev/null >&2 & echo "$!"'
_POLL_S = 0.05
_EXEC_POLL_S = 0.005
_EXEC_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """The account a server runs as, when that is not the current one."""

    name: str
    uid: int
    gid: int

    @property
    def popen(self) -> dict[str, object]:
        """The arguments that make `subprocess` run a command as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """How to recognise one server, and where its pid is noted.

    Attributes:
        program: the file name of the program it runs.
        marks: arguments of its command line.
        owner: the number of the user it runs as; None if there is no such user yet.
    """

    name: str
    record: Path
    program: str
    marks: tuple[str, ...]
    owner: Callable[[], int | None] = os.geteuid

    def find(self) -> psutil.Process | None:
        """Find the running server, by its record or, if that is lost or stale, by its marks.

        Cost: one look at the record; without it, one pass over all processes.
        """
        recorded = self._recorded()
        if recorded is not None:
            return recorded
        return next((p for p in psutil.process_iter() if self._is_ours(p)), None)

    def settle(self) -> None:
        """Put the record right: write it if it was lost, remove it if it is stale.

        Its caller holds the data folder's lock. A record of another place is left alone.
        """
        found = self.find()
        if found is not None and self._recorded() is None:
            _log.info("%s runs as pid %d although its pid file is gone", self.name, found.pid)
            self._note(found)
        elif found is None and self.record.exists() and self.elsewhere() is None:
            _log.info("removing the stale pid file %s", self.record)
            self.record.unlink(missing_ok=True)

    def elsewhere(self) -> str | None:
        """The host that the record names, if a server there could not be seen from here."""
        try:
            place = Place(**self._read_record()["place"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if here().sees(place) else place.host

    def launch(
        self, argv: Sequence[str], *, log: Path, env: Mapping[str, str], user: ServiceUser | None
    ) -> psutil.Process:
        """Start the server in a session of its own and note its pid.

        Raises:
            StartError: it ended at once.
        """
        keep_log_short(log)
        with log.open("ab") as sink:
            shell = subprocess.run(
                ["/bin/sh", "-c", _DETACH, "sh", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                env=dict(env),
                cwd="/",
                umask=0o077,
                start_new_session=True,
                check=True,
                **(user.popen if user else {}),  # type: ignore[call-overload]
            )
        try:
            process = psutil.Process(int(shell.stdout))
        except psutil.NoSuchProcess:
            raise StartError(ended_message(self.name, log)) from None
        self._wait_for_program(process)
        self._note(process)
        return process

    def wait_until_ready(
        self,
        process: psutil.Process,
        problem: Callable[[], str | None],
        *,
        log: Path,
        timeout_s: float,
    ) -> None:
        """Poll until `problem()` is None; give up when it lasts, the process ends, or in the end.

        Raises:
            StartError: with the last answer and the last lines of the log.
        """
        deadline = time.monotonic() + timeout_s
        while (answer := problem()) is not None:
            if not alive(process):
                self.forget()
                raise StartError(ended_message(self.name, log))
            if isinstance(answer, LastingProblem):
                raise StartError(f"{self.name} runs as pid {process.pid}, but {answer}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} (pid {process.pid}) did not answer within {timeout_s:.0f} s "
                    f"({answer}). It may still be starting: look at {log}, then run `sapwood up` "
                    f"again. Last lines:\n{tail(log)}"
                )
            time.sleep(_POLL_S)

    def send(self, number: signal.Signals) -> psutil.Process | None:
        """Send a signal to the server. Returns its process, or None if it does not run."""
        process = self.find()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return process

    def wait_until_stopped(self, process: psutil.Process, *, log: Path, timeout_s: float) -> None:
        """Wait for the end that a signal asked for, and forget the process.

        Raises:
            StopError: it does not end.
        """
        deadline = time.monotonic() + timeout_s
        while alive(process):
            if time.monotonic() > deadline:
                raise StopError(
                    f"{self.name} (pid {process.pid}) did not stop within {timeout_s:.0f} s. Its "
                    f"log is {log}. Try `sapwood down` again; kill -KILL {process.pid} ends it at "
                    "once, and it recovers at the next start."
                )
            time.sleep(_POLL_S)
        self.forget()

    def forget(self) -> None:
        """Remove the pid file."""
        self.record.unlink(missing_ok=True)

    def _note(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            note = {"pid": process.pid, "create_time": process.create_time()}
            write_private(self.record, json.dumps({**note, "place": asdict(here())}))

    def _read_record(self) -> Any:
        return json.loads(self.record.read_text(encoding="utf-8"))

    def _recorded(self) -> psutil.Process | None:
        try:
            note = self._read_record()
            process = psutil.Process(int(note["pid"]))
            same = abs(process.create_time() - float(note["create_time"])) < 1.0
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return process if same and self._is_ours(process) else None

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            argv = process.cmdline()
            if not argv or not all(mark in argv for mark in self.marks):
                return False
            user = process.uids().effective
        except (psutil.Error, OSError):
            return False
        return Path(argv[0]).name == self.program and user == self.owner() and alive(process)

    def _wait_for_program(self, process: psutil.Process) -> None:
        """Wait until the shell's child has become the program, so that it can be recognised."""
        deadline = time.monotonic() + _EXEC_TIMEOUT_S
        while alive(process) and not self._is_ours(process) and time.monotonic() < deadline:
            time.sleep(_EXEC_POLL_S)


def alive(process: psutil.Process) -> bool:
    """Say whether the process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def owns_port(process: psutil.Process, port: int) -> bool:
    """Say whether the process itself listens on this port; also yes where nobody tells.

    Asked before a password is sent: whoever took the port meanwhile must not get it.
    """
    try:
        connections = process.net_connections("tcp")
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a server's log. The servers never get a password to print."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"(no log at {log})"
    return "\n".join(text.splitlines()[-lines:])


def ended_message(name: str, log: Path) -> str:
    """Say that a server ended at its start, and what it said last."""
    return f"{name} ended while it was starting. Its log is {log}; the last lines:\n{tail(log)}"


def keep_log_short(log: Path, limit_bytes: int = 10 * 2**20) -> None:
    """Move a log that has grown large aside, so that at most two of them exist."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            log.replace(log.with_suffix(".log.1"))
