"""Principle scores, and the one number that the journal carries of them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from sapwood.journal import NO_CHAIN, fold, link
from sapwood.model import Principle, Rubric
from sapwood.relational import rubrics as rubrics_module

from .building import node, score

if TYPE_CHECKING:
    from sapwood.batch import NodeDraft, ScoreDraft
    from sapwood.relational import (
        Journal,
        PrincipleScoreRepository,
        ProjectRepository,
        RubricRepository,
    )

    from .building import Writer

EVERYTHING = {"most_rows": 1_000_000, "most_bytes": 1 << 30}


async def with_rubric(
    writer: Writer, rubrics: RubricRepository, weights: dict[str, float]
) -> Rubric:
    """Save and activate a rubric with these weights by key."""
    principles = tuple(Principle(key=key) for key in weights)
    given = Rubric(principles=principles, weights=weights)
    saved = await rubrics.save(writer.project_id, given)
    assert saved.version is not None
    await rubrics.activate(writer.project_id, saved.version)
    return saved


async def in_graph(journal: Journal, project_id: str) -> dict[str, float]:
    """What the graph would show: rubric_score of each node after all entries."""
    entries = await journal.entries(project_id, 1, **EVERYTHING)
    chain = NO_CHAIN
    for number, entry in enumerate(entries, start=1):
        chain = link(chain, entry.batch_id)
        assert (entry.seq, entry.chain) == (number, chain)
    folded = fold(entries)
    rows = {**folded.sets, **folded.creates}
    shown = {node_id: row.get("rubric_score") for node_id, row in rows.items()}
    return {node_id: value for node_id, value in shown.items() if value is not None}


async def test_the_last_of_three_scores_of_one_key_wins(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    """Hazard C5."""
    principle = (await with_rubric(writer, rubrics, {"a": 1}))["a"].id
    target = node()

    receipt = await writer.commit(target, *(score(target, principle, n) for n in (1.0, 2.0, 3.0)))

    assert receipt.scores == 1
    columns = await scores.load(writer.project_id)
    assert (columns.node_ids, columns.scores) == ([target.node_id], [3.0])
    assert await scores.count(writer.project_id) == 1


async def test_a_failed_evaluation_never_overwrites_a_score(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    principle = (await with_rubric(writer, rubrics, {"a": 1}))["a"].id
    target = node()
    await writer.commit(target, score(target, principle, None))
    failed = await scores.for_nodes(writer.project_id, [target.node_id])
    assert [(each.score, each.failure) for each in failed] == [(None, "the judge was silent")]
    assert await scores.count(writer.project_id) == 0
    assert len(await scores.load(writer.project_id)) == 0

    await writer.commit(score(target, principle, 0.5))
    await writer.commit(score(target, principle, None))
    await writer.commit(score(target, principle, 0.75), score(target, principle, None))

    kept = await scores.for_nodes(writer.project_id, [target.node_id])
    assert [(each.score, each.failure) for each in kept] == [(0.75, None)]


async def test_scores_come_sorted_by_node_principle_and_judge(
    writer: Writer, rubrics: RubricRepository, scores: PrincipleScoreRepository
) -> None:
    rubric = await with_rubric(writer, rubrics, {"a": 1, "b": 1})
    nodes = [node() for _ in range(5)]
    given = [
        score(target, principle.id, 1.0, judge)
        for target in reversed(nodes)
        for principle in reversed(rubric.principles)
        for judge in ("zoë@1", "adam@1", "Zed@1")
    ]
    await writer.commit(*nodes, *given)

    columns = await scores.load(writer.project_id)

    keys = list(zip(columns.node_ids, columns.principle_ids, columns.judges, strict=True))
    assert keys == sorted((s.node_id, s.principle_id, s.judge) for s in given)
    some = await scores.for_nodes(writer.project_id, [nodes[0].node_id, nodes[3].node_id, "x"])
    assert len(some) == 12
    assert await scores.for_nodes(writer.project_id, []) == []


async def test_the_first_judge_with_a_number_becomes_the_projects(
    writer: Writer, rubrics: RubricRepository, projects: ProjectRepository, journal: Journal
) -> None:
    principle = (await with_rubric(writer, rubrics, {"a": 1}))["a"].id
    target = node()
    await writer.commit(target, score(target, principle, None, "silent@1"))
    assert (await projects.get(writer.project_id)).judge is None

    await writer.commit(
        score("unknown", principle, 9.0, "rejected@1"),
        score(target, principle, 1.0, "zed@1"),
        score(target, principle, 2.0, "adam@1"),
    )

    assert (await projects.get(writer.project_id)).judge == "zed@1"
    assert await in_graph(journal, writer.project_id) == {target.node_id: 1.0}


async def test_the_value_waits_for_every_principle_that_weighs_anything(
    writer: Writer, rubrics: RubricRepository, journal: Journal
) -> None:
    rubric = await with_rubric(writer, rubrics, {"a": 3, "b": 1, "nothing": 0})
    target = node()
    await writer.commit(target, score(target, rubric["a"].id, 1.0))
    assert await in_graph(journal, writer.project_id) == {}

    await writer.commit(score(target, rubric["b"].id, 0.0))
    assert await in_graph(journal, writer.project_id) == {target.node_id: 0.75}

    await writer.commit(score(target, rubric["b"].id, 1.0, "another@1"))
    assert await in_graph(journal, writer.project_id) == {target.node_id: 0.75}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1.7e308, 1e200),
        (-1.7e308, -1e200),
        (5e-324, 0.0),
        (-5e-324, 0.0),
        (2.2e-308, 0.0),
        (-0.0, 0.0),
        (0.1, 0.1),
    ],
)
@pytest.mark.parametrize("weight", [1e-9, 1.0, 1e9])
async def test_no_score_can_refuse_a_flush(
    writer: Writer,
    rubrics: RubricRepository,
    scores: PrincipleScoreRepository,
    journal: Journal,
    number: float,
    shown: float,
    weight: float,
) -> None:
    """PostgreSQL raises when a float overflows or underflows; that would be poison."""
    rubric = await with_rubric(writer, rubrics, {"a": weight, "b": weight})
    target = node()

    await writer.commit(target, *(score(target, p.id, number) for p in rubric.principles))

    assert (await scores.load(writer.project_id)).scores == [number, number]
    values = await in_graph(journal, writer.project_id)
    assert values[target.node_id] == pytest.approx(shown, rel=1e-15)


async def test_an_activation_is_journalled_in_parts_of_bounded_size(
    writer: Writer,
    rubrics: RubricRepository,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rubrics_module, "MOST_SETS", 3)
    rubric = await with_rubric(writer, rubrics, {"a": 1, "b": 1})
    nodes = [node() for _ in range(7)]
    await writer.commit(*nodes, *(score(each, rubric["a"].id, 1.0) for each in nodes))

    await with_rubric(writer, rubrics, {"a": 1})

    parts = await journal.entries(writer.project_id, 2, **EVERYTHING)
    assert [len(part.operations.sets) for part in parts] == [3, 3, 1]
    name = parts[0].batch_id.removesuffix(".1")
    assert [part.batch_id for part in parts] == [f"{name}.1", f"{name}.2", f"{name}.3"]
    assert await in_graph(journal, writer.project_id) == {each.node_id: 1.0 for each in nodes}

    await rubrics.activate(writer.project_id, 1)
    assert await in_graph(journal, writer.project_id) == {}, "a value that is gone is taken back"


@pytest.mark.parametrize("seed", range(6))
async def test_the_graph_shows_what_a_brute_force_says(
    seed: int,
    writer: Writer,
    rubrics: RubricRepository,
    journal: Journal,
    projects: ProjectRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Random scores, judges, failures, rubric changes: the same as counting by hand, each time."""
    monkeypatch.setattr(rubrics_module, "MOST_SETS", 3)  # activations of several entries
    random = Random(seed)
    by_hand = ByHand()
    judges = ["one@1", "two@1"]
    for _ in range(40):
        action = random.random()
        if action < 0.2 or by_hand.rubric is None:
            keys = random.sample("abcde", random.randint(1, 5))
            weights = {key: random.choice([0.0, 0.5, 1.0, 3.0, 0.1]) for key in keys}
            by_hand.rubric = await with_rubric(writer, rubrics, weights)
            by_hand.seen |= {principle.id for principle in by_hand.rubric.principles}
        elif action < 0.3 and by_hand.judge is not None:
            by_hand.judge = random.choice(judges)
            version = by_hand.rubric.version or 0
            await rubrics.activate(writer.project_id, version, judge=by_hand.judge)
        else:
            new = [node() for _ in range(random.randint(0, 3))]
            by_hand.nodes += new
            given = by_hand.scores(random, judges)
            await writer.commit(*new, *given)
            by_hand.take(given)
        assert await in_graph(journal, writer.project_id) == by_hand.values()
    assert (await projects.get(writer.project_id)).judge == by_hand.judge


