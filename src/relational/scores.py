"""Principle scores, and the one number that a rubric makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from ..batch import ScoreDraft
from ..model import PrincipleScore
from .rubrics import RubricRepository
from .score_cache import read_cached
from .score_preview import read_preview
from .tables import PrincipleScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..batch import Batch, Resolution
    from ..cached import CachedScores
    from ..model import InvalidationPreview, Rubric
    from .database import Database

# A failed try never replaces a score. Rows come sorted by key, so that writers cannot deadlock.
_UPSERT: Final = (
    "INSERT INTO sapwood.principle_score AS old"
    " (project_id, node_id, principle_id, judge, score, failure, rationale)"
    " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::text[],"
    " $7::text[])"
    " ON CONFLICT (project_id, node_id, principle_id, judge) DO UPDATE"
    " SET score = excluded.score, failure = excluded.failure, rationale = excluded.rationale,"
    " updated_at = now()"
    " WHERE excluded.score IS NOT NULL OR old.score IS NULL"
)
_COLUMNS: Final = text(
    "SELECT array_agg(node_id) AS node_ids, array_agg(principle_id) AS principle_ids,"
    " array_agg(judge) AS judges, array_agg(score) AS scores"
    " FROM (SELECT node_id, principle_id, judge, score FROM sapwood.principle_score"
    " WHERE project_id = :project_id AND score IS NOT NULL"
    " ORDER BY node_id, principle_id, judge) ordered"
)


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """Scores as columns of one length, sorted by node, principle and judge; no failed tries."""

    node_ids: list[str]
    principle_ids: list[str]
    judges: list[str]
    scores: list[float]

    def __len__(self) -> int:
        return len(self.scores)


class PrincipleScoreRepository:
    """The principle scores of each project of a database. They are written by flushes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, project_id: str) -> ScoreColumns:
        """Return all scores of a project; empty columns if there is none. Cost: one statement."""
        async with self._database.single_read() as connection:
            return await read_columns(connection, project_id)

    async def for_nodes(self, project_id: str, node_ids: Iterable[str]) -> list[PrincipleScore]:
        """Return everything that is stored of these nodes, failed tries too, sorted by key.

        Cost: one statement.
        """
        row = PrincipleScoreRow
        statement = (
            select(row.node_id, row.principle_id, row.judge, row.score, row.failure, row.rationale)
            .where(row.project_id == project_id, row.node_id == func.any(list(node_ids)))
            .order_by(row.node_id, row.principle_id, row.judge)
        )
        async with self._database.single_read() as connection:
            found = (await connection.execute(statement)).all()
        return [
            PrincipleScore(
                node_id=node_id,
                principle_id=principle_id,
                judge=judge,
                score=score,
                failure=failure,
                rationale=rationale,
            )
            for node_id, principle_id, judge, score, failure, rationale in found
        ]

    async def cached(
        self,
        project_id: str,
        node_ids: Iterable[str],
        judge: str,
        rubric: int | Rubric | None = None,
        *,
        by_content: bool = False,
    ) -> CachedScores:
        """Return which scores by `judge` these nodes have under a rubric, and which they lack.

        Args:
            rubric: A version, or a rubric as it came from the store; `None` for the current one.
            by_content: Where a node has no score, take the one of the first by id that has the
                same content and a score.

        Returns:
            In the order of `node_ids`, each once, and of the rubric's principles, those that
            weigh nothing too. A failed try is a miss.

        Raises:
            NotFoundError: There is no such project, node or version, or no current rubric.
            ValidationError: `rubric` belongs to another project.

        Cost: one statement; one look into an index for each node. By content, also one for each
        content that lacks a score, and one for each node that has it.
        """
        wanted = list(dict.fromkeys(node_ids))
        async with self._database.single_read() as connection:
            return await read_cached(
                connection, project_id, wanted, judge, rubric, by_content=by_content
            )

    async def preview(
        self,
        project_id: str,
        rubric: Rubric | int,
        judge: str | None = None,
        node_ids: Iterable[str] | None = None,
    ) -> InvalidationPreview:
        """Return what judging by `rubric` would cost; it need not be saved.

        Args:
            judge: `None` for the project's active one.
            node_ids: `None` for all nodes that have a score of this judge.

        Cost: one statement, or two for a version.

        Raises:
            NotFoundError: There is no such project, version, node or judge.
            ValidationError, ConflictError: `RubricRepository.save` would refuse the rubric.
        """
        if isinstance(rubric, int):
            rubric = await RubricRepository(self._database).get(project_id, rubric)
        wanted = None if node_ids is None else list(dict.fromkeys(node_ids))
        async with self._database.single_read() as connection:
            return await read_preview(connection, project_id, rubric, judge, wanted)

    async def count(self, project_id: str) -> int:
        """Return how many scores a project has, failed tries left out. Cost: one statement."""
        statement = (
            select(func.count())
            .select_from(PrincipleScoreRow)
            .where(PrincipleScoreRow.project_id == project_id, PrincipleScoreRow.score.is_not(None))
        )
        async with self._database.single_read() as connection:
            return (await connection.execute(statement)).scalar_one()


async def read_columns(connection: AsyncConnection, project_id: str) -> ScoreColumns:
    """Return all scores of a project as columns. Cost: one statement."""
    row = (await connection.execute(_COLUMNS, {"project_id": project_id})).one()
    return ScoreColumns(
        row.node_ids or [], row.principle_ids or [], row.judges or [], row.scores or []
    )


async def upsert_scores(
    connection: asyncpg.Connection, project_id: str, scores: Sequence[ScoreDraft]
) -> None:
    """Store scores that are unique and sorted by key, one at least. Cost: one statement."""
    nodes, principles, judges, numbers, failures, rationales, _ = zip(*scores, strict=True)
    await connection.execute(
        _UPSERT, project_id, nodes, principles, judges, numbers, failures, rationales
    )


def first_judge(batch: Batch, result: Resolution) -> str | None:
    """Return the judge of the first number in `batch` that is stored; `None` without one."""
    stored = {(score.node_id, score.principle_id, score.judge) for score in result.scores}
    for item in batch.items:
        if isinstance(item, ScoreDraft) and item.score is not None:  # noqa: SIM102
            if (item.node_id, item.principle_id, item.judge) in stored:
                return item.judge
    return None
