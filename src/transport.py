"""Who may be talked to in the clear: this machine, and nobody else unless the user says so."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

WAIVER = "allow_insecure=True (SAPWOOD_ALLOW_INSECURE=true)"


def is_loopback(host: str) -> bool:
    """Whether a connection to `host` cannot leave this machine: no name, a socket, loopback."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_private(server: str, hosts: Iterable[str], way: str) -> None:
    """Refuse to send contents and passwords over a network that anybody may listen on.

    Args:
        server: Whose address it is, for the message.
        hosts: Where it may be; names, addresses or socket folders.
        way: How the address is to be written, for the message.

    Raises:
        SettingsError: One of the hosts is not this machine.
    """
    for host in hosts:
        if not is_loopback(host):
            raise SettingsError(
                f"{server}: {host} is another machine, and the address does not ask for TLS with a "
                f"verified certificate: {way}. If the network between is private, waive it by "
                f"{WAIVER}."
            )
