"""Why a step could not be done, in each language: ``{"en": …, "zh": …}``."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE trellis.apply_step ALTER COLUMN problem TYPE jsonb "
        "USING CASE WHEN problem IS NOT NULL THEN jsonb_build_object('en', problem) END"
    )
