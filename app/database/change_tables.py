"""The tables of bulk changes and of undoing, schema ``trellis``: what runs, and what it left out.

Change sets themselves stand in ``system.change_set``, their lines in ``system.history``.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: One change of many records, or the undoing of one: what is done to which, and how far it got.
change_run = sa.Table(
    "change_run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: update | transfer | delete | restore | undo | button
    sa.Column("kind", sa.Text, nullable=False),
    #: empty: records of several entities, see ``entities``
    sa.Column("entity", sa.Text),
    #: empty: the system
    sa.Column("user_id", sa.BigInteger),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    #: see ``records.bulk.Doing`` and ``records.undoing``
    sa.Column("doing", JSONB, nullable=False),
    #: the chosen records in the order they are done, and of which entity each is
    sa.Column("ids", ARRAY(sa.BigInteger), nullable=False),
    sa.Column("entities", ARRAY(sa.SmallInteger)),
    #: waiting | running | cancelled | done | failed
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    #: how many of ``ids`` are done, in the transaction that did them
    sa.Column("mark", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("counts", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("change_set", sa.BigInteger),
    sa.Column("problem", JSONB),
    sa.Column("made_at", _moment, nullable=False, server_default=_now()),
    sa.Column("started_at", _moment),
    sa.Column("ended_at", _moment),
    #: when it last got further; one that is silent is taken up by another worker
    sa.Column("beat_at", _moment),
    sa.Index("change_run_open", "state", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("change_run_change_set", "change_set"),
)

#: A record that was left out, and why.
change_skip = sa.Table(
    "change_skip",
    metadata,
    sa.Column("run", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    #: right | edited | check | gone | needed
    sa.Column("why", sa.Text, nullable=False),
    #: ``[{"field", "say": {"en", "zh"}}]``
    sa.Column("reasons", JSONB, nullable=False),
)

#: What moved from record to record with a change set and stands in no record's history: files,
#: comments, followers and shares of records that were merged.
change_moved = sa.Table(
    "change_moved",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("change_set", sa.BigInteger, nullable=False),
    #: files | comments | followers | shares | lines
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    #: where it was
    sa.Column("record_id", sa.BigInteger, nullable=False),
    #: what it was
    sa.Column("data", JSONB, nullable=False),
    sa.Index("change_moved_change_set", "change_set", "record_id"),
)
