"""Projects: made once, stalled and resumed, deleted in two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import ConflictError, FencedError, NotFoundError, ValidationError
from sapwood.model import Principle, Rubric

from .building import Writer, node, score, state

if TYPE_CHECKING:
    from sapwood.relational import Journal, ProjectRepository, RubricRepository

    from ...conftest import RunSql


COUNT = """
    SELECT (SELECT count(*) FROM sapwood.journal WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.node_ref WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.orchestrator_state WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.principle WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.rubric WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.rubric_principle WHERE project_id = $1)
         + (SELECT count(*) FROM sapwood.principle_score WHERE project_id = $1)
"""


async def test_a_project_is_made_once_and_keeps_its_title(
    projects: ProjectRepository, project_id: str
) -> None:
    made = await projects.ensure(project_id, title="The first")
    again = await projects.ensure(project_id, title="Another")

    assert made == again == await projects.get(project_id)
    assert made.title == "The first"
    assert (made.state, made.judge, made.rubric_version) == ("open", None, None)
    head = await projects.head(project_id)
    assert (head.seq, head.state, head.chain) == (0, "open", "")
    assert len(head.incarnation) == 36


@pytest.mark.parametrize(("name", "title"), [("no good", ""), ("", ""), ("fine", "a\0b")])
async def test_what_cannot_be_stored_is_refused(
    projects: ProjectRepository, name: str, title: str
) -> None:
    with pytest.raises(ValidationError):
        await projects.ensure(name, title=title)


async def test_a_stalled_project_says_where_and_why_and_still_takes_flushes(
    writer: Writer, projects: ProjectRepository
) -> None:
    await writer.commit(node())
    await projects.set_stalled(writer.project_id, 1, "the graph refuses it")

    project = await projects.get(writer.project_id)
    assert (project.state, project.stalled_cause) == ("stalled", "the graph refuses it")
    assert (await projects.head(writer.project_id)).state == "stalled"
    assert (await writer.commit(node())).seq == 2

    await projects.clear_stalled(writer.project_id)
    await projects.clear_stalled(writer.project_id)
    project = await projects.get(writer.project_id)
    assert (project.state, project.stalled_cause) == ("open", None)


async def test_a_deleted_project_leaves_nothing_and_comes_back_as_another(
    writer: Writer,
    journal: Journal,
    projects: ProjectRepository,
    rubrics: RubricRepository,
    run_sql: RunSql,
) -> None:
    """Hazard A16."""
    project_id = writer.project_id
    saved = await rubrics.save(project_id, Rubric(principles=(Principle(key="one"),)))
    await rubrics.activate(project_id, 1)
    target = node()
    await writer.commit(target, score(target, saved.principles[0].id, 1.0), state({}))
    before = await projects.head(project_id)
    assert await run_sql(COUNT, project_id) == [(7,)]
    with pytest.raises(ConflictError, match="not marked"):
        await projects.delete_rows(project_id)

    await projects.mark_deleting(project_id)
    await projects.mark_deleting(project_id)
    with pytest.raises(FencedError):
        await writer.commit(node())
    with pytest.raises(ConflictError, match="being deleted"):
        await projects.ensure(project_id)
    for refused in (projects.get, projects.load, projects.claim_epoch):
        with pytest.raises(NotFoundError):
            await refused(project_id)
    assert (await projects.head(project_id)).state == "deleting"
    await projects.delete_rows(project_id)
    await projects.delete_rows(project_id)

    assert await run_sql(COUNT, project_id) == [(0,)]
    with pytest.raises(NotFoundError):
        await writer.commit(node())
    await projects.ensure(project_id)
    assert (await projects.head(project_id)).incarnation != before.incarnation
    assert await journal.link(project_id, 1) is None
