"""Outlines of versions as plain text: they are read whole and never asked."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = "ALTER TABLE trellis.config_version ALTER COLUMN outline"
    op.execute(f"{column} DROP DEFAULT")
    op.execute(f"{column} TYPE json USING outline::json")
    op.execute(f"{column} SET DEFAULT '{{}}'")
    # Compressing some megabytes takes longer than the rest of an apply.
    op.execute(f"{column} SET STORAGE EXTERNAL")
