"""Labelled samples as rows: what a call may store, how it is stored, and how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from ..errors import NotFoundError
from ..sample_drafts import check_node_content, check_same_key
from ..samples import LabeledSample
from ..scales import parse_scale
from .driver import driver
from .tables import LabelledSampleRow, NodeRef, PrincipleRow, RubricRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..sample_drafts import SampleDraft
    from ..scales import ClassScale, NumberScale

# All of a row is replaced, its id too. Whoever stores holds the project's lock.
_UPSERT: Final = (
    "INSERT INTO sapwood.labelled_sample"
    " (project_id, id, content, content_digest, node_id, labeler, principle_id,"
    " label_number, label_class, scale, rationale, rubric_version, created_at)"
    " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[],"
    " $7::text[], $8::float8[], $9::text[], $10::text[], $11::text[], $12::int[],"
    " $13::timestamptz[])"
    " ON CONFLICT (project_id, content_digest, labeler, principle_id) DO UPDATE"
    " SET id = excluded.id, content = excluded.content, node_id = excluded.node_id,"
    " label_number = excluded.label_number, label_class = excluded.label_class,"
    " scale = excluded.scale, rationale = excluded.rationale,"
    " rubric_version = excluded.rubric_version, created_at = excluded.created_at"
)
SAMPLES: Final = select(
    LabelledSampleRow.id,
    LabelledSampleRow.content,
    LabelledSampleRow.node_id,
    LabelledSampleRow.labeler,
    LabelledSampleRow.principle_id,
    LabelledSampleRow.label_number,
    LabelledSampleRow.label_class,
    LabelledSampleRow.scale,
    LabelledSampleRow.rationale,
    LabelledSampleRow.rubric_version,
    LabelledSampleRow.created_at,
).order_by(LabelledSampleRow.created_at, LabelledSampleRow.id)


async def read_samples(
    connection: AsyncConnection, project_id: str, *conditions: ColumnElement[bool]
) -> list[LabeledSample]:
    """Return the samples that fulfil all conditions, by creation and id. Cost: one statement."""
    statement = SAMPLES.where(LabelledSampleRow.project_id == project_id, *conditions)
    scales: dict[str, NumberScale | ClassScale] = {}
    found: list[LabeledSample] = []
    for row in await connection.execute(statement):
        if row.scale not in scales:
            scales[row.scale] = parse_scale(row.scale)
        found.append(_sample(row, scales[row.scale]))
    return found


def _sample(row: Any, scale: NumberScale | ClassScale) -> LabeledSample:
    return LabeledSample(
        id=row.id,
        content=row.content,
        node_id=row.node_id,
        labeler=row.labeler,
        principle_id=row.principle_id,
        label=row.label_class if row.label_number is None else row.label_number,
        scale=scale,
        rationale=row.rationale,
        rubric_version=row.rubric_version,
        created_at=row.created_at,
    )


async def check_samples(
    connection: AsyncConnection, project_id: str, drafts: Sequence[SampleDraft]
) -> None:
    """Refuse drafts that name what the project has not. Cost: four statements.

    Raises:
        NotFoundError: An unknown principle, rubric version or node.
        ConflictError: A content that is not its node's, or an id that stands for another label.
    """
    samples = [draft.sample for draft in drafts]
    row = PrincipleRow
    known = await _column(connection, project_id, row, row.id, (s.principle_id for s in samples))
    _require(drafts, "principle_id", known, "principle")
    version = RubricRow.version
    known = await _column(
        connection, project_id, RubricRow, version, (s.rubric_version for s in samples)
    )
    _require(drafts, "rubric_version", known, "rubric version")
    digests = await _digests(connection, project_id, {s.node_id for s in samples})
    _require(drafts, "node_id", digests, "node")
    keys = await _keys(connection, project_id, [s.id for s in samples])
    for draft in drafts:
        check_node_content(draft, digests)
        check_same_key(draft, keys.get(draft.sample.id, draft.key))


def _require(drafts: Iterable[SampleDraft], field: str, known: Iterable[Any], what: str) -> None:
    there = {None, *known}
    for draft in drafts:
        value = getattr(draft.sample, field)
        if value not in there:
            raise NotFoundError(f"{draft.name}: this project has no {what} {value}")


async def _column(
    connection: AsyncConnection, project_id: str, table: Any, column: Any, wanted: Iterable[Any]
) -> set[Any]:
    values = sorted({value for value in wanted if value is not None})
    statement = select(column).where(table.project_id == project_id, column == func.any(values))
    return set((await connection.scalars(statement)).all())


async def _digests(
    connection: AsyncConnection, project_id: str, wanted: set[str | None]
) -> dict[str, bytes]:
    node_ids = sorted(each for each in wanted if each is not None)
    statement = select(NodeRef.node_id, NodeRef.content_digest).where(
        NodeRef.project_id == project_id, NodeRef.node_id == func.any(node_ids)
    )
    found = await connection.execute(statement)
    return {node_id: bytes(digest) for node_id, digest in found}


async def _keys(
    connection: AsyncConnection, project_id: str, ids: list[str]
) -> dict[str, tuple[bytes | None, str, str | None]]:
    row = LabelledSampleRow
    statement = select(row.id, row.content_digest, row.labeler, row.principle_id).where(
        row.project_id == project_id, row.id == func.any(ids)
    )
    found = await connection.execute(statement)
    return {id_: (bytes(digest), labeler, by) for id_, digest, labeler, by in found}


async def upsert_samples(
    connection: AsyncConnection,
    project_id: str,
    drafts: Sequence[SampleDraft],
    current_version: int | None,
) -> None:
    """Store drafts that are unique by key. Cost: one statement."""
    samples = [draft.sample for draft in drafts]
    await (await driver(connection)).execute(
        _UPSERT,
        project_id,
        [sample.id for sample in samples],
        [sample.content for sample in samples],
        [draft.digest for draft in drafts],
        [sample.node_id for sample in samples],
        [sample.labeler for sample in samples],
        [sample.principle_id for sample in samples],
        [None if isinstance(sample.label, str) else sample.label for sample in samples],
        [sample.label if isinstance(sample.label, str) else None for sample in samples],
        [draft.scale for draft in drafts],
        [sample.rationale for sample in samples],
        [sample.rubric_version or current_version for sample in samples],
        [sample.created_at for sample in samples],
    )
