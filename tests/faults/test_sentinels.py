"""Whatever fails, no content, score or password is in a log, a repr, an error or its traceback.

Hazard: F5 (secrets and contents in logs).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sapwood import (
    AsyncStorageAdapter,
    ClosedError,
    Database,
    DivergedError,
    FencedError,
    Graph,
    JournalError,
    Node,
    RejectedItemsError,
    SapwoodError,
    StaleReadError,
    StalledError,
    StoreError,
    UnavailableError,
)
from sapwood.journal import Operations, pack

from .proxy import POSTGRES_COMMIT
from .sentinels import PASSWORD, TEXT, Watch, fill, fill_again, watching
from .test_outages import Rig, rig
from .test_rejections import holding_the_project

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sapwood.servers import Endpoints

    from ..conftest import RunCypher, RunSql


class Scene:
    """A filled project behind proxies, and foreign hands on both servers."""

    def __init__(
        self, it: Rig, servers: Endpoints, cypher: RunCypher, sql: RunSql, principle_id: str
    ) -> None:
        self.it = it
        self.principle_id = principle_id
        self.store = it.store
        self.project_id = it.store.project_id
        self.servers = servers
        self.cypher = cypher
        self.sql = sql

    def another(self, db: Database, graph: Graph) -> AsyncStorageAdapter:
        return AsyncStorageAdapter(db, graph, project_id=self.project_id, read_wait_s=2.0)

    async def in_vain(self, call: Awaitable[Any]) -> None:
        """Wait for what is tried again for ever, for a moment."""
        async with asyncio.timeout(0.5):
            await call


async def postgresql_is_away(scene: Scene) -> None:
    scene.it.postgres.refuse()
    await scene.store.load_project()


async def postgresql_is_away_from_a_flush(scene: Scene) -> None:
    scene.it.postgres.refuse()
    await fill_again(scene.store, scene.principle_id)
    await scene.in_vain(scene.store.flush())


async def neo4j_is_away(scene: Scene) -> None:
    scene.it.neo4j.refuse()
    await scene.store.load_project()


async def a_connection_is_cut_in_the_middle(scene: Scene) -> None:
    await fill_again(scene.store, scene.principle_id)
    scene.it.postgres.cut_after = POSTGRES_COMMIT
    await scene.store.flush()
    scene.it.postgres.cut_after = b"sapwood.project"
    async with scene.it.db.transaction() as connection:
        await connection.exec_driver_sql("SELECT $1::text FROM sapwood.project", (TEXT,))


async def postgresql_refuses_the_password(scene: Scene) -> None:
    url = urlsplit(scene.servers.database_url.get_secret_value())
    host = f"{url.username}:{PASSWORD}@{url.hostname}:{url.port}"
    wrong = Database(url._replace(netloc=host).geturl())
    try:
        await fill(scene.another(wrong, scene.it.graph))
    finally:
        await wrong.close()


async def neo4j_refuses_the_password(scene: Scene) -> None:
    wrong = Graph(scene.servers.neo4j_uri, auth=("neo4j", PASSWORD))
    store = scene.another(scene.it.db, wrong)
    try:
        await store.load_project()
    finally:
        await store.close()
        await wrong.close()


async def a_statement_takes_too_long(scene: Scene) -> None:
    hasty = Database(scene.servers.database_url, statement_timeout_s=0.2)
    store = scene.another(hasty, scene.it.graph)
    try:
        async with holding_the_project(scene.servers, scene.project_id):
            await store.rubrics.activate(1, judge="another@1")
    finally:
        await store.close()
        await hasty.close()


async def a_foreign_constraint_of_postgresql_is_broken(scene: Scene) -> None:
    await scene.sql(
        "ALTER TABLE sapwood.principle_score ADD CONSTRAINT foreign_hand"
        f" CHECK (project_id <> '{scene.project_id}') NOT VALID"
    )
    try:
        await fill_again(scene.store, scene.principle_id)
        await scene.store.flush()
    finally:
        await scene.sql("ALTER TABLE sapwood.principle_score DROP CONSTRAINT foreign_hand")


async def a_foreign_node_is_in_the_way(scene: Scene) -> None:
    await scene.cypher(
        "CREATE (:Node {project_id: $id, id: 'refused', content: $text})",
        id=scene.project_id,
        text=TEXT,
    )
    await scene.store.save_nodes_batch([Node(id="refused", content=TEXT)])
    await scene.store.flush()


async def neo4j_refuses_a_value_of_the_journal(scene: Scene) -> None:
    payload, crc = pack(Operations(sets=[{"id": "root", "attributes": {TEXT: TEXT}}]))
    await overwrite(scene, payload, crc)
    await scene.store.rebuild_graph()


async def the_journal_is_damaged(scene: Scene) -> None:
    await overwrite(scene, b"damaged " + TEXT.encode(), 0)
    await scene.store.verify()


async def overwrite(scene: Scene, payload: bytes, crc: int) -> None:
    await scene.sql(
        "UPDATE sapwood.journal SET payload = $2, crc = $3 WHERE project_id = $1 AND seq ="
        " (SELECT max(seq) FROM sapwood.journal WHERE project_id = $1)",
        scene.project_id,
        payload,
        crc,
    )


async def a_newer_writer_took_over(scene: Scene) -> None:
    async with scene.another(scene.it.db, scene.it.graph) as newer:
        await newer.save_nodes_batch([Node(content=TEXT)])
    await fill_again(scene.store, scene.principle_id)
    await scene.store.flush()


async def items_were_rejected(scene: Scene) -> None:
    async with AsyncStorageAdapter(
        scene.it.db, scene.it.graph, project_id=scene.project_id, mode="join"
    ) as first:
        await scene.store.save_nodes_batch([Node(id="same", content=TEXT)])
        await first.save_nodes_batch([Node(id="same", content=f"{TEXT} first")])
        await first.flush()
        await scene.store.flush()


async def the_stores_diverged(scene: Scene) -> None:
    await scene.cypher(
        "MATCH (w:Watermark {project_id: $id}) SET w.chain = 'foreign'", id=scene.project_id
    )
    await scene.store.load_project()


async def the_adapter_is_closed(scene: Scene) -> None:
    await fill_again(scene.store, scene.principle_id)
    await scene.store.close()
    await scene.store.save_nodes_batch([Node(content=TEXT)])


async def a_call_is_cancelled(scene: Scene) -> None:
    async with holding_the_project(scene.servers, scene.project_id):
        await fill_again(scene.store, scene.principle_id)
        await scene.in_vain(scene.store.flush())


FAILURES: dict[Callable[[Scene], Awaitable[None]], type[BaseException]] = {
    postgresql_is_away: UnavailableError,
    postgresql_is_away_from_a_flush: TimeoutError,
    neo4j_is_away: StaleReadError,
    a_connection_is_cut_in_the_middle: UnavailableError,
    postgresql_refuses_the_password: StoreError,
    neo4j_refuses_the_password: StoreError,
    a_statement_takes_too_long: StoreError,
    a_foreign_constraint_of_postgresql_is_broken: StoreError,
    a_foreign_node_is_in_the_way: StalledError,
    neo4j_refuses_a_value_of_the_journal: StalledError,
    the_journal_is_damaged: JournalError,
    a_newer_writer_took_over: FencedError,
    items_were_rejected: RejectedItemsError,
    the_stores_diverged: DivergedError,
    the_adapter_is_closed: ClosedError,
    a_call_is_cancelled: TimeoutError,
}


@pytest.mark.usefixtures("database", "graph")
@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
async def test_no_failure_shows_a_content_a_score_or_a_password(
    fail: Callable[[Scene], Awaitable[None]],
    servers: Endpoints,
    project_id: str,
    run_cypher: RunCypher,
    run_sql: RunSql,
) -> None:
    waits = {"read_wait_s": 2.0, "apply_wait_s": 1.0, "close_wait_s": 1.0}
    has_failed = False
    with watching(servers) as watch:
        try:
            async with rig(servers, project_id, flush_interval_s=60, **waits) as it:
                principle_id = await fill(it.store)
                await it.store.load_project()
                scene = Scene(it, servers, run_cypher, run_sql, principle_id)
                with pytest.raises(FAILURES[fail]) as failed:
                    await fail(scene)
                has_failed = True
                watch.raised(failed.value)
                look_at(watch, it.store, it.db, it.graph, it.store.rubrics, it.store._session)
        except SapwoodError as at_close:
            if not has_failed:
                raise
            watch.raised(at_close)
    assert watch.looked_at > 100
    assert not watch.found()


def look_at(watch: Watch, *shown: object) -> None:
    """Look at what a debugger or an error report would show of objects."""
    for each in shown:
        watch.look(repr(each), str(each), repr(vars(each)))


def test_the_watch_sees_what_is_shown(servers: Endpoints) -> None:
    logger = logging.getLogger("sapwood.session")
    for shown in (TEXT, PASSWORD, servers.neo4j_password.get_secret_value()):
        with watching(servers) as watch:
            logger.debug("said %s", shown)
        assert watch.found()
        with watching(servers) as watch:
            logger.debug("a field", extra={"fields": {"problem": ValueError(shown)}})
        assert watch.found()
    beneath = KeyError("on top")
    beneath.__context__ = ValueError(TEXT)
    with watching(servers) as watch:
        watch.raised(beneath)
    assert watch.found()
