"""New versions by changes: two editors at once, tries that come again, and foreign hands."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import text

from sapwood import Database, NotFoundError, Principle, Rubric, RubricChanges, UnavailableError
from sapwood.errors import StoreError
from sapwood.relational import RubricEdit, RubricRepository

from ...faults.addresses import postgres_place, postgres_through
from ...faults.proxy import POSTGRES_COMMIT, Proxy
from .building import node, score

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sapwood.relational import ProjectRepository
    from sapwood.servers import Endpoints

    from ...conftest import RunSql
    from .building import Writer

BASE = Rubric(principles=tuple(Principle(key=key, text=f"Is it {key}?") for key in "abc"))
REMOVAL = RubricChanges(texts={"a": "Is it still a?"}, remove=("b",))
SAME_TEXT = RubricChanges(texts=REMOVAL.texts)
OTHER = RubricChanges(texts={"d": "Is it d?"}, weights={"c": 0.5})


def keys(rubric: Rubric) -> list[str]:
    return [principle.key for principle in rubric.principles]


async def test_editors_at_once_all_get_their_edits(
    writer: Writer, rubrics: RubricRepository
) -> None:
    await rubrics.save(writer.project_id, BASE)
    edits = [RubricEdit(RubricChanges(texts={f"k{number}": ""})) for number in range(8)]

    made = await asyncio.gather(*(rubrics.new_version(writer.project_id, each) for each in edits))

    history = await rubrics.history(writer.project_id)
    assert sorted(each.version or 0 for each in made) == list(range(2, 10))
    assert set(keys(history[-1])) == {*"abc", *(f"k{number}" for number in range(8))}
    for number, each in enumerate(made):
        assert history[(each.version or 0) - 1] == each
        assert f"k{number}" in keys(each)


async def test_a_project_without_a_rubric_has_nothing_to_change(
    writer: Writer, rubrics: RubricRepository
) -> None:
    with pytest.raises(NotFoundError, match="no rubric yet; save one first"):
        await rubrics.new_version(writer.project_id, RubricEdit(REMOVAL))


@pytest.mark.parametrize("version", [2, 1 << 40])
async def test_a_version_that_is_not_there_is_named(
    writer: Writer, rubrics: RubricRepository, version: int
) -> None:
    await rubrics.save(writer.project_id, BASE)
    for call in (
        rubrics.get(writer.project_id, version),
        rubrics.pair(writer.project_id, 1, version),
        rubrics.new_version(writer.project_id, RubricEdit(REMOVAL, version)),
    ):
        with pytest.raises(NotFoundError, match=f"no rubric version {version}$"):
            await call


@asynccontextmanager
async def behind_a_proxy(servers: Endpoints) -> AsyncGenerator[tuple[RubricRepository, Proxy]]:
    async with Proxy(*postgres_place(servers)) as proxy:
        database = Database(postgres_through(servers, proxy.port))
        yield RubricRepository(database), proxy
        await database.close()


@pytest.mark.parametrize("meanwhile", [None, OTHER, SAME_TEXT], ids=["nobody", "other", "same"])
async def test_a_version_that_was_made_but_not_heard_of_is_found(
    servers: Endpoints, writer: Writer, rubrics: RubricRepository, meanwhile: RubricChanges | None
) -> None:
    await rubrics.save(writer.project_id, BASE)
    edit = RubricEdit(REMOVAL)
    async with behind_a_proxy(servers) as (far, proxy):
        proxy.cut_after = POSTGRES_COMMIT
        with pytest.raises(UnavailableError) as lost:
            await far.new_version(writer.project_id, edit)
        assert lost.value.unknown_outcome
        if meanwhile is not None:
            await rubrics.new_version(writer.project_id, RubricEdit(meanwhile))

        made = await far.new_version(writer.project_id, edit)

    history = await rubrics.history(writer.project_id)
    assert (made.version, keys(made)) == (2, ["a", "c"])
    assert history[1] == made
    assert len(history) == (3 if meanwhile is OTHER else 2)


async def test_a_try_that_stored_nothing_builds_on_what_came_between(
    writer: Writer, rubrics: RubricRepository, run_sql: RunSql
) -> None:
    """The other editor has the very version that the first try would have made."""
    await rubrics.save(writer.project_id, BASE)
    edit = RubricEdit(REMOVAL)
    async with no_commit(run_sql, writer.project_id):
        with pytest.raises(UnavailableError):
            await rubrics.new_version(writer.project_id, edit)
    assert edit.tried is not None
    between = await rubrics.new_version(writer.project_id, RubricEdit(OTHER))
    assert edit.tried.version == between.version == 2

    made = await rubrics.new_version(writer.project_id, edit)

    assert (made.version, keys(made), made.weight("c")) == (3, ["a", "c", "d"], 0.5)


@asynccontextmanager
async def no_commit(run_sql: RunSql, project_id: str) -> AsyncGenerator[None]:
    """A new rubric of this project is refused in its `COMMIT`."""
    trigger = f"refuse_{project_id[-16:]}"
    await run_sql(
        "CREATE OR REPLACE FUNCTION public.refuse_commit() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$"
    )
    await run_sql(
        f"CREATE CONSTRAINT TRIGGER {trigger} AFTER INSERT ON sapwood.rubric"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        f" WHEN (NEW.project_id = '{project_id}') EXECUTE FUNCTION public.refuse_commit()"
    )
    try:
        yield
    finally:
        await run_sql(f"DROP TRIGGER {trigger} ON sapwood.rubric")


UPDATES = {
    "rubric": "UPDATE sapwood.rubric SET created_at = now() WHERE project_id = $1",
    "rubric_principle": "UPDATE sapwood.rubric_principle SET weight = 2 WHERE project_id = $1",
    "principle": "UPDATE sapwood.principle SET text = 'asked otherwise' WHERE project_id = $1",
}


@pytest.mark.parametrize("table", UPDATES)
async def test_a_foreign_hand_cannot_change_what_scores_were_given_by(
    writer: Writer, rubrics: RubricRepository, run_sql: RunSql, table: str
) -> None:
    saved = await rubrics.save(writer.project_id, BASE)

    with pytest.raises(
        asyncpg.ObjectNotInPrerequisiteStateError,
        match=rf"a row of sapwood\.{table} never changes.*make a new version",
    ):
        await run_sql(UPDATES[table], writer.project_id)

    assert await rubrics.get(writer.project_id, 1) == saved


async def test_the_refusal_is_passed_on_in_its_own_words(
    database: Database, writer: Writer, rubrics: RubricRepository
) -> None:
    await rubrics.save(writer.project_id, BASE)
    statement = text("UPDATE sapwood.principle SET key = 'other' WHERE project_id = :project_id")
    with pytest.raises(StoreError, match=r"sapwood\.principle never changes") as refused:
        async with database.transaction() as connection:
            await connection.execute(statement, {"project_id": writer.project_id})
    assert not refused.value.retryable


async def test_a_project_with_used_rubrics_is_deleted_whole(
    writer: Writer, rubrics: RubricRepository, projects: ProjectRepository, run_sql: RunSql
) -> None:
    saved = await rubrics.save(writer.project_id, BASE)
    await rubrics.new_version(writer.project_id, RubricEdit(REMOVAL))
    await rubrics.activate(writer.project_id, 2)
    judged = node()
    await writer.commit(judged, score(judged, saved["a"].id, 1.0))

    await projects.mark_deleting(writer.project_id)
    await projects.delete_rows(writer.project_id)

    left: list[Any] = [
        await run_sql("SELECT 1 FROM sapwood.principle WHERE project_id = $1", writer.project_id),
        await run_sql("SELECT 1 FROM sapwood.rubric WHERE project_id = $1", writer.project_id),
    ]
    assert left == [[], []]
