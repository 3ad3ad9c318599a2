"""Who read personal data, by day."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE trellis.personal_read (
        day DATE NOT NULL,
        user_id BIGINT NOT NULL,
        entity SMALLINT NOT NULL,
        record_id BIGINT NOT NULL,
        times BIGINT NOT NULL,
        rows BIGINT NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (day, user_id, entity, record_id)
    )
    """,
    """
    CREATE INDEX personal_read_record ON trellis.personal_read (entity, record_id, last_at DESC)
    """,
    "CREATE INDEX personal_read_last_at ON trellis.personal_read USING brin (last_at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
