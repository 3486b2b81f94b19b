"""say what a label is of, and what it may be

Revision: 0004, after 0003

Labels that are there already were texts: each becomes a class, on a scale of that one class, which
is worth 0. Such a scale offers no choice, so these labels are kept and shown and compared with no
judge. Of several that one labeler gave one content, the newest stays. On the way back, the number
of a label becomes its text, and the principle and the scale are forgotten.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

SCHEMA: Final = "sapwood"
TABLE: Final = "labelled_sample"

# In a class's name, what separates classes in the text of a scale stands behind a backslash.
_FILL: Final = r"""
UPDATE sapwood.labelled_sample SET
    content_digest = substring(sha256(convert_to(content, 'UTF8')), 1, 16),
    scale = regexp_replace(label_class, '([\\|=])', '\\\1', 'g') || '=0'
"""
# A name that is too long for the key must not keep a whole database from this release.
_SHORTEN: Final = """
UPDATE sapwood.labelled_sample SET labeler = left(labeler, 40) || ' ' || md5(labeler)
WHERE octet_length(labeler) > 256
"""
_KEEP_NEWEST: Final = """
DELETE FROM sapwood.labelled_sample sample USING (
    SELECT project_id, id, row_number() OVER (
        PARTITION BY project_id, content_digest, labeler ORDER BY created_at DESC, id DESC
    ) AS place FROM sapwood.labelled_sample
) ranked
WHERE sample.project_id = ranked.project_id AND sample.id = ranked.id AND ranked.place > 1
"""


def upgrade() -> None:
    """Go to this revision."""
    op.alter_column(TABLE, "label", new_column_name="label_class", nullable=True, schema=SCHEMA)
    op.alter_column(TABLE, "labeler", type_=sa.Text(collation="C"), schema=SCHEMA)
    _add("content_digest", sa.LargeBinary())
    _add("principle_id", sa.Text(collation="C"))
    _add("label_number", sa.DOUBLE_PRECISION())
    _add("scale", sa.Text())
    op.execute(_FILL)
    op.execute(_SHORTEN)
    op.execute(_KEEP_NEWEST)
    for column in ("content_digest", "scale"):
        op.alter_column(TABLE, column, nullable=False, schema=SCHEMA)
    _check("content_digest_length", "octet_length(content_digest) = 16")
    _check("one_label", "(label_number IS NULL) <> (label_class IS NULL)")
    _check("finite", "label_number > '-Infinity' AND label_number < 'Infinity'")
    op.create_foreign_key(
        op.f("fk_labelled_sample_principle"),
        TABLE,
        "principle",
        ["project_id", "principle_id"],
        ["project_id", "id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )
    op.create_unique_constraint(
        op.f("uq_labelled_sample_one_of_each"),
        TABLE,
        ["project_id", "content_digest", "labeler", "principle_id"],
        schema=SCHEMA,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    """Go back to the one before it."""
    op.drop_constraint(op.f(f"ck_{TABLE}_one_label"), TABLE, schema=SCHEMA)
    op.execute(
        "UPDATE sapwood.labelled_sample SET label_class = label_number::text"
        " WHERE label_class IS NULL"
    )
    for column in ("scale", "label_number", "principle_id", "content_digest"):
        op.drop_column(TABLE, column, schema=SCHEMA)
    op.alter_column(TABLE, "labeler", type_=sa.Text(collation="default"), schema=SCHEMA)
    op.alter_column(TABLE, "label_class", new_column_name="label", nullable=False, schema=SCHEMA)


def _add(column: str, kind: sa.types.TypeEngine[Any]) -> None:
    op.add_column(TABLE, sa.Column(column, kind, nullable=True), schema=SCHEMA)


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, condition, schema=SCHEMA)
