"""How long messages are kept once they have done their work."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from app.database.automation_tables import delivery, message
from app.database.mail_tables import mail
from app.database.statements import Statement

#: A message that was read, counted from when it was shown.
READ_FOR = timedelta(days=365)
#: What was sent or given up. What failed stays until somebody says what is to become of it.
SENT_FOR = timedelta(days=90)
#: An e-mail that came again later would count anew, and its answers are nobody's any more.
KNOWN_FOR = timedelta(days=3 * 365)
#: Removed at a time, so that nobody waits for it.
_AT_A_TIME = 5_000

_BEFORE = sa.bindparam("before", type_=sa.DateTime(timezone=True))


def _removing(table: sa.Table, *conditions: Any) -> Statement:
    old = sa.select(table.c.id).where(*conditions).limit(_AT_A_TIME).scalar_subquery()
    return Statement(sa.delete(table).where(table.c.id.in_(old)).returning(table.c.id))


_old_messages = _removing(message, message.c.shown_at < _BEFORE, message.c.read_at.is_not(None))
_old_deliveries = _removing(
    delivery,
    delivery.c.created_at < _BEFORE,
    delivery.c.state.in_([sa.literal("sent"), sa.literal("dropped")]),
)


_old_mails = _removing(mail, mail.c.received_at < _BEFORE)


def forget_old(
    connection: psycopg.Connection[Any], now: datetime, *, has_messages: bool = True
) -> int:
    """Remove some of what is kept no longer and return how much; there may be more.

    Without *has_messages* app.yaml says how long inboxes are kept, and the night sees to them.
    """
    gone: list[Any] = []
    if has_messages:
        gone += _old_messages.run(connection, {"before": now - READ_FOR}).fetchall()
    gone += _old_deliveries.run(connection, {"before": now - SENT_FOR}).fetchall()
    gone += _old_mails.run(connection, {"before": now - KNOWN_FOR}).fetchall()
    return len(gone)
