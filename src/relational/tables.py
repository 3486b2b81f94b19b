"""The tables of schema `sapwood`: every key begins with `project_id`, every reference carries it.

Rows are written by set-based statements in the repositories; the classes here say what the tables
look like, give typed columns to reads, and are held against the migrations by a test.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .judging_tables import (
    LabelledSampleRow,
    PrincipleRow,
    PrincipleScoreRow,
    RubricPrincipleRow,
    RubricRow,
)
from .table_base import SCHEMA, Base, Exact, Long, Moment, Name, Real, in_project, to

__all__ = [
    "SCHEMA",
    "Base",
    "BranchStatsMarkRow",
    "BranchStatsRow",
    "JournalRow",
    "LabelledSampleRow",
    "NodeRef",
    "OrchestratorStateRow",
    "PrincipleRow",
    "PrincipleScoreRow",
    "ProjectRow",
    "QuarantineRow",
    "RubricPrincipleRow",
    "RubricRow",
]


class ProjectRow(Base):
    """One project: its settings, and the row whose lock orders everything written to it.

    Every flush updates this row, without touching an indexed column; room is left in each page so
    that these updates stay in it.
    """

    __tablename__ = "project"
    __table_args__ = (
        PrimaryKeyConstraint("id"),
        ForeignKeyConstraint(
            ["id", "rubric_version"],
            [f"{SCHEMA}.rubric.project_id", f"{SCHEMA}.rubric.version"],
            use_alter=True,
        ),
        CheckConstraint("octet_length(id) BETWEEN 1 AND 64", name="id_length"),
        CheckConstraint("state IN ('open', 'stalled', 'deleting')", name="state"),
        CheckConstraint("epoch >= 0 AND head_seq >= 0", name="counters"),
        CheckConstraint("(head_seq = 0) = (chain = '')", name="chain"),
        CheckConstraint("(state = 'stalled') = (stalled_cause IS NOT NULL)", name="stalled"),
        {"postgresql_with": {"fillfactor": "20", "autovacuum_vacuum_scale_factor": "0"}},
    )

    id: Mapped[Name]
    title: Mapped[str] = mapped_column(Text, server_default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    epoch: Mapped[Long] = mapped_column(server_default="0")
    owner: Mapped[Name] = mapped_column(server_default="")
    head_seq: Mapped[Long] = mapped_column(server_default="0")
    chain: Mapped[Name] = mapped_column(server_default="")
    incarnation: Mapped[Name]
    rubric_version: Mapped[int | None]
    judge: Mapped[Name | None]
    state: Mapped[Name] = mapped_column(server_default="open")
    stalled_cause: Mapped[str | None] = mapped_column(Text)
    stalled_seq: Mapped[Long | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    rubrics: Mapped[list[RubricRow]] = relationship(
        viewonly=True,
        primaryjoin="ProjectRow.id == foreign(RubricRow.project_id)",
        order_by="RubricRow.version",
    )
    rubric: Mapped[RubricRow | None] = relationship(
        viewonly=True,
        primaryjoin="and_(ProjectRow.id == foreign(RubricRow.project_id),"
        " ProjectRow.rubric_version == foreign(RubricRow.version))",
        uselist=False,
    )
    journal: Mapped[list[JournalRow]] = relationship(viewonly=True, order_by="JournalRow.seq")


class NodeRef(Base):
    """The register: which node ids exist, how deep they are, and what they mean.

    `left_out` is true of a node that is in quarantine, and null of any other, which takes no room.

    It has no reference to the project: a flush registers nodes only under the lock on that very
    row, and checking it again for each node would take half of the insert's time.
    """

    __tablename__ = "node_ref"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "node_id"),
        CheckConstraint("octet_length(node_id) BETWEEN 1 AND 64", name="id_length"),
        CheckConstraint("octet_length(digest) = 16", name="digest_length"),
        CheckConstraint("octet_length(content_digest) = 16", name="content_digest_length"),
        CheckConstraint("depth >= 0", name="depth"),
        # True of each row; only statements that repeat it use this index, so that no plan takes it
        # for a look-up by id, which seems as good where few rows are expected.
        Index(
            None,
            "project_id",
            "content_digest",
            postgresql_where=text("octet_length(content_digest) = 16"),
        ),
    )

    project_id: Mapped[Name]
    node_id: Mapped[Name]
    depth: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    left_out: Mapped[bool | None]

    scores: Mapped[list[PrincipleScoreRow]] = relationship(viewonly=True)
    samples: Mapped[list[LabelledSampleRow]] = relationship(viewonly=True)


class BranchStatsRow(Base):
    """What the subtree under a node comes to, and the node's own values that count in it.

    It follows the journal up to `BranchStatsMarkRow.seq`, whatever the graph does.
    """

    __tablename__ = "branch_stats"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "node_id"),
        to("node_ref", node_id="node_id"),
        # Partial, so that no plan looks up a `node_id` by it, as one for an empty table did.
        Index(None, "project_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    project_id: Mapped[Name]
    node_id: Mapped[Name]
    parent_id: Mapped[Name | None]
    depth: Mapped[int]
    status: Mapped[Name]
    score: Mapped[Real | None]
    rubric_score: Mapped[Real | None]
    nodes: Mapped[Long]
    alive: Mapped[Long]
    leaves: Mapped[Long]
    max_depth: Mapped[int]
    scored: Mapped[Long]
    total: Mapped[Exact]
    best: Mapped[Real | None]
    best_node_id: Mapped[Name | None]
    rubric_scored: Mapped[Long]
    rubric_total: Mapped[Exact]
    rubric_best: Mapped[Real | None]
    rubric_best_node_id: Mapped[Name | None]
    as_of_seq: Mapped[Long]


class BranchStatsMarkRow(Base):
    """Up to which journal position the stats of a project's branches go.

    It is no column of `project`: who brings them on holds its lock for long, and flushes must not
    wait for that.
    """

    __tablename__ = "branch_stats_mark"
    __table_args__ = (PrimaryKeyConstraint("project_id"), in_project())

    project_id: Mapped[Name]
    seq: Mapped[Long]


class JournalRow(Base):
    """One committed batch: its place in the chain, the graph's half of it, and its receipt.

    `chain` is a digest of all batch ids from the first position to this one.
    `rows` and the payload's length bound a read before anything is transferred. The payload is
    compressed already, so the migration stores it `EXTERNAL`. `epoch` says which writer it was.
    """

    __tablename__ = "journal"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "seq"),
        UniqueConstraint("project_id", "batch_id"),
        in_project(),
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("octet_length(chain) = 32", name="chain_length"),
    )

    project_id: Mapped[Name]
    seq: Mapped[Long]
    batch_id: Mapped[Name]
    chain: Mapped[Name]
    incarnation: Mapped[Name]
    epoch: Mapped[Long]
    format: Mapped[int]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    crc: Mapped[Long]
    receipt: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rows: Mapped[int]
    created_at: Mapped[Moment]


class QuarantineRow(Base):
    """What is left out of the graph by somebody's word: a node, or what one entry says of it.

    `digest` is that of all rows up to this one, by position and node id.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "seq", "node_id"),
        to("journal", seq="seq"),
        to("node_ref", node_id="node_id"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    )

    project_id: Mapped[Name]
    seq: Mapped[Long]
    node_id: Mapped[Name]
    whole: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    cause: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[Name]
    created_at: Mapped[Moment]


class OrchestratorStateRow(Base):
    """The orchestrator's own state, as of one journal position."""

    __tablename__ = "orchestrator_state"
    __table_args__ = (PrimaryKeyConstraint("project_id"), in_project())

    project_id: Mapped[Name]
    seq: Mapped[Long]
    state: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[Moment]
