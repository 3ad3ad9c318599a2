"""The table of backups, schema ``trellis``: what was made, and how it stood when it was tried."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)

#: One backup that was made, or could not be.
backup = sa.Table(
    "backup",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: daily | by_hand
    sa.Column("kind", sa.Text, nullable=False),
    #: empty: the system, or the command line
    sa.Column("user_id", sa.BigInteger),
    sa.Column("made_at", _moment, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    #: the file in the folder of backups; empty where none came of it
    sa.Column("name", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    #: rows of all tables
    sa.Column("rows", sa.BigInteger),
    #: why none came of it: ``{"en", "zh"}``
    sa.Column("problem", JSONB),
    #: when it was last restored beside the living database, and what was wrong with it
    sa.Column("tried_at", _moment),
    sa.Column("tried_seconds", sa.Double),
    sa.Column("tried_problem", JSONB),
    #: when its file was removed, being old enough
    sa.Column("removed_at", _moment),
    sa.Index("backup_made", sa.text("made_at DESC")),
)
