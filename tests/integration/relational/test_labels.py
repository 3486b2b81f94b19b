"""Labelled samples as rows: written by several at once, kept through an unknown outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sapwood import LabeledSample, NumberScale, Principle, Rubric, StoreError
from sapwood.model import new_id
from sapwood.relational import LabeledSampleRepository
from sapwood.sample_drafts import draft_sample

from .building import Writer, node, score

if TYPE_CHECKING:
    from sapwood import Database
    from sapwood.relational import ProjectRepository, RubricRepository
    from sapwood.sample_drafts import SampleDraft


def label(content: str, labeler: str = "ann", value: float = 0.5) -> SampleDraft:
    return draft_sample(
        LabeledSample(content=content, labeler=labeler, label=value, scale=NumberScale(0, 1))
    )


async def test_a_call_that_is_driven_twice_stores_its_labels_once(
    database: Database, projects: ProjectRepository, writer: Writer, project_id: str
) -> None:
    samples = LabeledSampleRepository(database)
    mark = (await projects.head(project_id)).incarnation
    drafts = [label("a"), label("b"), label("a", value=0.75)]
    assert [await samples.add(project_id, mark, drafts) for _ in range(2)] == [2, 2]
    assert [each.label for each in await samples.all(project_id)] == [0.5, 0.75]


async def test_people_who_relabel_the_same_contents_at_once_do_not_deadlock(
    database: Database,
    other_database: Database,
    projects: ProjectRepository,
    writer: Writer,
    project_id: str,
) -> None:
    mark = (await projects.head(project_id)).incarnation
    contents = [f"text {number}" for number in range(200)]
    ways = (contents, contents[::-1])
    await asyncio.gather(
        *(
            LabeledSampleRepository(db).add(
                project_id, mark, [label(each, value=way / 4) for each in ways[way % 2]]
            )
            for db in (database, other_database)
            for way in range(4)
        ),
        *(writer.commit(node(), batch_id=new_id()) for _ in range(3)),
    )
    found = await LabeledSampleRepository(database).all(project_id)
    assert len(found) == len(contents)
    assert len({each.label for each in found}) == 1, "each call is stored whole"


async def test_extreme_scores_and_many_equal_contents_overflow_nothing(
    database: Database,
    projects: ProjectRepository,
    rubrics: RubricRepository,
    writer: Writer,
    project_id: str,
) -> None:
    samples = LabeledSampleRepository(database)
    mark = (await projects.head(project_id)).incarnation
    saved = await rubrics.save(project_id, Rubric(principles=(Principle(key="a"),)))
    await rubrics.activate(project_id, 1)
    same = [node(content="same") for _ in range(50)]
    judged = sorted(each.node_id for each in same)[20:]
    numbers = {"low@1": -1.7e308, "high@1": 1.7e308}
    scores = [score(each, saved["a"].id, numbers[by], by) for each in judged for by in numbers]
    await writer.commit(*same, *scores)
    assert await samples.add(project_id, mark, [label("same")]) == 1
    compared = await samples.compared(project_id, None, None)
    assert [(pair.judge, pair.score) for pair in compared.pairs] == [
        ("high@1", 1e200),
        ("low@1", -1e200),
    ]
    assert (await samples.unlabelled(project_id)).digests == {}
    spreads = (await samples.unlabelled(project_id)).spreads
    assert spreads == dict.fromkeys(judged, 2e200)


@pytest.mark.parametrize("values", ["NULL, NULL", "1, 'class'", "'NaN', NULL"])
async def test_a_row_has_one_label_and_a_number_is_one(
    database: Database, writer: Writer, project_id: str, values: str
) -> None:
    row = "INSERT INTO sapwood.labelled_sample (project_id, id, content, content_digest, labeler,"
    statement = f"{row} scale, label_number, label_class) VALUES (:p, 'i', '', :d, 'l', 's', "
    with pytest.raises(StoreError, match="23514"):
        async with database.transaction() as connection:
            await connection.execute(
                text(f"{statement}{values})"), {"p": project_id, "d": b"x" * 16}
            )
