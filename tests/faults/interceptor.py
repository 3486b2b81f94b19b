"""A TCP proxy on the loopback that counts messages and does one thing wrong at the n-th."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .framing import Framing

Direction = Literal["request", "reply"]
Kind = Literal["cut", "hang", "lost reply"]
KINDS: tuple[Kind, ...] = ("cut", "hang", "lost reply")


class Fault(NamedTuple):
    """What goes wrong, and where.

    Attributes:
        direction: Whose messages are counted, over all connections from the first one on.
        at: The number of the message, from 1.
        kind: `cut`: it does not arrive, and its connection ends. `hang`: it does not arrive, and
            nothing more does on its connection, which stays open. `lost reply`: it arrives, and the
            connection ends with the first reply after it (of a reply: as `cut`).
    """

    direction: Direction
    at: int
    kind: Kind


class Interceptor:
    """Stands before one server port.

    Attributes:
        port: Where it listens.
        seen: Messages so far, by direction.
        happened: Whether the fault took place.
    """

    def __init__(
        self, host: str, port: int, framing: Callable[[], Framing], fault: Fault | None = None
    ) -> None:
        self._target = (host, port)
        self._framing = framing
        self._fault = fault
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.seen: dict[Direction, int] = {"request": 0, "reply": 0}
        self.happened = False

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
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        line = _Line(self, self._framing())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(line.carry(reader, back, "request", line.framing.requests))
                group.create_task(line.carry(there, writer, "reply", line.framing.replies))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    def strikes(self, direction: Direction) -> Kind | None:
        """Count a message; say what is to go wrong with it."""
        self.seen[direction] += 1
        fault = self._fault
        if fault is None or fault[:2] != (direction, self.seen[direction]):
            return None
        self.happened = True
        return fault.kind


class _Line:
    """One connection through the proxy."""

    def __init__(self, owner: Interceptor, framing: Framing) -> None:
        self._owner = owner
        self._silent = False
        self._last_reply = False
        self.framing = framing

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Direction,
        split: Callable[[bytes], list[bytes]],
    ) -> None:
        """Carry one direction, message by message, until either side ends."""
        while data := await reader.read(65536):
            for message in split(data):
                if not self._passes(direction):
                    raise ConnectionResetError
                if not self._silent:
                    writer.write(message)
            await writer.drain()
        raise ConnectionResetError  # ends the other direction too

    def _passes(self, direction: Direction) -> bool:
        if self._silent:
            return True
        kind = self._owner.strikes(direction)
        if direction == "reply" and (kind == "lost reply" or self._last_reply):
            return False
        self._silent = kind == "hang"
        self._last_reply = self._last_reply or kind == "lost reply"
        return kind != "cut"
