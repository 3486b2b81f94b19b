"""The one number that a rubric makes of a node's scores, computed where the scores are.

`rubric_score` is Σ w·s / Σ w over the principles of one rubric version, in their order, from one
judge; there is none until every principle that weighs anything has a score.

PostgreSQL refuses products that overflow or underflow a float, and with them the whole flush; so a
score beyond 1e200 counts as 1e200, and one nearer to 0 than 1e-200 as 0. Weights are 0, or from
1e-9 to 1e9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Integer, Text, bindparam, case, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from .driver import Query
from .tables import PrincipleScoreRow, RubricPrincipleRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg
    from sqlalchemy import BindParameter, FromClause, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

_HUGE: Final = 1e200
_TINY: Final = 1e-200
_PROJECT: Final = bindparam("project_id", type_=Text())


def _scores(judge: BindParameter[str]) -> Select[str, str, float | None]:
    """Return a query of a judge's numbers."""
    row = PrincipleScoreRow
    return select(row.node_id, row.principle_id, row.score).where(
        row.project_id == _PROJECT, row.judge == judge, row.score.is_not(None)
    )


def _means(scored: FromClause, version: BindParameter[int], name: str) -> Select[str, float]:
    """Return a query of `node_id` and `value`: Σ w·s / Σ w where every score is there.

    Args:
        name: Of the rubric's part of the query. That is materialized: it is read once, not once
            for each score.
    """
    row = RubricPrincipleRow
    rubric = select(row.principle_id, row.position, row.weight).where(
        row.project_id == _PROJECT, row.version == version, row.weight > 0
    )
    weighed = rubric.cte(name).prefix_with("MATERIALIZED")
    number = case(
        (func.abs(scored.c.score) < _TINY, 0.0),
        else_=func.least(func.greatest(scored.c.score, -_HUGE), _HUGE),
    )
    products = aggregate_order_by(weighed.c.weight * number, weighed.c.position)
    weights = aggregate_order_by(weighed.c.weight, weighed.c.position)
    wanted = select(func.count()).select_from(weighed).scalar_subquery()
    return (
        select(scored.c.node_id, (func.sum(products) / func.sum(weights)).label("value"))
        .join_from(scored, weighed, scored.c.principle_id == weighed.c.principle_id)
        .group_by(scored.c.node_id)
        .having(func.count() == wanted)
    )


def _of_nodes() -> Select[str, float]:
    """Return the query for given nodes: one look into the index for each, whatever the statistics.

    `OFFSET 0` keeps the planner from turning it round. A plan made for an empty table would else
    go through all scores of the project, at each flush, until the table is analysed.
    """
    given = func.unnest(bindparam("node_ids", type_=ARRAY(Text())))
    wanted = given.table_valued("node_id").render_derived(name="wanted")
    one = _scores(bindparam("judge", type_=Text()))
    one = one.where(PrincipleScoreRow.node_id == wanted.c.node_id).offset(
        literal_column("0", Integer())
    )
    found = one.lateral("found")
    columns = select(found).select_from(wanted.join(found, true()))
    scored = columns.cte("scored").prefix_with("MATERIALIZED")
    return _means(scored, bindparam("version", type_=Integer()), "weighed")


def _changes() -> Select[Sequence[Any], Sequence[Any]]:
    """Return a query of the values that differ between two rubrics, in parts, as columns."""
    scored = _scores(bindparam("old_judge", type_=Text())).subquery("old_scored")
    old = _means(scored, bindparam("old_version", type_=Integer()), "old_weighed").cte("old")
    scored = _scores(bindparam("judge", type_=Text())).subquery("new_scored")
    new = _means(scored, bindparam("version", type_=Integer()), "new_weighed").cte("new")
    node_id = func.coalesce(new.c.node_id, old.c.node_id)
    number = func.row_number().over(order_by=node_id)
    part = (number - 1) // bindparam("most", type_=Integer())
    changed = (
        select(node_id.label("node_id"), new.c.value, part.label("part"))
        .select_from(old.join(new, old.c.node_id == new.c.node_id, full=True))
        .where(old.c.value.is_distinct_from(new.c.value))
        .subquery()
    )
    node_ids = func.array_agg(aggregate_order_by(changed.c.node_id, changed.c.node_id))
    values = func.array_agg(aggregate_order_by(changed.c.value, changed.c.node_id))
    columns = select(node_ids.label("node_ids"), values.label("new_values"))
    return columns.group_by(changed.c.part).order_by(changed.c.part)


_OF_NODES: Final = Query(_of_nodes())
_CHANGES: Final = _changes()


async def read_rubric_scores(
    connection: asyncpg.Connection,
    project_id: str,
    version: int,
    judge: str,
    node_ids: Sequence[str],
) -> dict[str, float]:
    """Return the `rubric_score` of those of `node_ids` that have one. Cost: one statement."""
    values = {
        "project_id": project_id,
        "version": version,
        "judge": judge,
        "node_ids": list(node_ids),
    }
    found = await _OF_NODES.fetch(connection, values)
    return {node_id: value for node_id, value in found}  # noqa: C416


async def changed_rubric_scores(
    connection: AsyncConnection,
    project_id: str,
    old: tuple[int | None, str | None],
    new: tuple[int, str | None],
    most: int,
) -> list[dict[str, float | None]]:
    """Return what changes from one (version, judge) to another, sorted by node id.

    `None` stands for a node that has no `rubric_score` any more. Cost: one statement; grows with
    the scores of both judges.

    Args:
        most: Most values in one part of the list.
    """
    values: dict[str, Any] = {
        "project_id": project_id,
        "old_version": old[0],
        "old_judge": old[1],
        "version": new[0],
        "judge": new[1],
        "most": most,
    }
    found = await connection.execute(_CHANGES, values)
    return [dict(zip(node_ids, numbers, strict=True)) for node_ids, numbers in found]
