"""Which scores of a rubric a judge gave already, and which are still to be paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

from ..errors import NotFoundError, ValidationError
from ..model import Rubric
from .project_row import missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

# One look into an index for each node, whatever the statistics: see `rubric_scores`.
_CACHED: Final = text(
    "WITH asked AS ("
    " SELECT coalesce(CAST(:version AS bigint), rubric_version) AS version"
    " FROM sapwood.project WHERE id = :project_id AND state <> 'deleting'"
    "), wanted AS ("
    " SELECT array_agg(entry.principle_id ORDER BY entry.position) AS principle_ids"
    " FROM sapwood.rubric_principle entry JOIN asked ON entry.version = asked.version"
    " WHERE entry.project_id = :project_id"
    "), given AS ("
    " SELECT node_id, place FROM unnest(CAST(:node_ids AS text[]))"
    " WITH ORDINALITY AS named (node_id, place)"
    "), unknown AS ("
    " SELECT array_agg(given.node_id ORDER BY given.place) AS node_ids"
    " FROM given LEFT JOIN LATERAL (SELECT true AS there FROM sapwood.node_ref"
    " WHERE project_id = :project_id AND node_id = given.node_id OFFSET 0) found ON true"
    " WHERE found.there IS NULL"
    "), stored AS ("
    " SELECT array_agg(found.node_id) AS node_ids, array_agg(found.principle_id) AS principle_ids,"
    " array_agg(found.score) AS scores"
    " FROM given CROSS JOIN LATERAL (SELECT node_id, principle_id, score"
    " FROM sapwood.principle_score WHERE project_id = :project_id AND node_id = given.node_id"
    " AND judge = :judge AND score IS NOT NULL OFFSET 0) found"
    " WHERE found.principle_id = ANY((SELECT principle_ids FROM wanted)::text[])"
    ")"
    " SELECT asked.version, wanted.principle_ids, unknown.node_ids AS unknown,"
    " stored.node_ids, stored.principle_ids AS stored_principle_ids, stored.scores"
    " FROM asked, wanted, unknown, stored"
)


class ScoreKey(NamedTuple):
    """A node and a principle of a rubric."""

    node_id: str
    principle_id: str


class CachedScores(NamedTuple):
    """What is known of a judge's scores of some nodes under one rubric.

    Attributes:
        hits: The scores that exist, by (node_id, principle_id).
        misses: The pairs that have none, never judged or failed.
    """

    hits: dict[tuple[str, str], float]
    misses: list[ScoreKey]


async def read_cached(
    connection: AsyncConnection,
    project_id: str,
    node_ids: Sequence[str],
    judge: str,
    rubric: int | Rubric | None,
) -> CachedScores:
    """See `PrincipleScoreRepository.cached`."""
    version = rubric.version if isinstance(rubric, Rubric) else rubric
    values = {
        "project_id": project_id,
        "version": version,
        "node_ids": node_ids,
        "judge": judge,
    }
    row = (await connection.execute(_CACHED, values)).one_or_none()
    if row is None:
        raise missing(project_id)
    principle_ids = _principles(row, project_id, version)
    if isinstance(rubric, Rubric):
        _check_same(rubric, principle_ids, project_id)
    if row.unknown:
        raise NotFoundError.node(project_id, row.unknown[0])
    stored = zip(row.node_ids or (), row.stored_principle_ids or (), strict=True)
    known: dict[tuple[str, str], float] = dict(zip(stored, row.scores or (), strict=True))
    keys = [ScoreKey(node_id, each) for node_id in node_ids for each in principle_ids]
    return CachedScores(
        {key: known[key] for key in keys if key in known},
        [key for key in keys if key not in known],
    )


def _principles(row: Any, project_id: str, version: int | None) -> list[str]:
    if row.principle_ids is None and version is None:
        raise NotFoundError(
            f"project {project_id!r} has no current rubric; save one, or name a version"
        )
    if row.principle_ids is None:
        raise NotFoundError(f"project {project_id!r} has no rubric version {version}")
    return list(row.principle_ids)


def _check_same(rubric: Rubric, principle_ids: list[str], project_id: str) -> None:
    """Refuse a rubric of another project, whose version would be mistaken for one of this."""
    if [principle.id for principle in rubric.principles] != principle_ids:
        problem = f"is not version {rubric.version} of project {project_id!r}; load it from there"
        raise ValidationError("cached_scores", "rubric", problem)
