"""The working days of the business calendar, for statements that count them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "working_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
        schema="trellis",
    )
    op.create_index("working_day_number", "working_day", ["number"], schema="trellis")


def downgrade() -> None:
    op.drop_table("working_day", schema="trellis")
