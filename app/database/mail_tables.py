"""The tables of mailboxes, schema ``trellis``: how far each was read, and which e-mails came."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


#: How far a mailbox was read. Its server's flags are left alone, so this is all that is known.
mailbox = sa.Table(
    "mailbox",
    metadata,
    #: the integration's name
    sa.Column("name", sa.Text, primary_key=True),
    #: UIDVALIDITY of the folder; another one means that its numbers begin anew
    sa.Column("validity", sa.BigInteger, nullable=False),
    #: the greatest UID that was read
    sa.Column("last_uid", sa.BigInteger, nullable=False),
    sa.Column("looked_at", _moment),
    #: why it could not be read the last time
    sa.Column("problem", JSONB),
)

#: One e-mail that came; it counts once, whichever way it came.
mail = sa.Table(
    "mail",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("mailbox", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    #: kept | unknown (of nobody we know) | automatic | failed
    sa.Column("state", sa.Text, nullable=False),
    #: the record it was an event of
    sa.Column("entity", sa.SmallInteger),
    sa.Column("record_id", sa.BigInteger),
    #: failed: why; kept: which of its files stayed in the mailbox, and why
    sa.Column("problem", JSONB),
    sa.Column("received_at", _moment, nullable=False),
    sa.Index(
        "mail_record",
        "entity",
        "record_id",
        sa.text("id DESC"),
        postgresql_where=sa.text("record_id IS NOT NULL"),
    ),
)
