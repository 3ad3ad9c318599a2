"""The e-mails about a record are found at once."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX mail_record ON trellis.mail (entity, record_id, id DESC)
        WHERE record_id IS NOT NULL
        """
    )
