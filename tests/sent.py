"""What goes to the servers, noted where the drivers send it."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest
from neo4j._async.io._bolt._base import AsyncBolt
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

import sapwood

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    from sapwood import Database

SOURCE: Final = Path(sapwood.__path__[0])
SIGN_OF_LIFE: Final = "SELECT"
"""What a connection is asked after a pause: as much for a large call as for a small one."""
MESSAGES: Final = {
    b"\x10": "RUN",
    b"\x11": "BEGIN",
    b"\x12": "COMMIT",
    b"\x13": "ROLLBACK",
    b"\x3f": "PULL",
}
"""Bolt's messages that a transaction consists of, by their first byte."""
SENDING: Final = {
    AsyncConnection: ("execute", "scalar", "scalars", "stream"),
    asyncpg.Connection: ("execute", "executemany", "fetch", "fetchrow", "fetchval"),
}
"""What a module of ours may call to send a statement."""


class Sent:
    """What was sent to the two servers since it was last cleared.

    Attributes:
        sql: Statements to PostgreSQL, transaction control included.
        bolt: How many messages of each kind went to Neo4j.
        places: File and line of each place in our source that sent a statement to PostgreSQL.
    """

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.bolt: Counter[str] = Counter()
        self.places: set[tuple[Path, int]] = set()

    def clear(self) -> None:
        self.sql.clear()
        self.bolt.clear()

    def counts(self) -> Counter[str]:
        """Return how many statements and messages there were."""
        return Counter(SQL=len(self.sql)) + self.bolt

    def entries_were_read(self) -> bool:
        """Whether anybody read the journal, as whoever applies does."""
        return any("payload" in each and not each.startswith("INSERT") for each in self.sql)


@contextmanager
def noted(database: Database) -> Generator[Sent]:
    """Note what goes to PostgreSQL by this database, which must be new, and to any Neo4j."""
    sent = Sent()
    announced: Counter[str] = Counter()

    def connect(connection: Any, _record: Any) -> None:
        connection.driver_connection.add_query_logger(hear)

    def execute(_: Any, __: Any, statement: str, *___: Any) -> None:
        announced[statement] += 1
        sent.sql.append(statement)

    def hear(record: Any) -> None:
        """Note what the driver sends, unless that is SQLAlchemy's: it may log that once more."""
        if announced[record.query]:
            announced[record.query] -= 1
        elif record.query != SIGN_OF_LIFE:
            sent.sql.append(record.query)

    def append(bolt: Any, signature: bytes, *rest: Any, **more: Any) -> Any:
        if signature in MESSAGES:
            sent.bolt[MESSAGES[signature]] += 1
        return whole(bolt, signature, *rest, **more)

    whole: Any = AsyncBolt._append
    event.listen(database.engine.sync_engine, "connect", connect)
    event.listen(database.engine.sync_engine, "before_cursor_execute", execute)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncBolt, "_append", append)
        for owner, names in SENDING.items():
            for name in names:
                patch.setattr(owner, name, _placed(getattr(owner, name), sent))
        yield sent


def _placed(send: Callable[..., Any], sent: Sent) -> Callable[..., Any]:
    def call(*values: Any, **named: Any) -> Any:
        caller: FrameType | None = sys._getframe(1)
        while caller is not None:  # whoever awaits our own helper is a place too
            path = Path(caller.f_code.co_filename)
            if path.is_relative_to(SOURCE):
                sent.places.add((path, caller.f_lineno))
            caller = caller.f_back
        return send(*values, **named)

    return call
