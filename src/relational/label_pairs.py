"""What labels are held against: the scores that judges gave to the same contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from ..agreement import Pair

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

# From each label to the nodes of its content and on to their scores, one look into an index each,
# whatever the statistics. Nothing is joined back to the labels, for where they say that there is
# no label, PostgreSQL would hold each with each. Extreme scores are bounded: see `rubric_scores`.
_PAIRS: Final = text(
    "WITH entry AS ("
    " SELECT principle_id, position, weight FROM sapwood.rubric_principle"
    " WHERE project_id = :project_id AND version = :version"
    "), scored AS ("
    " SELECT label.*, holder.node_id, found.judge, entry.principle_id, entry.position,"
    " entry.weight, CASE WHEN abs(found.score) < 1e-200 THEN 0"
    " ELSE least(greatest(found.score, -1e200), 1e200) END AS score"
    " FROM (SELECT id, content_digest, node_id AS own, principle_id AS about, scale,"
    " label_number, label_class FROM sapwood.labelled_sample"
    " WHERE project_id = :project_id OFFSET 0) label"
    " CROSS JOIN LATERAL (SELECT node_id FROM sapwood.node_ref WHERE project_id = :project_id"
    " AND content_digest = label.content_digest AND octet_length(content_digest) = 16"
    " OFFSET 0) holder"
    " CROSS JOIN LATERAL (SELECT principle_id, judge, score"
    " FROM sapwood.principle_score WHERE project_id = :project_id"
    " AND node_id = holder.node_id AND score IS NOT NULL"
    " AND principle_id = coalesce(label.about, principle_id)"
    " AND judge = coalesce(CAST(:judge AS text), judge) OFFSET 0) found"
    " JOIN entry ON entry.principle_id = found.principle_id"
    "), judged AS ("
    " SELECT id, about, scale, label_number, label_class, own, node_id, judge, score"
    " FROM scored WHERE about IS NOT NULL"
    " UNION ALL"
    " SELECT id, about, scale, label_number, label_class, own, node_id, judge,"
    " sum(weight * score ORDER BY position) / sum(weight ORDER BY position)"
    " FROM scored WHERE about IS NULL AND weight > 0"
    " GROUP BY id, about, scale, label_number, label_class, own, node_id, judge"
    " HAVING count(*) = (SELECT count(*) FROM entry WHERE weight > 0)"
    "), pair AS ("
    " SELECT DISTINCT ON (id, judge) id, judge, about, scale, label_number, label_class, score"
    " FROM judged ORDER BY id, judge, own IS NOT DISTINCT FROM node_id DESC, node_id"
    ")"
    " SELECT array_agg(judge ORDER BY id, judge) AS judges,"
    " array_agg(about ORDER BY id, judge) AS principle_ids,"
    " array_agg(scale ORDER BY id, judge) AS scales,"
    " array_agg(label_number ORDER BY id, judge) AS numbers,"
    " array_agg(label_class ORDER BY id, judge) AS classes,"
    " array_agg(score ORDER BY id, judge) AS scores FROM pair"
)


async def read_pairs(
    connection: AsyncConnection, project_id: str, version: int, judge: str | None
) -> list[Pair]:
    """Return each label of a rubric version with each judge's score of it, by label and judge.

    A judge's score is that of the label's own node, else of the first node by id that has the
    same content and a score. Of a label of the whole, it is the weighted mean of its scores.

    Args:
        judge: `None` for all of them.

    Cost: one statement; grows with the labels and the scores of nodes of labelled contents.
    """
    values = {"project_id": project_id, "version": version, "judge": judge}
    row = (await connection.execute(_PAIRS, values)).one()
    columns = (row.judges, row.principle_ids, row.scales, row.numbers, row.classes, row.scores)
    return [
        Pair(judge, principle_id, scale, class_ if number is None else number, score)
        for judge, principle_id, scale, number, class_, score in zip(
            *(column or () for column in columns), strict=True
        )
    ]
