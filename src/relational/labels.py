"""Labelled samples: what people say of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, text

from ..model import Rubric
from ..sample_drafts import last_of_each
from .label_pairs import read_pairs
from .label_rows import check_samples, read_samples, upsert_samples
from .project_row import lock_open
from .rubric_checks import foreign_rubric, no_rubric
from .rubric_versions import read_current, require_versions
from .tables import LabelledSampleRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..agreement import Pair
    from ..sample_drafts import SampleDraft
    from ..samples import LabeledSample
    from .database import Database

MOST_ROWS: Final = 1000
"""Labels of one statement, so that none takes long, however many a file has."""

# A label of a principle is stale if the version has the principle no more; a label of the whole, if
# it was given under a version of other principles or weights; one without a version never is.
_STALE: Final = text(
    "WITH meaning AS ("
    " SELECT version, array_agg(principle_id ORDER BY principle_id) AS principle_ids,"
    " array_agg(weight ORDER BY principle_id) AS weights"
    " FROM sapwood.rubric_principle WHERE project_id = :project_id GROUP BY version"
    ")"
    " SELECT label.id, principle.key"
    " FROM sapwood.labelled_sample label"
    " JOIN meaning asked ON asked.version = :version"
    " JOIN meaning given ON given.version = label.rubric_version"
    " LEFT JOIN sapwood.principle ON principle.project_id = :project_id"
    " AND principle.id = label.principle_id"
    " WHERE label.project_id = :project_id AND CASE WHEN label.principle_id IS NULL"
    " THEN (given.principle_ids, given.weights) <> (asked.principle_ids, asked.weights)"
    " ELSE label.principle_id <> ALL (asked.principle_ids) END"
)
# OFFSET 0: one look into an index for each node, whatever the statistics.
_UNLABELLED: Final = text(
    "SELECT array_agg(node_id) AS node_ids, array_agg(content_digest) AS digests"
    " FROM sapwood.node_ref node WHERE project_id = :project_id AND NOT EXISTS ("
    "SELECT FROM sapwood.labelled_sample label WHERE label.project_id = :project_id"
    " AND label.content_digest = node.content_digest OFFSET 0)"
)
# Bounded, since PostgreSQL refuses a difference that overflows a float.
_SPREADS: Final = text(
    "SELECT array_agg(node_id) AS node_ids, array_agg(spread) AS spreads FROM ("
    " SELECT node_id, max(spread) AS spread FROM ("
    " SELECT score.node_id, least(max(score.score), 1e200) - greatest(min(score.score), -1e200)"
    " AS spread FROM sapwood.project"
    " JOIN sapwood.rubric_principle entry ON entry.project_id = :project_id"
    " AND entry.version = project.rubric_version"
    " JOIN sapwood.principle_score score ON score.project_id = :project_id"
    " AND score.principle_id = entry.principle_id AND score.score IS NOT NULL"
    " WHERE project.id = :project_id GROUP BY score.node_id, score.principle_id"
    " ) of_principle WHERE spread > 0 GROUP BY node_id) of_node"
)


class Unlabelled(NamedTuple):
    """What `LabeledSampleRepository.unlabelled` knows of the nodes nobody labelled.

    Attributes:
        digests: Of the contents, by node id.
        spreads: The largest spread between two judges' scores of one principle, where it is
            more than 0, by node id; of labelled nodes too.
    """

    digests: dict[str, bytes]
    spreads: dict[str, float]


class Compared(NamedTuple):
    """What is needed to compare judges with people.

    Attributes:
        stale: Keys of the principles of stale labels, one a label; `None` for the whole.
    """

    rubric: Rubric
    pairs: list[Pair]
    stale: list[str | None]


class LabeledSampleRepository:
    """The labelled samples of each project of a database. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, project_id: str, incarnation: str, drafts: Sequence[SampleDraft]) -> int:
        """Store samples, all or none; the last one of each (content, labeler, principle) stays.

        May be repeated. Waits for a flush that is under way; people who label at once take turns.

        Args:
            incarnation: The creation of the project that was opened.
            drafts: With their contents.

        Returns:
            How many labels these are.

        Raises:
            NotFoundError: There is no such project, or it is another creation; an unknown
                principle, rubric version or node.
            ConflictError: A content is not its node's, or an id is that of another label.

        Cost: six statements; one more for each further 1,000 labels.
        """
        last = last_of_each(drafts)
        async with self._database.transaction() as connection:
            project = await lock_open(connection, project_id, incarnation)
            await check_samples(connection, project_id, drafts)
            for at in range(0, len(last), MOST_ROWS):
                part = last[at : at + MOST_ROWS]
                await upsert_samples(connection, project_id, part, project.rubric_version)
        return len(last)

    async def all(
        self, project_id: str, *, labeler: str | None = None, principle_id: str | None = None
    ) -> list[LabeledSample]:
        """Return the samples, by creation and then id. Cost: one statement."""
        row = LabelledSampleRow
        conditions = [] if labeler is None else [row.labeler == labeler]
        if principle_id is not None:
            conditions.append(row.principle_id == principle_id)
        async with self._database.single_read() as connection:
            return await read_samples(connection, project_id, *conditions)

    async def stale(self, project_id: str, rubric: int | Rubric | None) -> list[LabeledSample]:
        """Return the samples that a rubric version made stale, by creation and then id.

        Cost: three statements.

        Raises:
            NotFoundError: There is no such version.
        """
        async with self._database.transaction(read_only_snapshot=True) as connection:
            asked = await _rubric(connection, project_id, rubric)
            stale = await _stale(connection, project_id, asked.version)
            wanted = LabelledSampleRow.id == func.any(list(stale))
            return await read_samples(connection, project_id, wanted) if stale else []

    async def unlabelled(self, project_id: str) -> Unlabelled:
        """Return the nodes whose contents have no label, and where judges disagree.

        Cost: two statements; grows with the nodes and the scores of the project.
        """
        values = {"project_id": project_id}
        async with self._database.transaction(read_only_snapshot=True) as connection:
            nodes = (await connection.execute(_UNLABELLED, values)).one()
            spreads = (await connection.execute(_SPREADS, values)).one()
        return Unlabelled(
            dict(zip(nodes.node_ids or (), map(bytes, nodes.digests or ()), strict=True)),
            dict(zip(spreads.node_ids or (), spreads.spreads or (), strict=True)),
        )

    async def compared(
        self, project_id: str, rubric: int | Rubric | None, judge: str | None
    ) -> Compared:
        """Return the labels of a rubric version with the judges' scores of the same contents.

        Cost: three statements; see `read_pairs`.

        Raises:
            NotFoundError: There is no such version.
        """
        async with self._database.transaction(read_only_snapshot=True) as connection:
            asked = await _rubric(connection, project_id, rubric)
            pairs = await read_pairs(connection, project_id, asked.version or 0, judge)
            stale = await _stale(connection, project_id, asked.version)
        return Compared(asked, pairs, list(stale.values()))


async def _rubric(
    connection: AsyncConnection, project_id: str, rubric: int | Rubric | None
) -> Rubric:
    version = rubric.version if isinstance(rubric, Rubric) else rubric
    if version is None:
        found = await read_current(connection, project_id)
    else:
        (found,) = await require_versions(connection, project_id, version)
    if found is None:
        raise no_rubric(project_id)
    if isinstance(rubric, Rubric) and rubric.principles != found.principles:
        raise foreign_rubric("labels", rubric, project_id)
    return found


async def _stale(
    connection: AsyncConnection, project_id: str, version: int | None
) -> dict[str, str | None]:
    """Return the principle's key of each stale label, by id; `None` for one of the whole."""
    values = {"project_id": project_id, "version": version}
    return {id_: key for id_, key in await connection.execute(_STALE, values)}  # noqa: C416
