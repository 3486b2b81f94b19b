"""Reading the journal in bounded runs, and a project as of one instant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import JournalError, NotFoundError
from sapwood.model import Principle, Rubric

from .building import node, score, state

if TYPE_CHECKING:
    from sapwood.relational import Journal, ProjectRepository, RubricRepository

    from ...conftest import RunSql
    from .building import Writer

MANY = 1 << 40


async def positions(
    journal: Journal, project_id: str, start: int, rows: int, size: int = MANY
) -> list[int]:
    entries = await journal.entries(project_id, start, most_rows=rows, most_bytes=size)
    return [entry.seq for entry in entries]


async def test_entries_stop_before_a_bound_but_the_first_is_always_there(
    writer: Writer, journal: Journal
) -> None:
    for count in (3, 2, 0, 4, 1):
        await writer.commit(*(node() for _ in range(count)))
    project_id = writer.project_id

    assert await positions(journal, project_id, 1, 1) == [1]
    assert await positions(journal, project_id, 1, 4) == [1]
    assert await positions(journal, project_id, 1, 5) == [1, 2]
    assert await positions(journal, project_id, 1, 6) == [1, 2, 3]  # an empty one counts as a row
    assert await positions(journal, project_id, 1, 10) == [1, 2, 3, 4]
    assert await positions(journal, project_id, 3, 6) == [3, 4, 5]
    assert await positions(journal, project_id, 6, 5) == []
    assert await positions(journal, project_id, 1, MANY) == [1, 2, 3, 4, 5]


async def test_entries_are_bounded_in_bytes_too(writer: Writer, journal: Journal) -> None:
    for _ in range(4):
        await writer.commit(node())
    whole = await journal.entries(writer.project_id, 1, most_rows=MANY, most_bytes=MANY)
    two = whole[0].size + whole[1].size

    assert await positions(journal, writer.project_id, 1, MANY, two) == [1, 2]
    assert await positions(journal, writer.project_id, 1, MANY, two - 1) == [1]
    assert await positions(journal, writer.project_id, 1, MANY, 0) == [1]


async def test_entries_that_pack_well_are_bounded_by_what_they_unpack_to(
    writer: Writer, journal: Journal
) -> None:
    for _ in range(3):
        await writer.commit(*(node(content="x" * 1_000_000) for _ in range(3)))

    assert await positions(journal, writer.project_id, 1, MANY, 8_000_000) == [1, 2]


async def test_a_missing_entry_shows_as_a_gap(
    writer: Writer, journal: Journal, run_sql: RunSql
) -> None:
    """Hazard A6: whoever applies must see it; an empty answer would look like the end."""
    for _ in range(4):
        await writer.commit(node())
    await run_sql(
        "DELETE FROM sapwood.journal WHERE project_id = $1 AND seq = 2", writer.project_id
    )

    assert await positions(journal, writer.project_id, 1, MANY) == [1, 3, 4]
    assert await positions(journal, writer.project_id, 2, MANY) == [3, 4]


async def test_a_damaged_payload_is_noticed(
    writer: Writer, journal: Journal, run_sql: RunSql
) -> None:
    await writer.commit(node())
    await run_sql(
        "UPDATE sapwood.journal SET payload = payload || '\\x00'::bytea WHERE project_id = $1",
        writer.project_id,
    )
    with pytest.raises(JournalError, match="position 1 is damaged"):
        await positions(journal, writer.project_id, 1, MANY)


async def test_an_entry_of_a_newer_release_is_refused(
    writer: Writer, journal: Journal, run_sql: RunSql
) -> None:
    """Hazard A12."""
    await writer.commit(node())
    await run_sql("UPDATE sapwood.journal SET format = 99 WHERE project_id = $1", writer.project_id)
    with pytest.raises(JournalError, match="newer release"):
        await positions(journal, writer.project_id, 1, MANY)


async def test_a_project_is_loaded_as_of_one_instant(
    writer: Writer, projects: ProjectRepository, rubrics: RubricRepository
) -> None:
    empty = await projects.load(writer.project_id)
    assert (empty.head.seq, empty.rubric, empty.state, len(empty.scores)) == (0, None, None, 0)
    saved = await rubrics.save(writer.project_id, Rubric(principles=(Principle(key="one"),)))
    await rubrics.activate(writer.project_id, 1)
    stop = asyncio.Event()

    async def write() -> None:
        for number in range(1, 1000):
            target = node()
            given = score(target, saved.principles[0].id, 1.0)
            await writer.commit(target, given, state(number))
            if stop.is_set():
                return

    writing = asyncio.create_task(write())
    for _ in range(20):
        loaded = await projects.load(writer.project_id)
        assert len(loaded.scores) == loaded.head.seq
        assert loaded.state == (str(loaded.head.seq).encode() if loaded.head.seq else None)
        assert loaded.rubric == saved
    stop.set()
    await writing

    loaded = await projects.load(writer.project_id)
    assert loaded.project.judge == "judge@1"
    assert loaded.scores.node_ids == sorted(loaded.scores.node_ids)
    assert set(loaded.scores.principle_ids) == {saved.principles[0].id}


async def test_a_project_that_is_not_there_cannot_be_loaded(
    projects: ProjectRepository, project_id: str
) -> None:
    for read in (projects.load, projects.get, projects.head, projects.epoch, projects.claim_epoch):
        with pytest.raises(NotFoundError, match=project_id):
            await read(project_id)
    assert await projects.load_state(project_id) is None
