"""The tables of targets, schema ``trellis``: what is to be reached by whom in which month."""

from __future__ import annotations

import sqlalchemy as sa

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)

#: What somebody is to reach in one month; a quarter or a year is the sum of its months.
target_value = sa.Table(
    "target_value",
    metadata,
    #: the target's name in the configuration
    sa.Column("target", sa.Text, primary_key=True),
    #: company | department | user
    sa.Column("kind", sa.Text, primary_key=True),
    #: the number of the department or user; 0 for the company
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    #: the first day of the month
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    sa.Column("amount", sa.Numeric, nullable=False),
)

#: Who changed which of them; an empty amount is one that was not there, or is no more.
target_change = sa.Table(
    "target_change",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.BigInteger, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("before", sa.Numeric),
    sa.Column("after", sa.Numeric),
    #: empty: the system
    sa.Column("by", sa.BigInteger),
    sa.Column("at", _moment, nullable=False, server_default=sa.text("now()")),
    sa.Index("target_change_newest", "target", sa.text("id DESC")),
)
