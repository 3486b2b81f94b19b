"""Asking a server, ours or a given one, whether it lets us in and answers."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import bolt
from .ports import LOOPBACK

if TYPE_CHECKING:
    from pydantic import SecretStr

    from .endpoints import Endpoints

_TIMEOUT_S = 5
_BOLT_PORT = 7687


def postgres_problem(url: SecretStr) -> str | None:
    """Log in and run a query. Returns what is wrong, in words without secrets, or None."""
    # In a thread of its own, because our caller may be inside a running event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _ask(url)).result()


def neo4j_problem(endpoints: Endpoints) -> str | None:
    """Log in and run a query. Returns what is wrong, in words without secrets, or None."""
    try:
        address = urlsplit(endpoints.neo4j_uri)
        port = address.port or _BOLT_PORT
    except ValueError:
        return "the address is malformed"
    password = endpoints.neo4j_password
    try:
        bolt.log_in(
            address.hostname or "",
            port,
            endpoints.neo4j_username,
            password if password.get_secret_value() else None,
            database=endpoints.neo4j_database,
            timeout_s=_TIMEOUT_S,
            tls=_tls(address.scheme),
        )
    except (OSError, bolt.BoltRefusedError) as exc:
        return describe(exc)
    return None


def ask_browser(port: int) -> None:
    """Fetch a small file of the embedded Neo4j Browser.

    Raises:
        OSError, HTTPException: it does not come.
    """
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/browser/manifest.json")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 200:
        raise http.client.HTTPException(f"the Browser answers {status}")


def describe(exc: Exception) -> str:
    """One line about an error of a connection attempt."""
    if isinstance(exc, bolt.BoltRefusedError) and exc.code == bolt.HALTED:
        return f"the database has stopped itself; its disk may be full; restart it then ({exc})"
    said = str(exc).strip().partition("\n")[0]
    return f"{type(exc).__name__}: {said}" if said else type(exc).__name__


def _tls(scheme: str) -> ssl.SSLContext | None:
    if scheme.endswith("+s"):
        return ssl.create_default_context()
    if scheme.endswith("+ssc"):  # the user asked for: encrypted, self-signed is fine
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return None


async def _ask(url: SecretStr) -> str | None:
    import asyncpg

    try:
        connection = await asyncpg.connect(url.get_secret_value(), timeout=_TIMEOUT_S)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close(timeout=_TIMEOUT_S)
    # A ValueError is asyncpg's word for a malformed address, and would quote it.
    except ValueError as exc:
        return f"the address is malformed ({type(exc).__name__})"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        return describe(exc)
    return None
