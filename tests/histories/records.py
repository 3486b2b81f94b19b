"""What is recorded of a run: what each client asked and heard, and when; the faults; the journal.

Times are nanoseconds of the machine's monotonic clock, which all of its processes share.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

Kind = Literal["open", "write", "flush", "read", "rejoin", "close"]
Call = list[Any]
"""`[name, *arguments]`, of which one `write` has several; see `program.perform`."""


class Life(NamedTuple):
    """One adapter of one client, from opening to closing or to the end of its process."""

    client: str
    number: int


class Place(NamedTuple):
    """Which operation: its life, and its number in that."""

    life: Life
    number: int


@dataclass(frozen=True)
class Operation:
    """What a client asked for, and what it heard.

    Attributes:
        number: Its place among those of its life, which come one after the other.
        asked: Of a write: `calls`, and the id of the new node that is its `witness`. Of a read: its
            name.
        ended: `None` if nothing was heard: the process was killed.
        error: Name of the exception's class; `None` if it succeeded or nothing was heard.
        result: Of a flush: the receipt's `seq`. Of a read: values by register, a dict for each
            moment, in their order.
    """

    life: Life
    number: int
    kind: Kind
    asked: Any
    began: int
    ended: int | None = None
    error: str | None = None
    result: Any = None

    @property
    def place(self) -> Place:
        return Place(self.life, self.number)

    @property
    def tag(self) -> str:
        """What a write leaves wherever it writes."""
        return f"{self.life.client}.{self.life.number}.{self.number}"

    @property
    def ok(self) -> bool:
        return self.ended is not None and self.error is None

    def __str__(self) -> str:
        return f"{self.kind} {self.tag}"


@dataclass(frozen=True)
class Fault:
    """Something that was done to the program.

    Attributes:
        clients: Whom it concerns.
        healed: When the cause was gone.
    """

    kind: str
    clients: tuple[str, ...]
    began: int
    healed: int

    def note(self, path: Path) -> None:
        """Write it down, a line a fault."""
        with path.open("ab") as file:
            file.write(orjson.dumps(asdict(self)) + b"\n")


@dataclass(frozen=True)
class Commit:
    """What one transaction put into the journal.

    Attributes:
        first, last: The positions of its entries.
        made: Ids of the nodes it creates.
        reasons: Reasons of the statuses and prunes that it sets.
    """

    batch_id: str
    epoch: int
    first: int
    last: int
    made: tuple[str, ...]
    reasons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Held:
    """What both stores hold in the end.

    Attributes:
        registers: As a read of everything gives them; see `oracle`.
        ids: Of all nodes of the graph, as often as they are there.
        rows: Nodes by id, as `oracle.Row`.
        state_seq: Position at which PostgreSQL says that the state was saved.
        registered: Ids in PostgreSQL's register.
        verified: Whether `verify()` found the graph to be the fold of the journal.
    """

    registers: dict[str, Any]
    ids: tuple[str, ...]
    rows: dict[str, list[Any]]
    state_seq: int | None
    registered: frozenset[str]
    verified: bool


@dataclass(frozen=True)
class History:
    """Everything that the checker is given."""

    operations: tuple[Operation, ...]
    commits: tuple[Commit, ...]
    held: Held
    faults: tuple[Fault, ...] = field(default=())


class Recorder:
    """Writes one process's operations down, a line when one begins and one when it ends.

    Each line is one `write` to the file, so that a SIGKILL takes none that was written, and only an
    operation that was under way has no end.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def run(
        self,
        life: Life,
        number: int,
        kind: Kind,
        asked: Any,
        action: Callable[[], Awaitable[Any]],
    ) -> Any:
        """Do something between two readings of the clock; what it raises is recorded and raised."""
        place = {"life": [*life], "number": number}
        self._write({**place, "kind": kind, "asked": asked, "began": monotonic_ns()})
        try:
            result = await action()
        except Exception as exc:
            said = {"error": type(exc).__name__, "result": str(exc)}
            self._write({**place, "ended": monotonic_ns(), **said})
            raise
        self._write({**place, "ended": monotonic_ns(), "result": result})
        return result

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, orjson.dumps(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def read_operations(folder: Path) -> tuple[Operation, ...]:
    """Return what was recorded in the files of a folder, by life and number."""
    found: dict[Place, Operation] = {}
    for path in sorted(folder.glob("c*.jsonl")):
        for line in path.read_bytes().splitlines():
            said = orjson.loads(line)
            place = Place(Life(*said.pop("life")), said.pop("number"))
            if "began" in said:
                found[place] = Operation(*place, **said)
            else:
                found[place] = replace(found[place], **said)
    return tuple(found[place] for place in sorted(found))
