"""plan look-ups of nodes for any project, not for the one that statistics know

Revision: 0006, after 0002

Two indexes of the register begin with the project. When it was analysed with one project in it, a
look-up in another is expected to find no row at all, and either index seems as good: PostgreSQL
then went through all nodes of the project for each id. Without statistics of that column it expects
that a project has many nodes, and takes the index that has the other column too.
"""

from __future__ import annotations

from alembic import op

revision: str = "0006"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Go to this revision. Giving a column the type it has makes PostgreSQL forget statistics."""
    op.execute('ALTER TABLE sapwood.node_ref ALTER project_id TYPE text COLLATE "C"')
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS 0")


def downgrade() -> None:
    """Go back to the one before it."""
    op.execute("ALTER TABLE sapwood.node_ref ALTER project_id SET STATISTICS -1")
