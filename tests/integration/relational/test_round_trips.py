"""How often a call asks the server: a fixed number, whatever its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sapwood import Database, LabeledSample, NumberScale
from sapwood.model import Principle, Rubric
from sapwood.relational import (
    BranchStatsRepository,
    Journal,
    LabeledSampleRepository,
    PrincipleScoreRepository,
    ProjectRepository,
    RubricEdit,
    RubricRepository,
)
from sapwood.rubric_model import RubricChanges
from sapwood.sample_drafts import draft_sample

from ...sent import Sent, noted
from .building import Writer, node, node_with, prune, score, state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood.servers import Endpoints


class Log:
    """What was sent to the server, transaction control included."""

    def __init__(self, database: Database, sent: Sent) -> None:
        self.database = database
        self._sent = sent

    def count(self) -> int:
        """Return how many statements were sent since the last call."""
        count = len(self._sent.sql)
        self._sent.clear()
        return count


@pytest.fixture
async def log(servers: Endpoints) -> AsyncIterator[Log]:
    """One connection whose statements are noted."""
    database = Database(servers.database_url, pool_size=1)
    with noted(database) as sent:
        await database.check()
        sent.clear()
        yield Log(database, sent)
    await database.close()


async def test_the_statements_of_a_commit_do_not_grow_with_it(log: Log, project_id: str) -> None:
    projects, rubrics = ProjectRepository(log.database), RubricRepository(log.database)
    await projects.ensure(project_id)
    writer = Writer(Journal(log.database), project_id, await projects.claim_epoch(project_id))
    saved = await rubrics.save(project_id, Rubric(principles=(Principle(key="a"),)))
    await rubrics.activate(project_id, 1, judge="judge@1")
    key = saved["a"].id

    def many(count: int) -> list[Any]:
        nodes = [node() for _ in range(count)]
        return [*nodes, *(score(target, key, 1.0) for target in nodes)]

    known = node()
    await writer.commit(known, score(known, key, 1.0))
    log.count()

    async def sent(*items: Any) -> int:
        await writer.commit(*items)
        return log.count()

    assert await sent() == 4  # BEGIN, row lock, entry, COMMIT
    assert await sent(node()) == 5  # and the register, read; it is written with the entry
    assert await sent(*(node() for _ in range(500))) == 5
    assert await sent(state({"round": 1})) == 5
    assert await sent(*many(1)) == 8
    assert await sent(*many(400)) == 8


async def test_the_statements_of_reads_do_not_grow_with_the_project(
    log: Log, project_id: str
) -> None:
    projects, rubrics = ProjectRepository(log.database), RubricRepository(log.database)
    journal, scores = Journal(log.database), PrincipleScoreRepository(log.database)
    labels = LabeledSampleRepository(log.database)
    await projects.ensure(project_id)
    writer = Writer(journal, project_id, await projects.claim_epoch(project_id))

    async def sent() -> list[int]:
        counts: list[int] = []
        for read in (
            projects.load(project_id),
            projects.head(project_id),
            journal.entries(project_id, 1, most_rows=1000, most_bytes=1 << 20),
            rubrics.history(project_id),
            rubrics.current(project_id),
            scores.load(project_id),
            labels.all(project_id),
        ):
            await read
            counts.append(log.count())
        return counts

    await sent()  # the driver asks about each array type once a connection
    before = await sent()
    for version in range(1, 6):
        given = Rubric(principles=(Principle(key="a", text=str(version)),))
        saved = await rubrics.save(project_id, given)
        await rubrics.activate(project_id, version)
        target = node()
        await writer.commit(target, score(target, saved["a"].id, 1.0))
        mark = (await projects.head(project_id)).incarnation
        await labels.add(project_id, mark, _labels(20, str(version)))
    log.count()

    assert await sent() == before == [7, 1, 1, 1, 1, 1, 1]


def _labels(count: int, labeler: str) -> list[Any]:
    one = NumberScale(0, 1)
    return [
        draft_sample(LabeledSample(content=f"{at}", labeler=labeler, label=0.5, scale=one))
        for at in range(count)
    ]


async def test_the_statements_of_labels_do_not_grow_with_them(log: Log, project_id: str) -> None:
    projects, labels = ProjectRepository(log.database), LabeledSampleRepository(log.database)
    await projects.ensure(project_id)
    saved = Rubric(principles=(Principle(key="a"),))
    await RubricRepository(log.database).save(project_id, saved)
    mark = (await projects.head(project_id)).incarnation

    async def sent(count: int) -> list[int]:
        counts: list[int] = []
        for call in (
            labels.add(project_id, mark, _labels(count, "ann")),
            labels.compared(project_id, 1, None),
            labels.unlabelled(project_id),
        ):
            await call
            counts.append(log.count())
        return counts

    await sent(1)
    log.count()
    assert await sent(1) == await sent(500) == [8, 5, 4]  # with BEGIN and COMMIT


async def test_the_statements_of_a_rubric_edit_do_not_grow_with_its_history(
    log: Log, project_id: str
) -> None:
    rubrics = RubricRepository(log.database)
    await ProjectRepository(log.database).ensure(project_id)
    await rubrics.save(project_id, Rubric(principles=(Principle(key="a"),)))
    await rubrics.new_version(project_id, RubricEdit(RubricChanges(texts={"b": ""}), 1))
    await rubrics.pair(project_id, 1, 2)  # the driver asks about each array type once a connection
    log.count()
    for version in range(3, 6):
        texts = RubricChanges(texts={"a": str(version), "b": str(version)})
        await rubrics.new_version(project_id, RubricEdit(texts))
        assert log.count() == 8  # with BEGIN and COMMIT
        await rubrics.new_version(project_id, RubricEdit(texts))
        assert log.count() == 5, "nothing is to be written"
        await rubrics.pair(project_id, 1, version)
        assert log.count() == 1
        await rubrics.get(project_id, version)
        assert log.count() == 1


async def test_the_score_cache_is_asked_once_for_any_number_of_nodes(
    log: Log, project_id: str
) -> None:
    projects, rubrics = ProjectRepository(log.database), RubricRepository(log.database)
    scores = PrincipleScoreRepository(log.database)
    await projects.ensure(project_id)
    writer = Writer(Journal(log.database), project_id, await projects.claim_epoch(project_id))
    saved = await rubrics.save(project_id, Rubric(principles=(Principle(key="a"),)))
    nodes = [node() for _ in range(500)]
    await writer.commit(*nodes, *(score(target, saved["a"].id, 1.0) for target in nodes))
    ids = [target.node_id for target in nodes]
    await scores.cached(project_id, ids, "judge@1", 1)
    for count in (1, 500):
        log.count()
        assert len((await scores.cached(project_id, ids[:count], "judge@1", 1)).hits) == count
        assert log.count() == 1
    lent = await scores.cached(project_id, ids, "judge@1", 1, by_content=True)
    assert (len(lent.hits), log.count()) == (500, 1)
    await scores.preview(project_id, saved, "judge@1")
    log.count()
    for wanted in (None, ids):
        preview = await scores.preview(project_id, saved, "judge@1", wanted)
        assert (preview.kept, log.count()) == (500, 1)


async def test_the_statements_of_branch_stats_do_not_grow_with_what_changed(
    log: Log, project_id: str
) -> None:
    projects, branches = ProjectRepository(log.database), BranchStatsRepository(log.database)
    await projects.ensure(project_id)
    writer = Writer(Journal(log.database), project_id, await projects.claim_epoch(project_id))
    root = node(score=1.0)
    await writer.commit(root)

    async def sent(*items: Any) -> int:
        if items:
            await writer.commit(*items)
        log.count()
        await branches.get(project_id, root.node_id)
        return log.count()

    await sent()  # the driver asks about each array type once a connection
    assert await sent() == 1
    # The answer twice; BEGIN, lock, mark, entries, rows read and written, mark, COMMIT.
    assert await sent(node(root)) == 1 + 8 + 1
    assert await sent(*(node(root) for _ in range(2_000))) == 1 + 8 + 1
    chain = [root]
    for _ in range(1_000):
        chain.append(node(chain[-1], score=2.0))
    assert await sent(*chain) == 1 + 8 + 1
    assert await sent(prune(chain[2])) == 1 + 8 + 1
    worse = [node_with(each, score=-1.0) for each in chain[1:]]
    assert await sent(*worse) == 1 + 8 + 1 + 1  # all lost bests in one
    assert await sent() == 1


async def test_opening_up_to_date_tables_costs_two_statements(log: Log) -> None:
    await log.database.create_tables()
    assert log.count() == 4  # with BEGIN and COMMIT
