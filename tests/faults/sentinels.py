"""Texts that nobody may come across by accident, and where they are looked for."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sapwood import Node, NodeStatus, Principle, PrincipleScore, Rubric

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from sapwood import AsyncStorageAdapter
    from sapwood.servers import Endpoints

TEXT: Final = "sentinel-text"
"""Stands in each text that is saved: content, attributes, reasons, rationale, failure, state."""
NUMBER: Final = 0.7182818284590452
PASSWORD: Final = "sentinel-password"  # noqa: S105
LOGGERS: Final = ("", "sapwood", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "asyncpg")
"""All at DEBUG; `neo4j` is at INFO, since its DEBUG log holds contents, as the docs say."""


class Watch(logging.Handler):
    """Keeps what is logged, as every handler might show it, and what is raised."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(logging.DEBUG)
        self._secrets = {TEXT, str(NUMBER), PASSWORD, *secrets}
        self._shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.look(record.getMessage(), repr(vars(record)))
        args = record.args if isinstance(record.args, tuple) else ()
        raised = _errors([*args, *vars(record).get("fields", {}).values()])
        if record.exc_info is not None and record.exc_info[1] is not None:
            raised.append(record.exc_info[1])
        for error in raised:
            self.raised(error)

    def raised(self, error: BaseException) -> None:
        """Look at an error, its notes and its causes, printed and field by field."""
        self.look("".join(traceback.format_exception(error)))
        for link in _chain(error):
            self.look(str(link), repr(link), repr(vars(link)))

    def look(self, *shown: str) -> None:
        """Look at texts, later: a handler that raises is only reported."""
        self._shown += shown

    def found(self) -> list[str]:
        """Return where a secret was shown, with what stands around it."""
        return [
            text[max(0, at - 300) : at + 100]
            for text in self._shown
            for secret in self._secrets
            if (at := text.find(secret)) >= 0
        ]

    @property
    def looked_at(self) -> int:
        """How many texts were looked at."""
        return len(self._shown)


@contextmanager
def watching(servers: Endpoints) -> Generator[Watch]:
    """Look at everything that is logged meanwhile."""
    url = servers.database_url.get_secret_value()
    watch = Watch([servers.neo4j_password.get_secret_value(), url])
    levels = {name: logging.getLogger(name).level for name in (*LOGGERS, "neo4j")}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("neo4j").setLevel(logging.INFO)
    logging.getLogger().addHandler(watch)
    try:
        yield watch
    finally:
        logging.getLogger().removeHandler(watch)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


async def fill(store: AsyncStorageAdapter) -> str:
    """Save one of everything that can hold a text or a number of the user's, and flush.

    Returns the id of the rubric's one principle.
    """
    given = Rubric(principles=(Principle(key="key", text=TEXT),), weights={"key": NUMBER})
    principle_id = (await store.rubrics.save(given))["key"].id
    root = Node(id="root", content=TEXT, attributes={TEXT: [TEXT, NUMBER]}, score=NUMBER)
    await store.save_nodes_batch([root, Node(id="child", parent_id="root", content=TEXT)])
    await store.update_status_batch({"root": NodeStatus.COMPLETE}, reason=TEXT)
    await store.prune("child", reason=TEXT)
    await fill_again(store, principle_id)
    await store.flush()
    return principle_id


async def fill_again(store: AsyncStorageAdapter, principle_id: str) -> None:
    """Save more of it, without a question to PostgreSQL and without a flush."""
    await store.save_nodes_batch([Node(content=TEXT, score=NUMBER)])
    root = PrincipleScore(
        node_id="root", principle_id=principle_id, judge="j@1", score=NUMBER, rationale=TEXT
    )
    failed = PrincipleScore(node_id="child", principle_id=principle_id, judge="j@1", failure=TEXT)
    await store.update_scores_batch([root, failed])
    await store.save_state({TEXT: [TEXT, NUMBER]})


def _errors(values: Iterable[object]) -> list[BaseException]:
    return [value for value in values if isinstance(value, BaseException)]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]
