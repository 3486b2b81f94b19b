"""keep branch stats

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

SCHEMA = "sapwood"


def upgrade() -> None:
    """Go to this revision; what the table holds can be derived again, and nothing wrote it."""
    op.drop_table("branch_stats", schema=SCHEMA)
    _create_branch_stats()
    op.create_table(
        "branch_stats_mark",
        _name("project_id"),
        _long("seq"),
        sa.ForeignKeyConstraint(
            ["project_id"], [f"{SCHEMA}.project.id"], name=op.f("fk_branch_stats_mark_project")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_branch_stats_mark")),
        schema=SCHEMA,
    )
    op.drop_column("project", "stats_seq", schema=SCHEMA)


def downgrade() -> None:
    """Go back to the one before it."""
    op.add_column(
        "project",
        sa.Column("stats_seq", sa.BigInteger(), server_default="0", nullable=False),
        schema=SCHEMA,
    )
    op.drop_table("branch_stats_mark", schema=SCHEMA)
    op.drop_table("branch_stats", schema=SCHEMA)
    _create_old_branch_stats()


def _create_branch_stats() -> None:
    op.create_table(
        "branch_stats",
        _name("project_id"),
        _name("node_id"),
        _name("parent_id", nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        _name("status"),
        _real("score"),
        _real("rubric_score"),
        _long("nodes"),
        _long("alive"),
        _long("leaves"),
        sa.Column("max_depth", sa.Integer(), nullable=False),
        _long("scored"),
        sa.Column("total", sa.Numeric(), nullable=False),
        _real("best"),
        _name("best_node_id", nullable=True),
        _long("rubric_scored"),
        sa.Column("rubric_total", sa.Numeric(), nullable=False),
        _real("rubric_best"),
        _name("rubric_best_node_id", nullable=True),
        _long("as_of_seq"),
        _in_register(),
        sa.PrimaryKeyConstraint("project_id", "node_id", name=op.f("pk_branch_stats")),
        schema=SCHEMA,
        # An update that finds room in its page and moves no indexed value costs no index anything.
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        op.f("ix_branch_stats_project_id_parent_id"),
        "branch_stats",
        ["project_id", "parent_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )


def _create_old_branch_stats() -> None:
    op.create_table(
        "branch_stats",
        _name("project_id"),
        _name("node_id"),
        _long("nodes"),
        _long("alive"),
        _long("leaves"),
        sa.Column("max_depth", sa.Integer(), nullable=False),
        _long("scored"),
        _real("mean"),
        _real("best"),
        _name("best_node_id", nullable=True),
        _long("as_of_seq"),
        _in_register(),
        sa.PrimaryKeyConstraint("project_id", "node_id", name=op.f("pk_branch_stats")),
        schema=SCHEMA,
    )


def _name(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(collation="C"), nullable=nullable)


def _long(column: str) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), nullable=False)


def _real(column: str) -> sa.Column[float]:
    return sa.Column(column, sa.DOUBLE_PRECISION(), nullable=True)


def _in_register() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["project_id", "node_id"],
        [f"{SCHEMA}.node_ref.project_id", f"{SCHEMA}.node_ref.node_id"],
        name=op.f("fk_branch_stats_node_ref"),
    )
