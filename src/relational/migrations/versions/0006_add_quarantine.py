"""add quarantine

What is left out of the graph by somebody's word. The register says of a node that it is, so that a
flush which names it needs no look-up more; a column that is null takes no room.

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

SCHEMA = "sapwood"


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "quarantine",
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("node_id", sa.Text(collation="C"), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_quarantine_digest_length")),
        sa.ForeignKeyConstraint(
            ["project_id", "seq"],
            [f"{SCHEMA}.journal.project_id", f"{SCHEMA}.journal.seq"],
            name=op.f("fk_quarantine_journal"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "node_id"],
            [f"{SCHEMA}.node_ref.project_id", f"{SCHEMA}.node_ref.node_id"],
            name=op.f("fk_quarantine_node_ref"),
        ),
        sa.PrimaryKeyConstraint("project_id", "seq", "node_id", name=op.f("pk_quarantine")),
        schema=SCHEMA,
    )
    op.add_column("node_ref", sa.Column("left_out", sa.Boolean(), nullable=True), schema=SCHEMA)


def downgrade() -> None:
    """Go back to the one before it; it applies what was in quarantine at the next rebuild."""
    op.drop_column("node_ref", "left_out", schema=SCHEMA)
    op.drop_table("quarantine", schema=SCHEMA)