class ByHand:
    """What `rubric_score` means, as plainly as it can be said."""

    def __init__(self) -> None:
        self.rubric: Rubric | None = None
        self.judge: str | None = None
        self.nodes: list[NodeDraft] = []
        self.seen: set[str] = set()
        self.known: dict[tuple[str, str, str], float] = {}

    def scores(self, random: Random, judges: list[str]) -> list[ScoreDraft]:
        """Some scores, some failures, for nodes and principles of any version."""
        if not self.nodes:
            return []
        return [
            score(
                random.choice(self.nodes),
                random.choice(sorted(self.seen)),
                random.choice([None, random.uniform(-1, 1)]),
                random.choice(judges),
            )
            for _ in range(random.randint(0, 12))
        ]

    def take(self, given: list[ScoreDraft]) -> None:
        kept = [each for each in given if each.score is not None]
        for each in kept:
            assert each.score is not None
            self.known[each.node_id, each.principle_id, each.judge] = each.score
        if self.judge is None and kept:
            self.judge = kept[0].judge

    def values(self) -> dict[str, float]:
        values = {each.node_id: self._value(each.node_id) for each in self.nodes}
        return {node_id: value for node_id, value in values.items() if value is not None}

    def _value(self, node_id: str) -> float | None:
        if self.rubric is None or self.judge is None:
            return None
        above = below = 0.0
        for principle in self.rubric.principles:
            weight = self.rubric.weight(principle.key)
            number = self.known.get((node_id, principle.id, self.judge))
            if weight == 0:
                continue
            if number is None:
                return None
            above += weight * number
            below += weight
        return above / below if below else None
