"""Accounts, sessions and failed attempts to sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=None if null else sa.text("now()"),
        nullable=null,
    )


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        _moment("sessions_since"),
        sa.Column(
            "must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.PrimaryKeyConstraint("user_id"),
        schema="trellis",
    )
    op.create_table(
        "session",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        _moment("created_at"),
        _moment("seen_at"),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        _moment("ended_at", null=True),
        sa.PrimaryKeyConstraint("token"),
        schema="trellis",
    )
    op.create_index("session_user", "session", ["user_id"], schema="trellis")
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _moment("happened_at"),
        sa.PrimaryKeyConstraint("id"),
        schema="trellis",
    )
    op.create_index("attempt_account", "attempt", ["account", "happened_at"], schema="trellis")
    op.create_index("attempt_address", "attempt", ["address", "happened_at"], schema="trellis")


def downgrade() -> None:
    for table in ("attempt", "session", "account"):
        op.drop_table(table, schema="trellis")
