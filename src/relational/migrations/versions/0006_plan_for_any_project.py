"""plan look-ups of nodes for any project and for empty tables

Revision: 0006, after 0002

Two indexes of the register begin with the project. Where PostgreSQL expects no row of a project, in
a table that was emptied or analysed with another project in it, either index seems as good to find
a node by its id; it then took the one by content and went through all nodes of the project for each
id. So that one is partial now: only a statement that repeats its condition, which holds for each
row, can use it. And the project has no statistics, so that nobody is expected to have no nodes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Go to this revision. Giving a column the type it has makes PostgreSQL forget statistics."""
    _index_contents("octet_length(content_digest) = 16")
    op.execute('ALTER TABLE sapwood.node_ref ALTER project_id TYPE text COLLATE "C"')
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS 0")


def downgrade() -> None:
    """Go back to the one before it."""
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS -1")
    _index_contents(None)


def _index_contents(condition: str | None) -> None:
    name = op.f("ix_node_ref_project_id_content_digest")
    op.drop_index(name, "node_ref", schema="sapwood")
    op.create_index(
        name,
        "node_ref",
        ["project_id", "content_digest"],
        schema="sapwood",
        postgresql_where=condition and sa.text(condition),
    )
