"""Rows of table `branch_stats`: those that some changes need, and how they are written."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..branch_fold import Branch, Child, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import asyncpg

    from ..branch_fold import Lost

WRITE_ROWS: Final = 5_000
"""Most rows of one statement; the event loop waits while they are put into the form it sends."""
# One look into an index for each row, whatever the statistics: see `rubric_scores`. A node is
# passed once, however many of those below it are named.
_NEEDED: Final = (
    "WITH RECURSIVE up (node_id, parent_id) AS ("
    " SELECT found.node_id, found.parent_id FROM unnest($2::text[]) AS named (id)"
    " CROSS JOIN LATERAL (SELECT node_id, parent_id FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND node_id = named.id OFFSET 0) AS found"
    " UNION"
    " SELECT found.node_id, found.parent_id FROM up"
    " CROSS JOIN LATERAL (SELECT node_id, parent_id FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND node_id = up.parent_id OFFSET 0) AS found"
    "), down (node_id) AS ("
    ' SELECT closed.id COLLATE "C" FROM unnest($3::text[]) AS closed (id)'
    " UNION"
    " SELECT found.node_id FROM down"
    " CROSS JOIN LATERAL (SELECT node_id FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND parent_id = down.node_id AND alive > 0 OFFSET 0) AS found"
    "), needed AS (SELECT node_id FROM up UNION SELECT node_id FROM down)"
    " SELECT found.* FROM needed CROSS JOIN LATERAL ("
    " SELECT node_id, parent_id, depth, status, nodes, alive, leaves, max_depth,"
    " score, scored, total, best, best_node_id,"
    " rubric_score, rubric_scored, rubric_total, rubric_best, rubric_best_node_id"
    " FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND node_id = needed.node_id OFFSET 0) AS found"
)
# Among one child more than are known, there is one that is not known, if there is any.
_BEST_CHILDREN: Final = (
    "SELECT lost.node_id, 0, found.* FROM unnest($2::text[], $3::bigint[]) AS lost (node_id, known)"
    " CROSS JOIN LATERAL (SELECT node_id, best, best_node_id FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND parent_id = lost.node_id AND best IS NOT NULL"
    " ORDER BY best DESC, best_node_id LIMIT lost.known + 1) AS found"
    " UNION ALL"
    " SELECT lost.node_id, 1, found.* FROM unnest($4::text[], $5::bigint[])"
    " AS lost (node_id, known)"
    " CROSS JOIN LATERAL (SELECT node_id, rubric_best, rubric_best_node_id"
    " FROM sapwood.branch_stats"
    " WHERE project_id = $1 AND parent_id = lost.node_id AND rubric_best IS NOT NULL"
    " ORDER BY rubric_best DESC, rubric_best_node_id LIMIT lost.known + 1) AS found"
)
_WRITE: Final = (
    "INSERT INTO sapwood.branch_stats (project_id, as_of_seq,"
    " node_id, parent_id, depth, status, nodes, alive, leaves, max_depth,"
    " score, scored, total, best, best_node_id,"
    " rubric_score, rubric_scored, rubric_total, rubric_best, rubric_best_node_id)"
    " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::int[], $6::text[],"
    " $7::bigint[], $8::bigint[], $9::bigint[], $10::int[],"
    " $11::float8[], $12::bigint[], $13::numeric[], $14::float8[], $15::text[],"
    " $16::float8[], $17::bigint[], $18::numeric[], $19::float8[], $20::text[])"
    " ON CONFLICT (project_id, node_id) DO UPDATE SET as_of_seq = excluded.as_of_seq,"
    " status = excluded.status, nodes = excluded.nodes, alive = excluded.alive,"
    " leaves = excluded.leaves, max_depth = excluded.max_depth,"
    " score = excluded.score, scored = excluded.scored, total = excluded.total,"
    " best = excluded.best, best_node_id = excluded.best_node_id,"
    " rubric_score = excluded.rubric_score, rubric_scored = excluded.rubric_scored,"
    " rubric_total = excluded.rubric_total, rubric_best = excluded.rubric_best,"
    " rubric_best_node_id = excluded.rubric_best_node_id"
)


async def read_needed(
    driver: asyncpg.Connection, project_id: str, named: Sequence[str], closed: Sequence[str]
) -> Iterator[Branch]:
    """Return the rows of `named`, of all above them, and below `closed` of what has anything alive.

    They are made as they are taken, so that a thread may do it.

    Those below are reached from parent to child as long as a branch has something alive. Each row
    comes once. Cost: one statement; a look into an index for each row.
    """
    return map(_branch, await driver.fetch(_NEEDED, project_id, named, closed))


async def read_best_children(
    driver: asyncpg.Connection, project_id: str, lost: Iterable[Lost]
) -> list[Child]:
    """Return the best children of each branch that is `lost`, one more than are known.

    Cost: one statement; it reads all children of those branches.
    """
    both: tuple[list[Lost], list[Lost]] = ([], [])
    for each in lost:
        both[each.key].append(each)
    columns = [
        column
        for some in both
        for column in ([each.node_id for each in some], [each.known for each in some])
    ]
    return [Child(*row) for row in await driver.fetch(_BEST_CHILDREN, project_id, *columns)]


async def write(
    driver: asyncpg.Connection, project_id: str, seq: int, branches: Iterable[Branch]
) -> None:
    """Insert or update rows, as of `seq`. Cost: a statement for each 5,000 rows."""
    rest = iter(branches)
    while part := list(islice(rest, WRITE_ROWS)):
        columns = zip(*map(_values, part), strict=True)
        await driver.execute(_WRITE, project_id, seq, *columns)


def _branch(row: Sequence[Any]) -> Branch:
    values: tuple[Any, ...] = (*row[:8], (Tally(*row[8:13]), Tally(*row[13:])))
    return Branch(*values)


def _values(branch: Branch) -> tuple[Any, ...]:
    first, second = branch.tallies
    return (
        branch.node_id,
        branch.parent_id,
        branch.depth,
        branch.status,
        branch.nodes,
        branch.alive,
        branch.leaves,
        branch.max_depth,
        first.own,
        first.scored,
        first.total,
        first.best,
        first.best_id,
        second.own,
        second.scored,
        second.total,
        second.best,
        second.best_id,
    )
