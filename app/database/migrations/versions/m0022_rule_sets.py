"""The change set of a rule and a day is found at once."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX change_set_rule ON trellis.change_set (note, happened_at)
        WHERE kind = 'rule'
        """
    )
