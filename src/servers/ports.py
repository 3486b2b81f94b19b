"""Ports on the loopback address: picked once, remembered, checked before each start."""

from __future__ import annotations

import errno
import json
import logging
import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ServerError
from .errors import PortTakenError
from .secret_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
NAMES = {
    "postgres": "SAPWOOD_POSTGRES_PORT",
    "neo4j": "SAPWOOD_NEO4J_PORT",
    "browser": "SAPWOOD_BROWSER_PORT",
}
# Below the range from which Linux and macOS take the ports of outgoing connections, so that a
# remembered port is not lost to one of them between two starts.
_FIRST, _LAST = 17000, 29999
_TRIES = 200

_log = logging.getLogger("sapwood.servers.ports")


@dataclass(frozen=True, slots=True)
class FixedPorts:
    """Ports that the user insists on; None means: any free one."""

    postgres: int | None = None
    neo4j: int | None = None
    browser: int | None = None


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    # BSD and macOS let us bind although somebody listens on all addresses.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) != 0


class PortBook:
    """The remembered ports of one data folder."""

    def __init__(self, path: Path, fixed: FixedPorts) -> None:
        self._path = path
        self._fixed = fixed

    def known(self, name: str) -> int | None:
        """The port that was picked for `name` the last time, if any."""
        return self._read().get(name)

    def check_fixed(self, *names: str) -> None:
        """Check the ports that the user fixed, before anything is started.

        Raises:
            PortTakenError: one is used by another program, or asked for twice.
        """
        for name in names:
            wanted = self._wanted(name)
            twin = next((o for o in NAMES if o != name and self._wanted(o) == wanted), None)
            if wanted is not None and twin is not None:
                raise PortTakenError(
                    f"{NAMES[name]} and {NAMES[twin]} both ask for port {wanted}. Set one of them "
                    "to another port, or unset it so that a free one is picked."
                )
            if wanted is not None and not is_free(wanted):
                raise PortTakenError(
                    f"port {wanted} on {LOOPBACK}, which {NAMES[name]} asks for, is used by "
                    f"another program. Stop that program, or set {NAMES[name]} to another port, "
                    "or unset it so that a free one is picked."
                )

    def warn_if_elsewhere(self, name: str, port: int | None) -> None:
        """Say so if a server that runs already is not where the user now wants it."""
        wanted = self._wanted(name)
        if wanted is not None and wanted != port:
            _log.warning(
                "%s=%d has no effect: the server runs already, on port %s. Run `sapwood down`, "
                "then `sapwood up`.",
                NAMES[name],
                wanted,
                port,
            )

    def claim(self, name: str) -> int:
        """Choose the port for a server that is about to start, and remember it.

        Returns:
            The fixed port; else the remembered one if it is free; else another free one.

        Raises:
            PortTakenError: the fixed port is used by another program.
        """
        wanted = self._wanted(name)
        if wanted is not None:
            self.check_fixed(name)
            return self._remember(name, wanted)
        known, taken = self.known(name), self._of_others(name)
        if known is not None and known not in taken and is_free(known):
            return known
        if known is not None:
            _log.warning("port %d of %s is taken; picking another", known, name)
        return self._remember(name, self._pick(taken))

    def _wanted(self, name: str) -> int | None:
        wanted: int | None = getattr(self._fixed, name)
        return wanted

    def _of_others(self, name: str) -> set[int]:
        """The ports that the other servers of this folder have or want."""
        others = [other for other in NAMES if other != name]
        ports = [*map(self._wanted, others), *map(self.known, others)]
        return {port for port in ports if port is not None}

    def _pick(self, taken: set[int]) -> int:
        for _ in range(_TRIES):
            port = random.randint(_FIRST, _LAST)  # noqa: S311 - no secret, only a free number
            if port not in taken and is_free(port):
                return port
        raise ServerError(
            f"no free port was found between {_FIRST} and {_LAST} on {LOOPBACK}. Set "
            + ", ".join(NAMES.values())
            + "."
        )

    def _remember(self, name: str, port: int) -> int:
        ports = self._read()
        if ports.get(name) != port:
            write_private(self._path, json.dumps({**ports, name: port}))
        return port

    def _read(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return ports
