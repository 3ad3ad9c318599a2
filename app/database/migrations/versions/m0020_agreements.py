"""What is proposed before an apply, who agreed, and what of it a version keeps."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE trellis.config_version
        ADD COLUMN changes JSONB DEFAULT '{}'::jsonb NOT NULL,
        ADD COLUMN said JSONB DEFAULT '{}'::jsonb NOT NULL,
        ADD COLUMN agreed JSONB DEFAULT '[]'::jsonb NOT NULL
    """,
    """
    CREATE TABLE trellis.config_proposal (
        fingerprint TEXT NOT NULL,
        base INTEGER NOT NULL,
        said JSONB NOT NULL,
        proposed_by TEXT NOT NULL,
        user_id BIGINT,
        proposed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        PRIMARY KEY (fingerprint, base)
    )
    """,
    """
    CREATE TABLE trellis.config_agreement (
        fingerprint TEXT NOT NULL,
        base INTEGER NOT NULL,
        entry TEXT NOT NULL,
        agreed_by TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        agreed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        PRIMARY KEY (fingerprint, base, entry)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
