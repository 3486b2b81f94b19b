"""A TCP proxy on the loopback that cuts, refuses, holds back, or swallows a reply, on command."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from .relay import Relay

if TYPE_CHECKING:
    from .relay import Carry

POSTGRES_COMMIT = b"COMMIT;\0"
BOLT_COMMIT = b"\x00\x02\xb0\x12\x00\x00"


class Proxy(Relay):
    """Stands before one server port.

    Attributes:
        cut_after: Bytes of the client; when they pass by, they are forwarded, the replies after
            them are swallowed and the connection is cut. Used once, then forgotten.
        cuts: How many times that happened.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.cut_after: bytes | None = None
        self.cuts = 0
        self._passes = asyncio.Event()
        self._passes.set()
        self._silent: list[asyncio.Event] = []

    def hold(self) -> None:
        """Let nothing through until `release`; connections stay open, as behind a black hole."""
        self._passes.clear()

    def silence(self) -> None:
        """Let nothing through on the connections that there are, until `release`; new ones work."""
        self.hold()
        self._silent.append(self._passes)
        self._passes = asyncio.Event()
        self._passes.set()

    def release(self) -> None:
        """Let through what was held back, late, unless its connection was cut meanwhile."""
        for passes in (*self._silent, self._passes):
            passes.set()

    def _line(self) -> tuple[Carry, Carry]:
        swallow, passes = asyncio.Event(), self._passes
        return partial(self._forward, swallow, passes), partial(self._reply, swallow, passes)

    async def _forward(
        self,
        swallow: asyncio.Event,
        passes: asyncio.Event,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(65536):
            if self.cut_after is not None and self.cut_after in data:
                self.cut_after = None
                swallow.set()
            await passes.wait()
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _reply(
        self,
        swallow: asyncio.Event,
        passes: asyncio.Event,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(65536):
            if swallow.is_set():
                # The server has answered, so what was asked of it is done; nobody hears of it.
                self.cuts += 1
                break
            await passes.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
