"""Hash partitions by project, of the tables that grow with the nodes: chosen as these are made.

Every key of theirs begins with the project, so a project's rows are all in partitions of one
number, and a statement that names the project goes to those alone.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from alembic import op
from sqlalchemy import Table, event, text

from ..errors import SchemaError, SettingsError
from .tables import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection

GROWING: Final = frozenset(
    {"branch_stats", "journal", "labelled_sample", "node_ref", "principle_score"}
)
"""The tables that have partitions; a project has few rows in any other."""
MOST: Final = 256
"""Each partition is a table with indexes of its own; plans grow with their number."""

_PARTS: Final = {
    "table": re.compile(rf"(?:{'|'.join(sorted(GROWING))})_p\d+"),
    "foreign_key_constraint": re.compile(r"fk_\w+_\d+"),
}
_COUNT: Final = text(
    "SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('sapwood.node_ref')"
)


def count(connection: Connection) -> int:
    """Return how many partitions the tables have; 0 if none, or if there are no tables."""
    return int(connection.scalar(_COUNT) or 0)


def require_number(partitions: int | None) -> None:
    """Refuse what cannot be a number of partitions.

    Raises:
        SettingsError: It is not from 2 to 256.
    """
    if partitions is not None and not 2 <= partitions <= MOST:
        raise SettingsError(f"partitions: {partitions!r} is not from 2 to {MOST}")


def require_same(found: int, wanted: int | None) -> None:
    """Refuse to divide tables that are there already in another way.

    Raises:
        SchemaError: `found` is another number than was asked for.
    """
    if wanted not in (None, found):
        raise SchemaError(
            f"the tables in schema {SCHEMA} have {found or 'no'} partitions, and not {wanted}. "
            "Their number is chosen once, when the tables are made: make them in a new database, "
            "and restore the data of a dump into that."
        )


def is_part(kind: str, name: str) -> bool:
    """Return whether what has this name is a partition, or PostgreSQL's own reference to one."""
    return kind in _PARTS and _PARTS[kind].fullmatch(name) is not None


@contextmanager
def divided(partitions: int) -> Generator[None]:
    """Give the tables that migrations make inside this many partitions, if they grow; 0 for none.

    A migration need not know of it. One at a time: what listens is the process's own.
    """
    settings: dict[str, Any] = {}

    def before(table: Table, _connection: object, **_: object) -> None:
        if partitions and table.schema == SCHEMA and table.name in GROWING:
            options = table.dialect_options["postgresql"]
            options["partition_by"] = "HASH (project_id)"
            # A table without rows of its own takes no settings of how these are stored.
            settings[table.name], options["with"] = options["with"] or {}, None

    def after(table: Table, _connection: object, **_: object) -> None:
        for number in range(partitions if table.name in settings else 0):
            op.execute(_statement(table.name, partitions, number, settings[table.name]))

    event.listen(Table, "before_create", before)
    event.listen(Table, "after_create", after)
    try:
        yield
    finally:
        event.remove(Table, "before_create", before)
        event.remove(Table, "after_create", after)


def _statement(table: str, partitions: int, number: int, settings: dict[str, str]) -> str:
    stored = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return (
        f"CREATE TABLE {SCHEMA}.{table}_p{number} PARTITION OF {SCHEMA}.{table}"
        f" FOR VALUES WITH (MODULUS {partitions}, REMAINDER {number})"
    ) + (f" WITH ({stored})" if stored else "")
