"""A TCP proxy on the loopback that cuts, refuses, or swallows one direction, on command."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Proxy:
    """Stands before one server port.

    Attributes:
        port: Where it listens.
        cut_after: Bytes of the client; when they pass by, they are forwarded, the replies after
            them are swallowed and the connection is cut. Used once, then forgotten.
        cuts: How many times that happened.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.cut_after: bytes | None = None
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.refuse()
        await self._server.wait_closed()

    def refuse(self) -> None:
        """Cut all connections and end new ones at once, until `restore`."""
        self._open = False
        for writer in list(self._writers):
            writer.close()

    def restore(self) -> None:
        """Let connections through again."""
        self._open = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.close()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        swallow = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, back, swallow))
                group.create_task(self._reply(there, writer, swallow))
        except* OSError:
            pass
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.cut_after is not None and self.cut_after in data:
                self.cut_after = None
                swallow.set()
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _reply(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if swallow.is_set():
                # The server has answered, so what was asked of it is done; nobody hears of it.
                self.cuts += 1
                break
            writer.write(data)
            await writer.drain()
        writer.close()
