"""Kept stats of branches: exact, never stale, whoever else is at it and whatever is cut short."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from sapwood import Database, NotFoundError, failpoints
from sapwood.branches import BRANCH_FIELDS, branch_stats
from sapwood.model import NodeStatus
from sapwood.nodes import Columns
from sapwood.relational import BranchStatsRepository
from sapwood.relational import branch_stats as room
from sapwood.replica import Replica

from .building import node, node_with, prune, status, until

if TYPE_CHECKING:
    from sapwood.batch import Draft, NodeDraft
    from sapwood.relational import ProjectRepository
    from sapwood.servers import Endpoints

    from ...conftest import RunSql
    from .building import Writer

MARK = "SELECT seq FROM sapwood.branch_stats_mark WHERE project_id = $1"
ROWS = "SELECT count(*) FROM sapwood.branch_stats WHERE project_id = $1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1"


@pytest.fixture
def branches(database: Database) -> BranchStatsRepository:
    return BranchStatsRepository(database)


class Tree:
    """Grows at random, and is counted plainly."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.nodes: list[NodeDraft] = []
        self.rng = random.Random(24)

    async def grow(self, count: int = 20) -> None:
        """Commit some of everything."""
        items: list[Draft] = []
        for _ in range(count):
            parent = self.rng.choice(self.nodes) if self.nodes else None
            self.nodes.append(node(parent, score=self.rng.choice([None, 0.1, 0.7, 1e300, 5e-324])))
            items.append(self.nodes[-1])
        for each in self.rng.sample(self.nodes, min(5, len(self.nodes))):
            items.append(node_with(each, score=self.rng.choice([None, 0.2, -1.0])))
            items.append(status(self.rng.choice(self.nodes), self.rng.choice(list(NodeStatus))))
        items.append(prune(self.rng.choice(self.nodes[len(self.nodes) // 2 :])))
        await self.writer.commit(*items)

    async def assert_kept_by(self, branches: BranchStatsRepository) -> None:
        replica, project_id = Replica(), self.writer.project_id
        for entry in await self.writer.journal.entries(
            project_id, 1, most_rows=10**6, most_bytes=10**9
        ):
            replica.apply(entry)
        for each in replica.nodes:
            rows = [replica.nodes[below] for below in replica.subtree(each)]
            names = (*BRANCH_FIELDS, "score")
            columns = Columns({name: [row[name] for row in rows] for name in names})
            assert await branches.get(project_id, each) == branch_stats(each, columns, "score")


async def test_the_stats_are_those_of_a_plain_count_after_every_commit(
    writer: Writer, branches: BranchStatsRepository
) -> None:
    tree = Tree(writer)
    for _ in range(6):
        await tree.grow()
        await tree.assert_kept_by(branches)


async def test_the_extremes_of_floats_are_kept_as_they_are(
    writer: Writer, branches: BranchStatsRepository
) -> None:
    huge, tiny = 1.7976931348623157e308, 5e-324
    root = node(score=huge)
    a, b, c = (node(root, score=value) for value in (huge, tiny, -0.0))
    await writer.commit(root, a, b, c)
    stats = await branches.get(writer.project_id, root.node_id)
    assert (stats.scored, stats.mean) == (4, huge / 2)
    assert (stats.best, stats.best_node_id) == (huge, min(root.node_id, a.node_id))
    assert (await branches.get(writer.project_id, b.node_id)).mean == tiny
    assert (await branches.get(writer.project_id, c.node_id)).mean == 0.0
    await writer.commit(node_with(root, score=None), node_with(a, score=0.5))
    await writer.commit(node_with(b, score=None), node_with(c, score=None))
    stats = await branches.get(writer.project_id, root.node_id)
    assert (stats.scored, stats.mean, stats.best) == (1, 0.5, 0.5)


async def test_a_long_backlog_takes_several_transactions_and_an_interrupted_one_goes_on(
    writer: Writer,
    branches: BranchStatsRepository,
    run_sql: RunSql,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "MOST_ROWS", 30)
    monkeypatch.setattr(room, "_PORTION_ROWS", 10)
    tree = Tree(writer)
    for _ in range(6):
        await tree.grow()
    failpoints.arm(failpoints.STATS_BEFORE_COMMIT, "raise", visit=3)
    with pytest.raises(failpoints.FailpointError):
        await branches.refresh(writer.project_id)
    [(mark,)] = await run_sql(MARK, writer.project_id)
    head = (await writer.journal.head(writer.project_id)).seq
    assert 0 < mark < head
    await tree.assert_kept_by(branches)
    assert await run_sql(MARK, writer.project_id) == [(head,)]


async def test_processes_that_refresh_at_once_while_another_writes_do_not_disturb_each_other(
    writer: Writer, branches: BranchStatsRepository, other_database: Database
) -> None:
    others, tree = BranchStatsRepository(other_database), Tree(writer)
    for _ in range(5):
        await asyncio.gather(
            branches.refresh(writer.project_id),
            others.refresh(writer.project_id),
            tree.grow(),
            others.refresh(writer.project_id),
        )
    await tree.assert_kept_by(others)
    await tree.assert_kept_by(branches)


async def test_another_process_finds_what_one_has_kept(
    writer: Writer, branches: BranchStatsRepository, servers: Endpoints, run_sql: RunSql
) -> None:
    tree = Tree(writer)
    await tree.grow()
    await branches.refresh(writer.project_id)
    await run_sql(
        "UPDATE sapwood.branch_stats SET nodes = -7 WHERE project_id = $1", writer.project_id
    )
    later = Database(servers.database_url)
    found = await BranchStatsRepository(later).get(writer.project_id, tree.nodes[0].node_id)
    await later.close()
    assert found.nodes == -7, "it was counted again"


async def test_neither_a_flush_nor_a_refresh_waits_for_the_other(
    writer: Writer, branches: BranchStatsRepository
) -> None:
    tree = Tree(writer)
    await tree.grow()
    trap = failpoints.arm(failpoints.STATS_BEFORE_COMMIT, "hang")
    refresh = asyncio.create_task(branches.refresh(writer.project_id))
    await asyncio.wait_for(trap.sprung.wait(), 10)
    await asyncio.wait_for(tree.grow(), 10)
    refresh.cancel()
    await asyncio.wait([refresh])
    await tree.assert_kept_by(branches)


async def test_a_deletion_waits_for_a_refresh_and_leaves_nothing_of_it(
    writer: Writer,
    branches: BranchStatsRepository,
    projects: ProjectRepository,
    other_database: Database,
    run_sql: RunSql,
) -> None:
    project_id, tree = writer.project_id, Tree(writer)
    await tree.grow()
    await branches.refresh(project_id)
    await tree.grow()
    async with other_database.transaction() as connection:
        await connection.execute(room._TAKE_MARK, {"project_id": project_id})
        refresh = asyncio.create_task(branches.refresh(project_id))
        await until(lambda: is_waiting("%branch_stats_mark%", run_sql))
        await projects.mark_deleting(project_id)
        deletion = asyncio.create_task(projects.delete_rows(project_id))
        await until(lambda: is_waiting("%project.id = %FOR UPDATE%", run_sql))
        assert await run_sql(ROWS, project_id) == [(20,)]
    await asyncio.wait_for(refresh, 10)
    await asyncio.wait_for(deletion, 10)
    assert await run_sql(ROWS, project_id) == [(0,)]
    assert await run_sql(MARK, project_id) == []


async def test_a_project_that_is_being_deleted_has_no_stats(
    writer: Writer, branches: BranchStatsRepository, projects: ProjectRepository, run_sql: RunSql
) -> None:
    tree = Tree(writer)
    await tree.grow()
    await projects.mark_deleting(writer.project_id)
    with pytest.raises(NotFoundError, match="being deleted"):
        await branches.get(writer.project_id, tree.nodes[0].node_id)
    with pytest.raises(NotFoundError, match="being deleted"):
        await branches.refresh(writer.project_id)
    assert await run_sql(ROWS, writer.project_id) == [(0,)]


async def is_waiting(query: str, run_sql: RunSql) -> bool:
    return await run_sql(WAITING, query) != [(0,)]
