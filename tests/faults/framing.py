"""Where one message of a protocol ends and the next begins, in the bytes that pass a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST: Final = b"\x00\x00\x01\xff"
"""What a Bolt server answers that lets the client choose the version from a list."""


class Framing(Protocol):
    """Splits what one connection carries in each direction; made anew for each connection."""

    def requests(self, data: bytes) -> list[bytes]:
        """Return the client's messages that are complete with `data`."""
        ...

    def replies(self, data: bytes) -> list[bytes]:
        """Return the server's messages that are complete with `data`."""
        ...


class PostgresFraming:
    """A type byte and a length, but for the first message, which has no type.

    TLS is not spoken here: `sslmode=disable`.
    """

    def __init__(self) -> None:
        self._request = self._reply = b""
        self._started = False

    def requests(self, data: bytes) -> list[bytes]:
        self._request += data
        found = []
        if not self._started and len(self._request) >= 4:
            size = int.from_bytes(self._request[:4], "big")
            if len(self._request) < size:
                return []
            found.append(self._request[:size])
            self._request = self._request[size:]
            self._started = True
        whole = list(_typed(self._request)) if self._started else []
        self._request = self._request[sum(map(len, whole)) :]
        return found + whole

    def replies(self, data: bytes) -> list[bytes]:
        self._reply += data
        found = list(_typed(self._reply))
        self._reply = self._reply[sum(map(len, found)) :]
        return found


def _typed(data: bytes) -> Iterator[bytes]:
    at = 0
    while len(data) - at >= 5:
        end = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big")
        if end > len(data):
            return
        yield data[at:end]
        at = end


class BoltFraming:
    """Chunks of a length each, a message ends with an empty one; a handshake comes first."""

    def __init__(self) -> None:
        self._request = self._reply = b""
        self._to_greet = 1
        self._greeted = False

    def requests(self, data: bytes) -> list[bytes]:
        self._request += data
        found = []
        if self._to_greet:
            # The answer to a list of versions: one of them, and no capability.
            size = 5 if self._greeted else 20
            if len(self._request) < size:
                return []
            found.append(self._request[:size])
            self._request = self._request[size:]
            self._to_greet -= 1
        whole = [] if self._to_greet else list(_chunked(self._request))
        self._request = self._request[sum(map(len, whole)) :]
        return found + whole

    def replies(self, data: bytes) -> list[bytes]:
        if not self._greeted:  # in one piece: the server has nothing else to say yet
            self._greeted = True
            self._to_greet += data.startswith(MANIFEST)
            return [data]
        self._reply += data
        found = list(_chunked(self._reply))
        self._reply = self._reply[sum(map(len, found)) :]
        return found


def _chunked(data: bytes) -> Iterator[bytes]:
    start = at = 0
    while len(data) - at >= 2:
        size = int.from_bytes(data[at : at + 2], "big")
        at += 2 + size
        if at > len(data):
            return
        if size == 0:
            yield data[start:at]
            start = at
