"""Where the two servers are, and how they are reached through a port that stands before them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

Place = tuple[str, int]
"""Host and port."""


def postgres_place(servers: Endpoints) -> Place:
    return _place(urlsplit(servers.database_url.get_secret_value()))


def neo4j_place(servers: Endpoints) -> Place:
    return _place(urlsplit(servers.neo4j_uri))


def postgres_through(servers: Endpoints, port: int) -> str:
    """Return PostgreSQL's URL by way of a port of this machine; without TLS, which none speaks."""
    url = urlsplit(servers.database_url.get_secret_value())
    netloc = url.netloc.replace(f":{url.port}", f":{port}")
    return url._replace(netloc=netloc, query="sslmode=disable").geturl()


def neo4j_through(port: int) -> str:
    return f"bolt://127.0.0.1:{port}"


def _place(address: SplitResult) -> Place:
    assert address.hostname is not None
    assert address.port is not None
    return address.hostname, address.port
