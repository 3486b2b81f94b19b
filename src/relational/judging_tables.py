"""The tables of what nodes are judged by, and how: rubrics, scores, and what people say."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .table_base import Base, Moment, Name, Real, in_project, to


class RubricRow(Base):
    """One immutable version of a project's rubric."""

    __tablename__ = "rubric"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "version"),
        in_project(),
        CheckConstraint("version >= 1", name="version"),
    )

    project_id: Mapped[Name]
    version: Mapped[int]
    created_at: Mapped[Moment]

    entries: Mapped[list[RubricPrincipleRow]] = relationship(
        viewonly=True, order_by="RubricPrincipleRow.position"
    )


class PrincipleRow(Base):
    """One immutable revision of a criterion; rubric versions share it while it is unchanged."""

    __tablename__ = "principle"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "id"),
        in_project(),
        CheckConstraint("octet_length(id) BETWEEN 1 AND 64", name="id_length"),
        CheckConstraint("octet_length(key) BETWEEN 1 AND 64", name="key_length"),
    )

    project_id: Mapped[Name]
    id: Mapped[Name]
    key: Mapped[Name]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]


class RubricPrincipleRow(Base):
    """A principle's place and weight in one version of a rubric."""

    __tablename__ = "rubric_principle"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "version", "position"),
        UniqueConstraint("project_id", "version", "principle_id"),
        to("rubric", version="version"),
        to("principle", principle_id="id"),
        CheckConstraint("weight = 0 OR weight BETWEEN 1e-9 AND 1e9", name="weight"),
    )

    project_id: Mapped[Name]
    version: Mapped[int]
    position: Mapped[int]
    principle_id: Mapped[Name]
    weight: Mapped[Real]

    principle: Mapped[PrincipleRow] = relationship(viewonly=True)


class LabelledSampleRow(Base):
    """What one person says of one content, by one principle or of the whole.

    The label is a number or a class, whichever its scale has; `scale` is in its short form.
    """

    __tablename__ = "labelled_sample"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "id"),
        UniqueConstraint(
            "project_id",
            "content_digest",
            "labeler",
            "principle_id",
            name="uq_labelled_sample_one_of_each",
            postgresql_nulls_not_distinct=True,
        ),
        in_project(),
        to("node_ref", node_id="node_id"),
        to("principle", principle_id="id"),
        to("rubric", rubric_version="version"),
        CheckConstraint("octet_length(id) BETWEEN 1 AND 64", name="id_length"),
        CheckConstraint("octet_length(content_digest) = 16", name="content_digest_length"),
        CheckConstraint("(label_number IS NULL) <> (label_class IS NULL)", name="one_label"),
        CheckConstraint("label_number > '-Infinity' AND label_number < 'Infinity'", name="finite"),
    )

    project_id: Mapped[Name]
    id: Mapped[Name]
    content: Mapped[str] = mapped_column(Text)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    node_id: Mapped[Name | None]
    labeler: Mapped[Name]
    principle_id: Mapped[Name | None]
    label_number: Mapped[Real | None]
    label_class: Mapped[str | None] = mapped_column(Text)
    scale: Mapped[str] = mapped_column(Text)
    rationale: Mapped[str | None] = mapped_column(Text)
    rubric_version: Mapped[int | None]
    created_at: Mapped[Moment]


class PrincipleScoreRow(Base):
    """A judge's number for a node under a principle, or the record of a failed try."""

    __tablename__ = "principle_score"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "node_id", "principle_id", "judge"),
        to("node_ref", node_id="node_id"),
        to("principle", principle_id="id"),
        CheckConstraint("(score IS NULL) = (failure IS NOT NULL)", name="score_or_failure"),
        CheckConstraint("score > '-Infinity' AND score < 'Infinity'", name="finite"),
        CheckConstraint("octet_length(judge) BETWEEN 1 AND 256", name="judge_length"),
    )

    project_id: Mapped[Name]
    node_id: Mapped[Name]
    principle_id: Mapped[Name]
    judge: Mapped[Name]
    score: Mapped[Real | None]
    failure: Mapped[str | None] = mapped_column(Text)
    rationale: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[Moment]

    principle: Mapped[PrincipleRow] = relationship(viewonly=True)
