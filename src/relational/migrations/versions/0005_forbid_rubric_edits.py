"""forbid rubric edits

Scores were given by a version as it was, so none may change under them, whoever connects. Rows may
still be deleted: a project is.

Revision: 0005, after 0004
"""

from __future__ import annotations

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

FUNCTION = (
    "CREATE FUNCTION sapwood.refuse_update() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',"
    " MESSAGE = 'a row of sapwood.' || TG_TABLE_NAME || ' never changes, since scores were"
    " given by it; make a new version of the rubric instead'; END $$"
)
ON_RUBRIC = (
    "CREATE TRIGGER refuse_update BEFORE UPDATE ON sapwood.rubric"
    " FOR EACH STATEMENT EXECUTE FUNCTION sapwood.refuse_update()"
)
ON_RUBRIC_PRINCIPLE = (
    "CREATE TRIGGER refuse_update BEFORE UPDATE ON sapwood.rubric_principle"
    " FOR EACH STATEMENT EXECUTE FUNCTION sapwood.refuse_update()"
)
ON_PRINCIPLE = (
    "CREATE TRIGGER refuse_update BEFORE UPDATE ON sapwood.principle"
    " FOR EACH STATEMENT EXECUTE FUNCTION sapwood.refuse_update()"
)


def upgrade() -> None:
    """Go to this revision."""
    for statement in (FUNCTION, ON_RUBRIC, ON_RUBRIC_PRINCIPLE, ON_PRINCIPLE):
        op.execute(statement)


def downgrade() -> None:
    """Go back to the one before it."""
    op.execute("DROP FUNCTION sapwood.refuse_update() CASCADE")  # with its triggers
