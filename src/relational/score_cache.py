"""Which scores of a rubric a judge gave already, and which are still to be paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from ..cached import CachedScores
from ..errors import NotFoundError
from ..model import Rubric
from .project_row import missing
from .rubric_checks import foreign_rubric, no_rubric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

# One look into an index for each node, whatever the statistics: see `rubric_scores`. A node with a
# number of this judge is known to exist; the register is asked for the others alone.
_ASKED: Final = (
    "WITH asked AS ("
    " SELECT coalesce(CAST(:version AS bigint), rubric_version) AS version"
    " FROM sapwood.project WHERE id = :project_id AND state <> 'deleting'"
    "), wanted AS ("
    " SELECT array_agg(entry.principle_id ORDER BY entry.position) AS principle_ids"
    " FROM sapwood.rubric_principle entry JOIN asked ON entry.version = asked.version"
    " WHERE entry.project_id = :project_id"
    "), given AS ("
    " SELECT node_id, place - 1 AS place FROM unnest(CAST(:node_ids AS text[]))"
    " WITH ORDINALITY AS named (node_id, place)"
    "), stored AS MATERIALIZED ("
    " SELECT given.place, given.node_id, found.principle_id, found.score"
    " FROM given LEFT JOIN LATERAL (SELECT principle_id, score"
    " FROM sapwood.principle_score WHERE project_id = :project_id AND node_id = given.node_id"
    " AND judge = :judge AND score IS NOT NULL OFFSET 0) found ON true"
    "), unknown AS ("
    " SELECT array_agg(stored.node_id ORDER BY stored.place) AS node_ids"
    " FROM stored LEFT JOIN LATERAL (SELECT true AS there FROM sapwood.node_ref"
    " WHERE project_id = :project_id AND node_id = stored.node_id OFFSET 0) found ON true"
    " WHERE stored.principle_id IS NULL AND found.there IS NULL"
    "), own AS ("
    " SELECT array_agg(place * cardinality(principle_ids)"
    " + array_position(principle_ids, principle_id) - 1) AS cells, array_agg(score) AS scores"
    " FROM stored, wanted WHERE principle_id = ANY(principle_ids)"
    ")"
)
# For each content once, however many nodes have it.
_LENT: Final = (
    ", lacking AS ("
    " SELECT place, node_id FROM stored, wanted GROUP BY place, node_id, principle_ids"
    " HAVING count(*) FILTER (WHERE principle_id = ANY(principle_ids))"
    " < cardinality(principle_ids)"
    "), contents AS MATERIALIZED ("
    " SELECT found.content_digest, array_agg(lacking.place) AS places"
    " FROM lacking CROSS JOIN LATERAL (SELECT content_digest FROM sapwood.node_ref"
    " WHERE project_id = :project_id AND node_id = lacking.node_id OFFSET 0) found"
    " GROUP BY found.content_digest"
    "), first AS ("
    " SELECT contents.places, found.principle_id, found.score"
    " FROM contents CROSS JOIN wanted CROSS JOIN LATERAL ("
    " SELECT DISTINCT ON (given.principle_id) given.principle_id, given.score"
    " FROM (SELECT node_id FROM sapwood.node_ref WHERE project_id = :project_id"
    " AND content_digest = contents.content_digest AND octet_length(content_digest) = 16"
    " OFFSET 0) equal CROSS JOIN LATERAL (SELECT principle_id, score"
    " FROM sapwood.principle_score WHERE project_id = :project_id AND node_id = equal.node_id"
    " AND judge = :judge AND score IS NOT NULL OFFSET 0) given"
    " WHERE given.principle_id = ANY(wanted.principle_ids)"
    " ORDER BY given.principle_id, equal.node_id) found"
    "), lent AS ("
    " SELECT array_agg(place * cardinality(principle_ids)"
    " + array_position(principle_ids, principle_id) - 1) AS cells, array_agg(score) AS scores"
    " FROM first, wanted, unnest(places) AS place"
    ")"
)
_OWN: Final = (
    " SELECT asked.version, wanted.principle_ids, unknown.node_ids AS unknown,"
    " own.cells, own.scores, NULL AS lent_cells, NULL AS lent_scores"
    " FROM asked, wanted, unknown, own"
)
_OWN_AND_LENT: Final = (
    " SELECT asked.version, wanted.principle_ids, unknown.node_ids AS unknown,"
    " own.cells, own.scores, lent.cells AS lent_cells, lent.scores AS lent_scores"
    " FROM asked, wanted, unknown, own, lent"
)
_CACHED: Final = text(_ASKED + _OWN)
_CACHED_BY_CONTENT: Final = text(_ASKED + _LENT + _OWN_AND_LENT)


async def read_cached(
    connection: AsyncConnection,
    project_id: str,
    node_ids: Sequence[str],
    judge: str,
    rubric: int | Rubric | None,
    *,
    by_content: bool = False,
) -> CachedScores:
    """See `PrincipleScoreRepository.cached`."""
    version = rubric.version if isinstance(rubric, Rubric) else rubric
    values = {
        "project_id": project_id,
        "version": version,
        "node_ids": node_ids,
        "judge": judge,
    }
    statement = _CACHED_BY_CONTENT if by_content else _CACHED
    row = (await connection.execute(statement, values)).one_or_none()
    if row is None:
        raise missing(project_id)
    principle_ids = _principles(row, project_id, version)
    if isinstance(rubric, Rubric) and [each.id for each in rubric.principles] != principle_ids:
        raise foreign_rubric("cached_scores", rubric, project_id)
    if row.unknown:
        raise NotFoundError.node(project_id, row.unknown[0])
    lent = (row.lent_cells or (), row.lent_scores or ())
    own = (row.cells or (), row.scores or ())
    return CachedScores.of_cells(node_ids, principle_ids, [lent, own])


def _principles(row: Any, project_id: str, version: int | None) -> list[str]:
    if row.principle_ids is None and version is None:
        raise no_rubric(project_id)
    if row.principle_ids is None:
        raise NotFoundError(f"project {project_id!r} has no rubric version {version}")
    return list(row.principle_ids)
