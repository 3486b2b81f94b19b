"""create tables

Revision: 0001, the first
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

SCHEMA = "sapwood"


def upgrade() -> None:
    """Go to this revision."""
    _create_project()
    _create_journal()
    _create_node_ref()
    _create_orchestrator_state()
    _create_principle()
    _create_rubric()
    _create_rubric_principle()
    _create_principle_score()
    _create_labelled_sample()
    _create_branch_stats()


def downgrade() -> None:
    """Go back to the one before it."""
    op.drop_constraint("fk_project_rubric", "project", schema=SCHEMA)
    for table in (
        "branch_stats",
        "labelled_sample",
        "principle_score",
        "rubric_principle",
        "rubric",
        "principle",
        "orchestrator_state",
        "node_ref",
        "journal",
        "project",
    ):
        op.drop_table(table, schema=SCHEMA)


def _create_project() -> None:
    op.create_table(
        "project",
        _name("id"),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        _long("epoch", server_default="0"),
        _name("owner", server_default=""),
        _long("head_seq", server_default="0"),
        _name("chain", server_default=""),
        _name("incarnation"),
        sa.Column("rubric_version", sa.Integer(), nullable=True),
        _name("judge", nullable=True),
        _name("state", server_default="open"),
        sa.Column("stalled_cause", sa.Text(), nullable=True),
        sa.Column("stalled_seq", sa.BigInteger(), nullable=True),
        _long("stats_seq", server_default="0"),
        _moment("created_at"),
        _moment("updated_at"),
        _check("project", "id_length", "octet_length(id) BETWEEN 1 AND 64"),
        _check("project", "state", "state IN ('open', 'stalled', 'deleting')"),
        _check("project", "counters", "epoch >= 0 AND head_seq >= 0"),
        _check("project", "chain", "(head_seq = 0) = (chain = '')"),
        _check("project", "stalled", "(state = 'stalled') = (stalled_cause IS NOT NULL)"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        schema=SCHEMA,
        postgresql_with={"fillfactor": "20", "autovacuum_vacuum_scale_factor": "0"},
    )


def _create_journal() -> None:
    op.create_table(
        "journal",
        _name("project_id"),
        _long("seq"),
        _name("batch_id"),
        _name("chain"),
        _name("incarnation"),
        _long("epoch"),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        _long("crc"),
        sa.Column("receipt", postgresql.JSONB(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        _moment("created_at"),
        _check("journal", "seq", "seq >= 1"),
        _check("journal", "chain_length", "octet_length(chain) = 32"),
        _in_project("journal"),
        sa.PrimaryKeyConstraint("project_id", "seq", name=op.f("pk_journal")),
        sa.UniqueConstraint("project_id", "batch_id", name=op.f("uq_journal_project_id_batch_id")),
        schema=SCHEMA,
    )
    # Compressed already: PostgreSQL need not try again at each insert.
    op.execute("ALTER TABLE sapwood.journal ALTER COLUMN payload SET STORAGE EXTERNAL")


def _create_node_ref() -> None:
    op.create_table(
        "node_ref",
        _name("project_id"),
        _name("node_id"),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _check("node_ref", "id_length", "octet_length(node_id) BETWEEN 1 AND 64"),
        _check("node_ref", "digest_length", "octet_length(digest) = 16"),
        _check("node_ref", "depth", "depth >= 0"),
        sa.PrimaryKeyConstraint("project_id", "node_id", name=op.f("pk_node_ref")),
        schema=SCHEMA,
    )


def _create_orchestrator_state() -> None:
    op.create_table(
        "orchestrator_state",
        _name("project_id"),
        _long("seq"),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        _moment("updated_at"),
        _in_project("orchestrator_state"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_orchestrator_state")),
        schema=SCHEMA,
    )


def _create_principle() -> None:
    op.create_table(
        "principle",
        _name("project_id"),
        _name("id"),
        _name("key"),
        sa.Column("text", sa.Text(), nullable=False),
        _moment("created_at"),
        _check("principle", "id_length", "octet_length(id) BETWEEN 1 AND 64"),
        _check("principle", "key_length", "octet_length(key) BETWEEN 1 AND 64"),
        _in_project("principle"),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_principle")),
        schema=SCHEMA,
    )


def _create_rubric() -> None:
    op.create_table(
        "rubric",
        _name("project_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("created_at"),
        _check("rubric", "version", "version >= 1"),
        _in_project("rubric"),
        sa.PrimaryKeyConstraint("project_id", "version", name=op.f("pk_rubric")),
        schema=SCHEMA,
    )
    op.create_foreign_key(
        op.f("fk_project_rubric"),
        "project",
        "rubric",
        ["id", "rubric_version"],
        ["project_id", "version"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )


def _create_rubric_principle() -> None:
    op.create_table(
        "rubric_principle",
        _name("project_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _name("principle_id"),
        sa.Column("weight", sa.DOUBLE_PRECISION(), nullable=False),
        _check("rubric_principle", "weight", "weight = 0 OR weight BETWEEN 1e-9 AND 1e9"),
        _reference("rubric_principle", "rubric", version="version"),
        _reference("rubric_principle", "principle", principle_id="id"),
        sa.PrimaryKeyConstraint(
            "project_id", "version", "position", name=op.f("pk_rubric_principle")
        ),
        sa.UniqueConstraint(
            "project_id",
            "version",
            "principle_id",
            name=op.f("uq_rubric_principle_project_id_version_principle_id"),
        ),
        schema=SCHEMA,
    )


def _create_principle_score() -> None:
    op.create_table(
        "principle_score",
        _name("project_id"),
        _name("node_id"),
        _name("principle_id"),
        _name("judge"),
        sa.Column("score", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=True),
        _moment("updated_at"),
        _check("principle_score", "score_or_failure", "(score IS NULL) = (failure IS NOT NULL)"),
        _check("principle_score", "finite", "score > '-Infinity' AND score < 'Infinity'"),
        _check("principle_score", "judge_length", "octet_length(judge) BETWEEN 1 AND 256"),
        _reference("principle_score", "node_ref", node_id="node_id"),
        _reference("principle_score", "principle", principle_id="id"),
        sa.PrimaryKeyConstraint(
            "project_id", "node_id", "principle_id", "judge", name=op.f("pk_principle_score")
        ),
        schema=SCHEMA,
    )


def _create_labelled_sample() -> None:
    op.create_table(
        "labelled_sample",
        _name("project_id"),
        _name("id"),
        sa.Column("content", sa.Text(), nullable=False),
        _name("node_id", nullable=True),
        sa.Column("labeler", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column("rubric_version", sa.Integer(), nullable=True),
        _moment("created_at"),
        _check("labelled_sample", "id_length", "octet_length(id) BETWEEN 1 AND 64"),
        _in_project("labelled_sample"),
        _reference("labelled_sample", "node_ref", node_id="node_id"),
        _reference("labelled_sample", "rubric", rubric_version="version"),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_labelled_sample")),
        schema=SCHEMA,
    )


def _create_branch_stats() -> None:
    op.create_table(
        "branch_stats",
        _name("project_id"),
        _name("node_id"),
        _long("nodes"),
        _long("alive"),
        _long("leaves"),
        sa.Column("max_depth", sa.Integer(), nullable=False),
        _long("scored"),
        sa.Column("mean", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("best", sa.DOUBLE_PRECISION(), nullable=True),
        _name("best_node_id", nullable=True),
        _long("as_of_seq"),
        _reference("branch_stats", "node_ref", node_id="node_id"),
        sa.PrimaryKeyConstraint("project_id", "node_id", name=op.f("pk_branch_stats")),
        schema=SCHEMA,
    )


def _name(
    column: str, *, nullable: bool = False, server_default: str | None = None
) -> sa.Column[str]:
    kind = sa.Text(collation="C")
    return sa.Column(column, kind, nullable=nullable, server_default=server_default)


def _long(column: str, *, server_default: str | None = None) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), nullable=False, server_default=server_default)


def _moment(column: str) -> sa.Column[object]:
    kind = postgresql.TIMESTAMP(timezone=True)
    return sa.Column(column, kind, nullable=False, server_default=sa.func.now())


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _in_project(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_project")
    return sa.ForeignKeyConstraint(["project_id"], [f"{SCHEMA}.project.id"], name=name)


def _reference(table: str, target: str, **column: str) -> sa.ForeignKeyConstraint:
    """Return a reference within the project: `column` is here=there."""
    return sa.ForeignKeyConstraint(
        ["project_id", *column],
        [f"{SCHEMA}.{target}.project_id", *(f"{SCHEMA}.{target}.{c}" for c in column.values())],
        name=op.f(f"fk_{table}_{target}"),
    )
