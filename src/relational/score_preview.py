"""What judging by a rubric would cost: counted where the scores are, before anybody pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from ..errors import NotFoundError
from ..model import InvalidationPreview, PrinciplePreview, Rubric
from .project_row import missing
from .rubric_checks import changed_principle, check_rubric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

# The ids that saving would find: of the oldest principle with that key and text.
_ASKED: Final = (
    "WITH asked AS ("
    " SELECT coalesce(CAST(:judge AS text), judge) AS judge"
    " FROM sapwood.project WHERE id = :project_id AND state <> 'deleting'"
    "), named AS MATERIALIZED ("
    " SELECT given.place, known.id, (SELECT other.key FROM sapwood.principle other"
    " WHERE other.project_id = :project_id AND other.id = given.id"
    " AND (other.key, other.text) <> (given.key, given.text)) AS owner"
    " FROM unnest(CAST(:ids AS text[]), CAST(:keys AS text[]), CAST(:texts AS text[]))"
    " WITH ORDINALITY AS given (id, key, text, place)"
    " LEFT JOIN LATERAL (SELECT same.id FROM sapwood.principle same"
    " WHERE same.project_id = :project_id AND same.key = given.key AND same.text = given.text"
    " ORDER BY same.created_at, same.id LIMIT 1) known ON true"
    ")"
)
_OF_ALL: Final = (
    ", counted AS ("
    " SELECT principle_id, count(*) AS kept FROM sapwood.principle_score, asked"
    " WHERE project_id = :project_id AND principle_score.judge = asked.judge"
    " AND score IS NOT NULL GROUP BY principle_id"
    "), nodes AS ("
    " SELECT count(DISTINCT node_id) AS nodes, CAST(NULL AS text) AS unknown"
    " FROM sapwood.principle_score, asked"
    " WHERE project_id = :project_id AND principle_score.judge = asked.judge"
    " AND score IS NOT NULL"
    ")"
)
# One look into an index for each node, whatever the statistics: see `rubric_scores`.
_OF_NODES: Final = (
    ", wanted AS ("
    " SELECT node_id, place FROM unnest(CAST(:node_ids AS text[]))"
    " WITH ORDINALITY AS given (node_id, place)"
    "), counted AS ("
    " SELECT found.principle_id, count(*) AS kept FROM asked, wanted"
    " CROSS JOIN LATERAL (SELECT principle_id, judge FROM sapwood.principle_score"
    " WHERE project_id = :project_id AND node_id = wanted.node_id AND score IS NOT NULL"
    " OFFSET 0) found WHERE found.judge = asked.judge GROUP BY found.principle_id"
    "), nodes AS ("
    " SELECT count(*) AS nodes,"
    " (array_agg(wanted.node_id ORDER BY wanted.place) FILTER (WHERE found.there IS NULL))[1]"
    " AS unknown"
    " FROM wanted LEFT JOIN LATERAL (SELECT true AS there FROM sapwood.node_ref"
    " WHERE project_id = :project_id AND node_id = wanted.node_id OFFSET 0) found ON true"
    ")"
)
_ANSWER: Final = (
    " SELECT asked.judge, nodes.nodes, nodes.unknown,"
    " (SELECT array_agg(coalesce(kept, 0) ORDER BY place) FROM named"
    " LEFT JOIN counted ON counted.principle_id = named.id) AS kept,"
    " (SELECT array_agg(owner ORDER BY place) FROM named) AS owners"
    " FROM asked, nodes"
)
_PREVIEW: Final = text(_ASKED + _OF_ALL + _ANSWER)
_PREVIEW_OF_NODES: Final = text(_ASKED + _OF_NODES + _ANSWER)


async def read_preview(
    connection: AsyncConnection,
    project_id: str,
    rubric: Rubric,
    judge: str | None,
    node_ids: Sequence[str] | None,
) -> InvalidationPreview:
    """See `PrincipleScoreRepository.preview`."""
    check_rubric(rubric)
    values: dict[str, Any] = {
        "project_id": project_id,
        "judge": judge,
        "ids": [principle.id for principle in rubric.principles],
        "keys": [principle.key for principle in rubric.principles],
        "texts": [principle.text for principle in rubric.principles],
    }
    if node_ids is not None:
        values["node_ids"] = node_ids
    statement = _PREVIEW if node_ids is None else _PREVIEW_OF_NODES
    row = (await connection.execute(statement, values)).one_or_none()
    if row is None:
        raise missing(project_id)
    for principle, owner in zip(rubric.principles, row.owners, strict=True):
        if owner is not None:
            raise changed_principle(principle, owner)
    if row.judge is None:
        raise NotFoundError(
            f"project {project_id!r} has no judge before its first score; name one by judge="
        )
    if row.unknown is not None:
        raise NotFoundError.node(project_id, row.unknown)
    principles = tuple(
        PrinciplePreview(key=principle.key, kept=kept, to_compute=row.nodes - kept)
        for principle, kept in zip(rubric.principles, row.kept, strict=True)
    )
    return InvalidationPreview(judge=row.judge, nodes=row.nodes, principles=principles)
