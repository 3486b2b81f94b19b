"""What labels are held against: the scores that judges gave to the same contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from ..agreement import Pair

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

# One look into an index for each labelled content and each node that has it, whatever the
# statistics; extreme scores are bounded: see `rubric_scores`.
_PAIRS: Final = text(
    "WITH entry AS ("
    " SELECT principle_id, position, weight FROM sapwood.rubric_principle"
    " WHERE project_id = :project_id AND version = :version"
    "), holder AS ("
    " SELECT labelled.content_digest, found.node_id"
    " FROM (SELECT DISTINCT content_digest FROM sapwood.labelled_sample"
    " WHERE project_id = :project_id) labelled"
    " CROSS JOIN LATERAL (SELECT node_id FROM sapwood.node_ref WHERE project_id = :project_id"
    " AND content_digest = labelled.content_digest AND octet_length(content_digest) = 16"
    " OFFSET 0) found"
    "), scored AS ("
    " SELECT holder.content_digest, holder.node_id, found.judge, entry.*,"
    " CASE WHEN abs(found.score) < 1e-200 THEN 0"
    " ELSE least(greatest(found.score, -1e200), 1e200) END AS score"
    " FROM holder CROSS JOIN LATERAL (SELECT principle_id, judge, score"
    " FROM sapwood.principle_score WHERE project_id = :project_id"
    " AND node_id = holder.node_id AND score IS NOT NULL"
    " AND judge = coalesce(CAST(:judge AS text), judge) OFFSET 0) found"
    " JOIN entry ON entry.principle_id = found.principle_id"
    "), judged AS ("
    " SELECT content_digest, node_id, judge, principle_id, score FROM scored"
    " UNION ALL"
    " SELECT content_digest, node_id, judge, NULL,"
    " sum(weight * score ORDER BY position) / sum(weight ORDER BY position)"
    " FROM scored WHERE weight > 0 GROUP BY content_digest, node_id, judge"
    " HAVING count(*) = (SELECT count(*) FROM entry WHERE weight > 0)"
    "), pair AS ("
    " SELECT DISTINCT ON (label.id, judged.judge) label.id, judged.judge, label.principle_id,"
    " label.scale, label.label_number, label.label_class, judged.score"
    " FROM sapwood.labelled_sample label"
    " JOIN judged ON judged.content_digest = label.content_digest"
    " AND judged.principle_id IS NOT DISTINCT FROM label.principle_id"
    " WHERE label.project_id = :project_id"
    " ORDER BY label.id, judged.judge,"
    " label.node_id IS NOT DISTINCT FROM judged.node_id DESC, judged.node_id"
    ")"
    " SELECT array_agg(judge ORDER BY id, judge) AS judges,"
    " array_agg(principle_id ORDER BY id, judge) AS principle_ids,"
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
