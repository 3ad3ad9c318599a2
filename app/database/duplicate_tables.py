"""The tables of records that may be the same thing: pairs that were found, and looking for them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)

#: Two records that may be the same thing; the one with the smaller entity and number stands first.
duplicate_pair = sa.Table(
    "duplicate_pair",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("other_entity", sa.SmallInteger, nullable=False),
    sa.Column("other_id", sa.BigInteger, nullable=False),
    #: by what they were found, ``kind:field:other field``, and how much that says, from 0 to 1
    sa.Column("reasons", JSONB, nullable=False),
    #: all reasons together
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("found_at", _moment, nullable=False, server_default=sa.text("now()")),
    #: the scan that saw it last; empty: found by a save
    sa.Column("scan", sa.BigInteger),
    #: somebody said that they are two; they are not shown again
    sa.Column("apart_by", sa.BigInteger),
    sa.Column("apart_at", _moment),
    sa.UniqueConstraint("entity", "record_id", "other_entity", "other_id"),
    sa.Index(
        "duplicate_pair_open",
        sa.text("score DESC"),
        "id",
        postgresql_where=sa.text("apart_at IS NULL"),
    ),
    sa.Index("duplicate_pair_other", "other_entity", "other_id"),
)

#: Looking for them in all records; ``step`` says how many kinds of comparing are done.
duplicate_scan = sa.Table(
    "duplicate_scan",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: waiting | running | done | failed
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("step", sa.Integer, nullable=False, server_default="0"),
    sa.Column("steps", sa.Integer),
    sa.Column("found", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("problem", sa.Text),
    sa.Column("made_at", _moment, nullable=False, server_default=sa.text("now()")),
    sa.Column("ended_at", _moment),
    sa.Column("beat_at", _moment),
    # One at a time.
    sa.Index(
        "duplicate_scan_open",
        sa.text("(ended_at IS NULL)"),
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)
