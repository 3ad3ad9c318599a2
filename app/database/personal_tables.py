"""The tables of personal data, schema ``trellis``: what was done for whom and why, what is held.

Neither holds a word about the person: records are named by their ids.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)

#: The register: what was asked for about persons, by whom, and why. Nothing is ever taken out.
personal_act = sa.Table(
    "personal_act",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: found | exported | corrected | anonymised | held | released
    sa.Column("kind", sa.Text, nullable=False),
    #: empty: a rule, or the command line
    sa.Column("user_id", sa.BigInteger),
    sa.Column("happened_at", _moment, nullable=False),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    #: ids by entity: ``{"contact": [3, 4]}``
    sa.Column("records", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    #: anonymised: field names by entity, whether their files went, and how much that was
    sa.Column("fields", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("counts", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Index("personal_act_kind", "kind", sa.text("id DESC")),
)

#: Records that are neither anonymised nor removed for good before somebody says so.
personal_hold = sa.Table(
    "personal_hold",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("since", _moment, nullable=False),
)

#: Who read personal data that was not masked: one line a day for a person and a record.
personal_read = sa.Table(
    "personal_read",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    #: 0: lists
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("times", sa.BigInteger, nullable=False),
    #: records that were shown
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("first_at", _moment, nullable=False),
    sa.Column("last_at", _moment, nullable=False),
    sa.Index("personal_read_record", "entity", "record_id", sa.text("last_at DESC")),
    sa.Index("personal_read_last_at", "last_at", postgresql_using="brin"),
)
