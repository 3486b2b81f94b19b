"""A TCP proxy on the loopback that counts messages and does one thing wrong at the n-th."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from .relay import Relay

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .framing import Framing
    from .relay import Carry

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


class Interceptor(Relay):
    """Stands before one server port.

    Attributes:
        seen: Messages so far, by direction.
        happened: Whether the fault took place.
    """

    def __init__(
        self, host: str, port: int, framing: Callable[[], Framing], fault: Fault | None = None
    ) -> None:
        super().__init__(host, port)
        self._framing = framing
        self._fault = fault
        self.seen: dict[Direction, int] = {"request": 0, "reply": 0}
        self.happened = False

    def _line(self) -> tuple[Carry, Carry]:
        line, framing = _Line(self), self._framing()
        return (
            partial(line.carry, "request", framing.requests),
            partial(line.carry, "reply", framing.replies),
        )

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

    def __init__(self, owner: Interceptor) -> None:
        self._owner = owner
        self._silent = False
        self._last_reply = False

    async def carry(
        self,
        direction: Direction,
        split: Callable[[bytes], list[bytes]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
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
