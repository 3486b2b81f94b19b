"""Just enough Bolt to ask a Neo4j whether it works: hello, log in, begin, run, goodbye.

The driver belongs to `sapwood.graph`; a health check needs five messages, and none of the pools
and retries that would hide what it wants to know.
"""

from __future__ import annotations

import re
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from pydantic import SecretStr

# "I speak Bolt", then four offers; the first is any version from 5.0 to 5.4.
_HANDSHAKE = bytes.fromhex("6060b017 00040405 00000000 00000000 00000000")
_HELLO, _GOODBYE, _RUN, _BEGIN, _LOGON = 0x01, 0x02, 0x10, 0x11, 0x6A
_SUCCESS = 0x70
_CODE = re.compile(rb"Neo\.[A-Za-z]+\.[A-Za-z]+\.[A-Za-z]+")
_MAX_REPLY = 65_536

HALTED = "Neo.DatabaseError.Transaction.TransactionStartFailed"
"""The database had an error that it could not get over, and waits for a restart."""


class BoltRefusedError(Exception):
    """The server answered, and said no."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def log_in(
    host: str,
    port: int,
    username: str,
    password: SecretStr | None,
    *,
    database: str = "neo4j",
    timeout_s: float = 5.0,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Log in and run a query in `database`. Returns quietly if all of it was accepted.

    A transaction that runs nothing is accepted even by a database that has stopped itself.

    Args:
        password: None asks without credentials (scheme `none`).
        tls: how to check the server's certificate; None speaks in the clear.

    Raises:
        BoltRefusedError: the server refused, with Neo4j's status code.
        OSError: nobody listens, or no answer came in time.
    """
    with _connect(host, port, timeout_s, tls) as wire:
        wire.sendall(_HANDSHAKE)
        version = _read(wire, 4)
        if version == bytes(4):
            raise BoltRefusedError("no common Bolt version")
        agent = {"product": "sapwood-health/1"}
        _call(wire, _HELLO, {"user_agent": "sapwood-health/1", "bolt_agent": agent})
        _call(wire, _LOGON, _credentials(username, password))
        _call(wire, _BEGIN, {"db": database, "mode": "r"})
        _call(wire, _RUN, "RETURN 1", {}, {})
        _send(wire, _GOODBYE)


def _connect(host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None) -> socket.socket:
    plain = socket.create_connection((host, port), timeout=timeout_s)
    if tls is None:
        return plain
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _credentials(username: str, password: SecretStr | None) -> dict[str, object]:
    if password is None:
        return {"scheme": "none"}
    secret = password.get_secret_value()
    return {"scheme": "basic", "principal": username, "credentials": secret}


def _call(wire: socket.socket, signature: int, *fields: object) -> None:
    _send(wire, signature, *fields)
    reply = _receive(wire)
    if len(reply) < 2 or reply[1] != _SUCCESS:
        found = _CODE.search(reply)
        raise BoltRefusedError(found.group().decode() if found else "unknown answer")


def _send(wire: socket.socket, signature: int, *fields: object) -> None:
    body = b"".join(map(_pack, fields))
    message = bytes([0xB0 | len(fields), signature]) + body
    wire.sendall(struct.pack(">H", len(message)) + message + b"\0\0")


def _receive(wire: socket.socket) -> bytes:
    message = b""
    while True:
        (size,) = struct.unpack(">H", _read(wire, 2))
        if size:
            message += _read(wire, size)
        elif message:  # an empty chunk before a message is only a sign of life
            return message
        if len(message) > _MAX_REPLY:
            raise BoltRefusedError("an answer that is too long")


def _read(wire: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = wire.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        data += part
    return data


def _pack(value: object) -> bytes:
    """PackStream of the two types a log-in needs: text and maps of at most 15 entries."""
    if isinstance(value, dict):
        entries = b"".join(_pack(key) + _pack(item) for key, item in value.items())
        return bytes([0xA0 | len(value)]) + entries
    text = str(value).encode()
    return b"\xd1" + struct.pack(">H", len(text)) + text
