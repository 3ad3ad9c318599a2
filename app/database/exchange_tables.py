"""The tables of exchanges with other systems, schema ``trellis``: when each is due, its runs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)

#: One exchange of the configuration, by name; one that goes out has a row once a call failed.
exchange = sa.Table(
    "exchange",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    #: how often it comes, as it was when ``next_at`` was worked out
    sa.Column("rhythm", sa.Text, nullable=False),
    #: empty: only when somebody asks
    sa.Column("next_at", _moment),
    #: after a failure that may pass: when it is tried before that
    sa.Column("retry_at", _moment),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
    #: somebody wants it now
    sa.Column("asked_at", _moment),
    sa.Column("asked_by", sa.BigInteger),
    #: out: so many calls had failed for good when that was told last
    sa.Column("told", sa.Integer, nullable=False, server_default="0"),
)

#: One time records were fetched.
exchange_run = sa.Table(
    "exchange_run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    #: the moment it was due; empty: somebody asked, or it was tried again
    sa.Column("due_at", _moment),
    #: so many moments before that passed without a run
    sa.Column("missed", sa.Integer, nullable=False, server_default="0"),
    #: who asked
    sa.Column("user_id", sa.BigInteger),
    #: fetching | importing | done | failed
    sa.Column("state", sa.Text, nullable=False),
    #: rows that were fetched
    sa.Column("rows", sa.Integer, nullable=False, server_default="0"),
    #: the import of these rows
    sa.Column("import_run", sa.BigInteger),
    #: failed: why; done: what was left out
    sa.Column("problem", JSONB),
    sa.Column("began_at", _moment, nullable=False),
    sa.Column("ended_at", _moment),
    sa.Index("exchange_run_of", "name", sa.text("id DESC")),
    sa.Index("exchange_run_open", "name", unique=True,
             postgresql_where=sa.text("ended_at IS NULL")),
)  # fmt: skip
