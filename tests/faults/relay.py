"""A TCP proxy on the loopback, of which a subclass says what passes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    Carry = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
    """Carries one direction of a connection until it ends."""


class Relay:
    """Stands before one server port. A connection ends once a direction of it does by an error.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._open = True
        self.port = 0

    def _line(self) -> tuple[Carry, Carry]:
        """Return how a new connection is carried: to the server, and back."""
        raise NotImplementedError

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
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:  # the server is away
            writer.close()
            return
        self._writers |= {writer, back}
        carry_there, carry_back = self._line()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(carry_there(reader, back))
                group.create_task(carry_back(there, writer))
        except* OSError:
            pass
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()
