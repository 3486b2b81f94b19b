"""Writers at the same time: one order, no gap, no deadlock, no zombie."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import Database, FencedError, failpoints
from sapwood.model import Principle, Rubric
from sapwood.relational import Journal, ProjectRepository, RubricRepository

from .building import Writer, batch, node, score, until

if TYPE_CHECKING:
    from ...conftest import RunSql

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND query LIKE '%sapwood.project%' AND datname = current_database()"
)


async def test_commit_order_is_seq_order_and_none_is_skipped(
    writer: Writer, other_database: Database
) -> None:
    """Hazard A7: whoever sees position n sees all before it, whichever writer made them."""
    other = Writer(Journal(other_database), writer.project_id, writer.epoch)
    journal = writer.journal

    async def write(by: Writer, watch: Journal) -> list[int]:
        positions: list[int] = []
        for _ in range(25):
            seq = (await by.commit(node())).seq
            positions.append(seq)
            seen = await watch.entries(writer.project_id, 1, most_rows=10_000, most_bytes=1 << 30)
            assert [entry.seq for entry in seen[:seq]] == list(range(1, seq + 1))
        return positions

    first, second = await asyncio.gather(write(writer, other.journal), write(other, journal))

    assert first == sorted(first)
    assert second == sorted(second)
    assert sorted(first + second) == list(range(1, 51))


async def test_a_writer_that_gives_up_before_its_commit_leaves_no_gap(
    writer: Writer, other_database: Database, run_sql: RunSql
) -> None:
    other = Writer(Journal(other_database), writer.project_id, writer.epoch)
    trap = failpoints.arm(failpoints.FLUSH_BEFORE_COMMIT, "hang")
    slow = asyncio.create_task(writer.commit(node()))
    await trap.sprung.wait()
    quick = asyncio.create_task(other.commit(node()))
    await until(lambda: _waiting(run_sql))
    assert not quick.done()

    slow.cancel()

    with pytest.raises(asyncio.CancelledError):
        await slow
    assert (await quick).seq == 1
    assert (await writer.commit(node())).seq == 2


async def test_a_takeover_waits_for_the_commit_under_way_and_then_fences(
    writer: Writer, projects: ProjectRepository, run_sql: RunSql
) -> None:
    """Hazard A5: the holder is stopped between its check and its COMMIT."""
    trap = failpoints.arm(failpoints.FLUSH_BEFORE_COMMIT, "hang")
    held = node()
    old = asyncio.create_task(writer.commit(held))
    await trap.sprung.wait()
    takeover = asyncio.create_task(projects.claim_epoch(writer.project_id))
    await until(lambda: _waiting(run_sql))
    assert not takeover.done()

    old.cancel()
    await asyncio.gather(old, return_exceptions=True)

    epoch = await takeover
    with pytest.raises(FencedError):
        await writer.commit(node())
    assert (await Writer(writer.journal, writer.project_id, epoch).commit(node())).seq == 1
    assert await writer.journal.registered(writer.project_id, [held.node_id]) == {}


async def test_many_creators_of_one_project_agree_on_it(
    database: Database, other_database: Database, project_id: str
) -> None:
    made = await asyncio.gather(
        *(
            ProjectRepository(db).ensure(project_id, title="T")
            for db in (database, other_database) * 8
        )
    )

    assert len({project.created_at for project in made}) == 1


async def test_epochs_claimed_at_once_are_all_different(
    projects: ProjectRepository, project_id: str
) -> None:
    await projects.ensure(project_id)

    epochs = await asyncio.gather(*(projects.claim_epoch(project_id) for _ in range(8)))

    assert sorted(epoch.number for epoch in epochs) == list(range(1, 9))
    assert len({epoch.owner for epoch in epochs}) == 8
    assert await projects.epoch(project_id) == max(epochs)


async def test_upserts_of_the_same_scores_in_opposite_order_never_deadlock(
    writer: Writer, other_database: Database, rubrics: RubricRepository
) -> None:
    """Hazard C4: two projects share nothing, two writers of one take turns."""
    twin = ProjectRepository(other_database)
    twin_id = f"{writer.project_id[-16:]}.twin"
    await twin.ensure(twin_id)
    twin_writer = Writer(Journal(other_database), twin_id, await twin.claim_epoch(twin_id))
    third = Writer(Journal(other_database), writer.project_id, writer.epoch)
    nodes = [node() for _ in range(20)]
    keys: dict[str, list[str]] = {}
    for each in (writer, twin_writer):
        saved = await rubrics.save(
            each.project_id, Rubric(principles=tuple(Principle(key=key) for key in "ab"))
        )
        keys[each.project_id] = [principle.id for principle in saved.principles]
        await each.commit(*nodes)

    async def rounds(by: Writer, step: int) -> None:
        for number in range(40):
            await by.commit(
                *(
                    score(target, key, float(number))
                    for target in nodes[::step]
                    for key in keys[by.project_id][::step]
                )
            )

    async with asyncio.timeout(60):
        await asyncio.gather(rounds(writer, 1), rounds(twin_writer, -1), rounds(third, -1))


async def test_the_project_of_another_name_is_never_waited_for(
    writer: Writer, other_database: Database
) -> None:
    trap = failpoints.arm(failpoints.FLUSH_BEFORE_COMMIT, "hang")
    held = asyncio.create_task(writer.commit(node()))
    await trap.sprung.wait()
    name = f"{writer.project_id[-16:]}.other"
    others = ProjectRepository(other_database)
    await others.ensure(name)
    epoch = await others.claim_epoch(name)

    receipt = await Journal(other_database).commit(name, epoch, batch(node()))

    assert receipt.seq == 1
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)


async def _waiting(run_sql: RunSql) -> bool:
    return bool((await run_sql(WAITING))[0][0])
