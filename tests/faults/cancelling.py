"""One run of the scenario that is cancelled at its n-th await, and what is held after it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from time import monotonic
from types import coroutine
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import text

from sapwood import AsyncStorageAdapter, Database, Graph

from .scenario import held, search

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from sapwood.servers import Endpoints

Form = Literal["same adapter", "new adapter"]
FORMS: Final[tuple[Form, ...]] = ("same adapter", "new adapter")
"""Who goes on. `same adapter`: its calls were cancelled, and it is used again. `new adapter`: the
program was, with opening and closing of the one before."""
LONGEST_S: Final = 60.0
_IDLE: Final = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = :name AND state LIKE 'idle in transaction%'"
)


@dataclass(frozen=True)
class CancelledRun:
    """What came of one run.

    Attributes:
        happened: Whether there was an n-th await.
        seconds: How long all of it took.
        held: What is stored after it; see `scenario.held`.
        left: Connections still lent, transactions open and idle, tasks that did not end.
    """

    happened: bool
    seconds: float
    held: dict[str, Any]
    left: int


@coroutine
def cancelled_at(work: Coroutine[Any, Any, None], at: int) -> Generator[Any, Any, None]:
    """Await `work`, and cancel the task that does so at its `at`-th suspension, once."""
    step: Callable[[], Any] = partial(work.send, None)
    while True:
        try:
            waits_for = step()
        except StopIteration:
            return
        at -= 1
        task = asyncio.current_task()
        if at == 0 and task is not None:
            task.cancel()
        try:
            yield waits_for
        except BaseException as exc:  # it is the work's to handle
            step = partial(work.throw, exc)
        else:
            step = partial(work.send, None)


async def is_cancelled(work: Coroutine[Any, Any, None], at: int) -> bool:
    """Do the work in a task of its own; return whether that was cancelled before its end."""

    async def do() -> None:
        await cancelled_at(work, at)

    task = asyncio.create_task(do())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return task.cancelled()


async def run(servers: Endpoints, project_id: str, at: int, form: Form) -> CancelledRun:
    """Search, cancelled at the `at`-th await, and go on; then look at what is stored."""
    began = monotonic()
    url = f"{servers.database_url.get_secret_value()}?application_name={project_id}"
    db = Database(url)
    graph = Graph(servers.neo4j_uri, auth=(servers.neo4j_username, servers.neo4j_password))
    try:
        async with asyncio.timeout(LONGEST_S):
            happened = await _search(partial(_adapter, db, graph, project_id), at, form)
            seconds = monotonic() - began
            left = await _left(db, graph, project_id)
            async with AsyncStorageAdapter(db, graph, project_id=project_id, mode="read") as reader:
                return CancelledRun(happened, seconds, await held(reader), left)
    finally:
        await graph.close()
        await db.close()


def _adapter(db: Database, graph: Graph, project_id: str) -> AsyncStorageAdapter:
    return AsyncStorageAdapter(db, graph, project_id=project_id, flush_interval_s=3600)


async def _search(make: Callable[[], AsyncStorageAdapter], at: int, form: Form) -> bool:
    if form == "new adapter":
        happened = await is_cancelled(_open_and_search(make()), at)
        await _open_and_search(make())
        return happened
    async with make() as store:
        happened = await is_cancelled(search(store), at)
        await search(store)
    return happened


async def _open_and_search(store: AsyncStorageAdapter) -> None:
    async with store:
        await search(store)


async def _left(db: Database, graph: Graph, name: str) -> int:
    pool: Any = db.engine.pool
    lent = int(pool.checkedout())
    async with db.transaction() as connection:
        idle = int(await connection.scalar(_IDLE, {"name": name}))
    driver = vars(graph)["_driver"]
    connections = [each for kept in driver._pool.connections.values() for each in kept]
    tasks = sum(task.get_name().endswith(name) for task in asyncio.all_tasks())
    return lent + idle + tasks + sum(bool(each.in_use) for each in connections)
