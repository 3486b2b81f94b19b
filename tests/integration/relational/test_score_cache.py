"""What a judge has said already, so that nothing is paid for twice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sapwood import NotFoundError, ValidationError
from sapwood.model import Principle, Rubric

from .building import node, score

if TYPE_CHECKING:
    from sapwood.relational import PrincipleScoreRepository, ProjectRepository, RubricRepository

    from .building import Writer

JUDGE = "judge@1"


async def save(writer: Writer, rubrics: RubricRepository, **texts: str) -> Rubric:
    principles = tuple(Principle(key=key, text=text) for key, text in texts.items())
    return await rubrics.save(writer.project_id, Rubric(principles=principles))


async def test_what_exists_is_a_hit_and_the_rest_is_to_be_paid_for(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    """A failed try, another judge's score and another principle's are no hits."""
    rubric = await save(writer, rubrics, a="1", b="2")
    await rubrics.activate(writer.project_id, 1)
    a, b = rubric["a"].id, rubric["b"].id
    one, two, three = nodes = [node() for _ in range(3)]
    await writer.commit(
        *nodes,
        score(one, a, 0.25),
        score(one, b, None),
        score(two, a, 1.0, "other@1"),
        score(two, b, -0.5),
        score(three, a, 0.75),
        score(three, b, 0.0),
    )

    wanted = [two.node_id, one.node_id, two.node_id]
    hits, misses = await scores.cached(writer.project_id, wanted, JUDGE)

    assert list(hits.items()) == [((two.node_id, b), -0.5), ((one.node_id, a), 0.25)]
    assert misses == [(two.node_id, a), (one.node_id, b)]
    assert hits[two.node_id, b] == -0.5
    assert [(key.node_id, key.principle_id) for key in misses] == misses
    nobody = await scores.cached(writer.project_id, wanted, "nobody@1")
    assert (len(nobody.hits), len(nobody.misses)) == (0, 4)
    assert await scores.cached(writer.project_id, [], JUDGE) == ({}, [])


async def test_a_new_version_misses_only_what_changed_in_it(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    first = await save(writer, rubrics, a="1", b="2")
    await rubrics.activate(writer.project_id, 1)
    target = node()
    await writer.commit(target, *(score(target, p.id, 1.0) for p in first.principles))
    second = await save(writer, rubrics, b="changed", a="1")
    project, ids = writer.project_id, [target.node_id]
    kept, missing = (target.node_id, first["a"].id), (target.node_id, second["b"].id)

    assert (await scores.cached(project, ids, JUDGE)).misses == [], "the current one is the first"
    assert await scores.cached(project, ids, JUDGE, 2) == ({kept: 1.0}, [missing])
    assert await scores.cached(project, ids, JUDGE, second) == ({kept: 1.0}, [missing])
    await rubrics.activate(project, 2)
    assert await scores.cached(project, ids, JUDGE) == ({kept: 1.0}, [missing])
    assert len((await scores.cached(project, ids, JUDGE, first)).hits) == 2


async def test_what_is_not_there_is_said(
    writer: Writer,
    rubrics: RubricRepository,
    scores: PrincipleScoreRepository,
    projects: ProjectRepository,
) -> None:
    project, target = writer.project_id, node()
    await writer.commit(target)
    with pytest.raises(NotFoundError, match="no current rubric"):
        await scores.cached(project, [target.node_id], JUDGE)
    rubric = await save(writer, rubrics, a="1")
    for version in (2, 2**62):
        with pytest.raises(NotFoundError, match=f"version {version}"):
            await scores.cached(project, [target.node_id], JUDGE, version)
    with pytest.raises(NotFoundError, match="node nowhere"):
        await scores.cached(project, [target.node_id, "nowhere", "neither"], JUDGE, 1)
    with pytest.raises(NotFoundError, match="no project"):
        await scores.cached("no.such.project", [], JUDGE)
    other = f"{project[-16:]}.other"
    await projects.ensure(other)
    await rubrics.save(other, Rubric(principles=(Principle(key="a", text="1"),)))
    with pytest.raises(ValidationError, match="not version 1 of project"):
        await scores.cached(other, [], JUDGE, rubric)
    with pytest.raises(NotFoundError, match=target.node_id):
        await scores.cached(other, [target.node_id], JUDGE, 1)


async def test_hits_and_misses_are_what_counting_by_hand_gives(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    rng = random.Random(5)
    rubric = await save(writer, rubrics, **{key: key for key in "dacb"})
    nodes = [node() for _ in range(60)]
    given = [
        score(target, principle.id, rng.choice([None, rng.random()]), rng.choice([JUDGE, "x@1"]))
        for target in nodes
        for principle in rubric.principles
        if rng.random() < 0.7
    ]
    await writer.commit(*nodes, *given)
    known = {
        (each.node_id, each.principle_id): each.score
        for each in given
        if each.judge == JUDGE and each.score is not None
    }
    wanted = [target.node_id for target in rng.sample(nodes, 40)]
    keys = [(node_id, principle.id) for node_id in wanted for principle in rubric.principles]

    hits, misses = await scores.cached(writer.project_id, wanted, JUDGE, rubric)

    assert list(hits.items()) == [(key, known[key]) for key in keys if key in known]
    assert misses == [key for key in keys if key not in known]
