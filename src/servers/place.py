"""Where a server runs: on which machine, since which boot of it, and among which pids."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """One table of processes. Two containers on one machine are two places.

    Attributes:
        host: the machine's or container's name.
        boot: which boot of the machine; empty where the system does not tell.
        pids: which pid namespace; empty where there are none.
    """

    host: str
    boot: str
    pids: str

    def sees(self, other: Place) -> bool:
        """Say whether a process that ran at the other place, if it still runs, is seen here.

        After a reboot nothing of the earlier boot runs, which is as good as seeing it.
        """
        if self.boot and self.boot == other.boot:
            return self.pids == other.pids
        return self.host == other.host


def here() -> Place:
    """The place of the current process."""
    return Place(socket.gethostname(), _boot(), _pids())


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _pids() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
