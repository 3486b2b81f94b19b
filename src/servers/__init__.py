"""PostgreSQL and Neo4j: the servers that are given, or embedded ones that need no installation.

`resolve` answers with the addresses that the settings give, else it starts `EmbeddedServers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .browser import launcher_url
from .endpoints import Endpoints
from .folder import default_data_dir
from .ports import FixedPorts
from .resolve import embedded_servers, given_endpoints, resolve
from .settings import ServerSettings
from .status import ServersStatus, ServerStatus

if TYPE_CHECKING:
    from .embedded import EmbeddedServers

__all__ = [
    "EmbeddedServers",
    "Endpoints",
    "FixedPorts",
    "ServerSettings",
    "ServerStatus",
    "ServersStatus",
    "default_data_dir",
    "embedded_servers",
    "given_endpoints",
    "launcher_url",
    "resolve",
]


def __getattr__(name: str) -> object:
    """Import the embedded servers when they are asked for: they need the extra `embedded`.

    Raises:
        MissingExtraError: it is not installed.
    """
    if name != "EmbeddedServers":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .embedded import EmbeddedServers
    except ImportError as exc:
        from .errors import MissingExtraError

        raise MissingExtraError(exc.name or "embedded") from None
    globals()[name] = EmbeddedServers
    return EmbeddedServers
