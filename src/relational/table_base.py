"""What all tables of schema `sapwood` are made of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sqlalchemy import BigInteger, ForeignKeyConstraint, MetaData, Numeric, Text, func
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, mapped_column

SCHEMA = "sapwood"

# Bytes order ids and judges as Python does, and no library upgrade can reorder an index.
Name = Annotated[str, mapped_column(Text(collation="C"))]
Long = Annotated[int, mapped_column(BigInteger)]
Real = Annotated[float, mapped_column(DOUBLE_PRECISION)]
Exact = Annotated[Decimal, mapped_column(Numeric)]
Moment = Annotated[
    datetime, mapped_column(TIMESTAMP(timezone=True), server_default=func.now(), nullable=False)
]


class Base(DeclarativeBase):
    """Base of the tables: one schema, one convention for constraint names."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        },
    )


def in_project() -> ForeignKeyConstraint:
    """Return a reference from `project_id` to the project."""
    return ForeignKeyConstraint(["project_id"], [f"{SCHEMA}.project.id"])


def to(table: str, **columns: str) -> ForeignKeyConstraint:
    """Return a reference to a row of the same project.

    Args:
        table: Where that row is.
        **columns: By column here, the one there, besides the project's.
    """
    there = ["project_id", *columns.values()]
    return ForeignKeyConstraint(
        ["project_id", *columns], [f"{SCHEMA}.{table}.{column}" for column in there]
    )
