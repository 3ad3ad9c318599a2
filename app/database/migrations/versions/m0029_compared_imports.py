"""How far what an import wrote is compared with what was there."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE trellis.import_run
        ADD COLUMN compared BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN compared_at TIMESTAMP WITH TIME ZONE
    """,
    # What is over by now is left to the next scan.
    "UPDATE trellis.import_run SET compared_at = now() WHERE ended_at IS NOT NULL",
    """
    CREATE INDEX import_run_uncompared ON trellis.import_run (id)
    WHERE ended_at IS NOT NULL AND compared_at IS NULL AND change_set IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
