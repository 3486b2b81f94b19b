"""Rubric versions, shared principles, and what becomes current."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sapwood import ConflictError, NotFoundError, ValidationError
from sapwood.model import Principle, Rubric

if TYPE_CHECKING:
    from sapwood.relational import ProjectRepository, RubricRepository

    from .building import Writer


def rubric(weights: dict[str, float] | None = None, **texts: str) -> Rubric:
    """A rubric of new principles, in the order of `texts`."""
    principles = tuple(Principle(key=key, text=text) for key, text in texts.items())
    return Rubric(principles=principles, weights=weights or {})


async def test_the_first_save_gives_version_1_and_says_every_weight(
    writer: Writer, rubrics: RubricRepository
) -> None:
    given = rubric({"b": 2.5}, a="Is it a?", b="Is it b?")

    saved = await rubrics.save(writer.project_id, given)

    assert saved.version == 1
    assert saved.created_at is not None
    assert saved.principles == given.principles
    assert saved.weights == {"a": 1.0, "b": 2.5}
    assert await rubrics.get(writer.project_id, 1) == saved
    assert await rubrics.current(writer.project_id) is None, "saving makes nothing current"


async def test_saving_what_is_newest_changes_nothing(
    writer: Writer, rubrics: RubricRepository
) -> None:
    saved = await rubrics.save(writer.project_id, rubric(a="1", b="2"))

    assert await rubrics.save(writer.project_id, rubric({"a": 1.0}, a="1", b="2")) == saved
    assert await rubrics.save(writer.project_id, saved) == saved
    assert await rubrics.history(writer.project_id) == [saved]


async def test_an_unchanged_principle_keeps_its_id_even_after_a_detour(
    writer: Writer, rubrics: RubricRepository
) -> None:
    first = await rubrics.save(writer.project_id, rubric(a="1", b="2"))
    second = await rubrics.save(writer.project_id, rubric(a="1", b="changed"))
    third = await rubrics.save(writer.project_id, rubric(b="2", a="1"))

    assert second["a"].id == first["a"].id
    assert second["b"].id != first["b"].id
    assert third["b"].id == first["b"].id
    assert [principle.key for principle in third.principles] == ["b", "a"]
    assert await rubrics.history(writer.project_id) == [first, second, third]
    ids = [first["a"].id, second["b"].id, "unknown"]
    assert await rubrics.principles(writer.project_id, ids) == {
        first["a"].id: first["a"],
        second["b"].id: second["b"],
    }


@pytest.mark.parametrize(
    "changed", [{"text": "other"}, {"key": "other"}], ids=lambda change: next(iter(change))
)
async def test_an_id_belongs_to_one_key_and_text(
    writer: Writer, rubrics: RubricRepository, changed: dict[str, str]
) -> None:
    saved = await rubrics.save(writer.project_id, rubric(a="1"))
    other = saved["a"].model_copy(update=changed)

    with pytest.raises(ConflictError, match=saved["a"].id):
        await rubrics.save(writer.project_id, Rubric(principles=(other,)))

    assert len(await rubrics.history(writer.project_id)) == 1


async def test_only_weights_make_a_version_too(writer: Writer, rubrics: RubricRepository) -> None:
    await rubrics.save(writer.project_id, rubric(a="1", b="2"))

    saved = await rubrics.save(writer.project_id, rubric({"b": 0.0}, a="1", b="2"))

    assert (saved.version, saved.weights) == (2, {"a": 1.0, "b": 0.0})


async def test_savers_at_once_agree_on_the_versions(
    writer: Writer, rubrics: RubricRepository
) -> None:
    texts = [str(number % 4) for number in range(16)]

    saved = await asyncio.gather(
        *(rubrics.save(writer.project_id, rubric(a=text)) for text in texts)
    )

    history = await rubrics.history(writer.project_id)
    assert [each.version for each in history] == list(range(1, len(history) + 1))
    by_version = {each.version: each for each in history}
    assert all(by_version[each.version] == each for each in saved)
    assert len({each["a"].id for each in history}) == 4


async def test_one_projects_rubrics_are_not_anothers(
    writer: Writer, projects: ProjectRepository, rubrics: RubricRepository
) -> None:
    """Hazard F3: the same principle ids in two projects are two principles."""
    other = f"{writer.project_id[-16:]}.other"
    await projects.ensure(other)
    saved = await rubrics.save(writer.project_id, rubric(a="1"))
    assert await rubrics.history(other) == []
    assert await rubrics.principles(other, [saved["a"].id]) == {}

    elsewhere = saved["a"].model_copy(update={"text": "other"})
    await rubrics.save(other, Rubric(principles=(elsewhere,)))

    assert await rubrics.history(writer.project_id) == [saved]


async def test_what_is_not_there_is_said(
    writer: Writer, rubrics: RubricRepository, projects: ProjectRepository
) -> None:
    with pytest.raises(NotFoundError, match="version 1"):
        await rubrics.get(writer.project_id, 1)
    with pytest.raises(NotFoundError, match="version 1"):
        await rubrics.activate(writer.project_id, 1)
    with pytest.raises(NotFoundError, match="no project"):
        await rubrics.save("no.such.project", rubric(a="1"))
    with pytest.raises(NotFoundError, match="no project"):
        await rubrics.activate("no.such.project", 1)
    await rubrics.save(writer.project_id, rubric(a="1"))
    with pytest.raises(ValidationError):
        await rubrics.activate(writer.project_id, 1, judge="j@" * 129)
    assert (await projects.get(writer.project_id)).rubric_version is None


async def test_activating_without_scores_needs_no_entry(
    writer: Writer, rubrics: RubricRepository, projects: ProjectRepository
) -> None:
    saved = await rubrics.save(writer.project_id, rubric(a="1"))

    assert await rubrics.activate(writer.project_id, 1, judge="first@1") == 0

    project = await projects.get(writer.project_id)
    assert (project.rubric_version, project.judge) == (1, "first@1")
    assert await rubrics.current(writer.project_id) == saved
    assert await rubrics.activate(writer.project_id, 1) == 0
    assert (await projects.get(writer.project_id)).judge == "first@1"
