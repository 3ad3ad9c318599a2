"""The tables of signing in beside a password, schema ``trellis``: second factors and tickets."""

from __future__ import annotations

import sqlalchemy as sa

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: What the authenticator of an account works with.
second_factor = sa.Table(
    "second_factor",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    #: sealed with the key of the installation
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("made_at", _moment, nullable=False, server_default=_now()),
    #: empty until a first code was typed: it is not asked for before
    sa.Column("confirmed_at", _moment),
    #: the half minute of the last code that let somebody in; none counts twice
    sa.Column("last_step", sa.BigInteger),
)

#: Codes for who lost the authenticator, each good once; kept as checksums.
recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("used_at", _moment),
)

#: Links that let somebody choose a password: invitations and resets. The link holds the ticket,
#: this its checksum.
ticket = sa.Table(
    "ticket",
    metadata,
    sa.Column("checksum", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    #: invitation | reset
    sa.Column("purpose", sa.Text, nullable=False),
    #: empty: the person asked
    sa.Column("made_by", sa.BigInteger),
    sa.Column("made_at", _moment, nullable=False),
    sa.Column("ends_at", _moment, nullable=False),
    sa.Column("used_at", _moment),
    sa.Index("ticket_user", "user_id", sa.text("made_at DESC")),
)
