"""digest contents, so that equal ones are found

Revision: 0002, after 0001

The digests of nodes that are there already are made from the journal, which holds their contents.
A node that no readable entry made, and any node if the upgrade is run as SQL text, gets its other
digest instead: that is no content's, so such a node is not found by its content; all else works.

Two indexes of the register begin with the project. Where PostgreSQL expects no row of a project, in
a table that was emptied or analysed with another project in it, either index seems as good to find
a node by its id, and the one by content goes through all nodes of the project for each id. So that
one is partial: only a statement that repeats its condition, which holds for each row, can use it.
And the project has no statistics, so that nobody is expected to have no nodes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from sapwood.errors import JournalError
from sapwood.journal import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

SCHEMA: Final = "sapwood"
ENTRIES: Final = 200
"""Journal entries that are held in memory at once."""

_PROJECTS: Final = sa.text("SELECT id FROM sapwood.project ORDER BY id")
_ENTRIES: Final = sa.text(
    "SELECT seq, format, payload, crc FROM sapwood.journal"
    " WHERE project_id = :project_id AND seq > :after ORDER BY seq LIMIT :most"
)
_FILL: Final = sa.text(
    "UPDATE sapwood.node_ref n SET content_digest = given.digest"
    " FROM unnest(:ids, :digests) AS given (node_id, digest)"
    " WHERE n.project_id = :project_id AND n.node_id = given.node_id"
).bindparams(
    sa.bindparam("ids", type_=postgresql.ARRAY(sa.Text())),
    sa.bindparam("digests", type_=postgresql.ARRAY(sa.LargeBinary())),
)

# Giving a column the type that it has makes PostgreSQL forget its statistics. By this one, a table
# with partitions is divided, so its type must stay; it is new, and there are no statistics.
_FORGET_STATISTICS: Final = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_partitioned_table
    WHERE partrelid = CAST('sapwood.node_ref' AS regclass)) THEN
    ALTER TABLE sapwood.node_ref ALTER project_id TYPE text COLLATE "C";
  END IF;
END $$
"""


def upgrade() -> None:
    """Go to this revision."""
    op.add_column(
        "node_ref", sa.Column("content_digest", sa.LargeBinary(), nullable=True), schema=SCHEMA
    )
    op.execute("UPDATE sapwood.node_ref SET content_digest = digest")
    if not context.is_offline_mode():
        _fill(op.get_bind())
    op.alter_column("node_ref", "content_digest", nullable=False, schema=SCHEMA)
    op.create_check_constraint(
        op.f("ck_node_ref_content_digest_length"),
        "node_ref",
        "octet_length(content_digest) = 16",
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_node_ref_project_id_content_digest"),
        "node_ref",
        ["project_id", "content_digest"],
        schema=SCHEMA,
        postgresql_where=sa.text("octet_length(content_digest) = 16"),
    )
    op.execute(_FORGET_STATISTICS)
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS 0")


def downgrade() -> None:
    """Go back to the one before it."""
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS -1")
    op.drop_column("node_ref", "content_digest", schema=SCHEMA)


def _fill(connection: Connection) -> None:
    for project_id in connection.scalars(_PROJECTS).all():
        for entries in _journal(connection, project_id):
            digests = dict(pair for entry in entries for pair in _digests(entry))
            if digests:
                values = {"ids": list(digests), "digests": list(digests.values())}
                connection.execute(_FILL, {"project_id": project_id, **values})


def _journal(connection: Connection, project_id: str) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    after = 0
    while True:
        values = {"project_id": project_id, "after": after, "most": ENTRIES}
        entries = connection.execute(_ENTRIES, values).all()
        if not entries:
            return
        yield entries
        after = entries[-1].seq


def _digests(entry: Row[*tuple[Any, ...]]) -> Iterator[tuple[str, bytes]]:
    try:
        creates = unpack(entry.seq, entry.format, entry.payload, entry.crc).creates
    except JournalError:  # one damaged project must not keep all others from this release
        return
    for row in creates:
        yield row["id"], hashlib.sha256(row["content"].encode()).digest()[:16]
