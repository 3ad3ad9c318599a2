"""Second factors, tickets for passwords, and the audit by kind and by person."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE trellis.second_factor (
        user_id BIGINT NOT NULL,
        secret TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        confirmed_at TIMESTAMP WITH TIME ZONE,
        last_step BIGINT,
        PRIMARY KEY (user_id)
    )
    """,
    """
    CREATE TABLE trellis.recovery_code (
        user_id BIGINT NOT NULL,
        code TEXT NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (user_id, code)
    )
    """,
    """
    CREATE TABLE trellis.ticket (
        checksum TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        purpose TEXT NOT NULL,
        made_by BIGINT,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (checksum)
    )
    """,
    "CREATE INDEX ticket_user ON trellis.ticket (user_id, made_at DESC)",
    "CREATE INDEX audit_kind ON trellis.audit (kind, id)",
    "CREATE INDEX audit_user ON trellis.audit (user_id, id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
