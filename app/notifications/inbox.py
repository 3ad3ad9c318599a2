"""Somebody's inbox: what is in it, what is unread, and what its reader does with it.

Each statement names the reader; nobody reaches anybody else's messages. A message that waits for
the end of the quiet hours, or was put off, is not there until its time comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.automation_tables import message, rule
from app.database.statements import Statement
from app.notifications.outbox import tell_inboxes

KINDS = ("rule", "approval", "mention", "record", "system")
#: Counting stops here; the bell says so many and more.
MOST_COUNTED = 100

_USER = sa.bindparam("user", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_SHOWN = (message.c.user_id == _USER, message.c.shown_at <= _NOW)
_unread = message.c.read_at.is_(None)
_named = message.c.id == sa.func.any(_IDS)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its reader sees it."""

    id: int
    kind: str
    text: str
    rule: int | None
    #: the rule's name, as it is called now
    rule_name: str | None
    firing: int | None
    #: an entity's number
    entity: int | None
    record_id: int | None
    created_at: datetime
    shown_at: datetime
    read_at: datetime | None
    snoozed_until: datetime | None
    #: the page it is about, where that is no record's
    path: str | None


def _listing() -> Statement:
    kind = sa.bindparam("kind", type_=sa.Text)
    after_at = sa.bindparam("after_at", type_=sa.DateTime(timezone=True))
    after_id = sa.bindparam("after_id", type_=sa.BigInteger)
    columns = [
        rule.c.name.label("rule_name") if name == "rule_name" else message.c[name]
        for name in Message.__dataclass_fields__
    ]
    rows = (
        sa.select(*columns)
        .select_from(message.outerjoin(rule, rule.c.number == message.c.rule))
        .where(
            *_SHOWN,
            sa.or_(sa.bindparam("everything", type_=sa.Boolean), _unread),
            sa.or_(kind.is_(None), message.c.kind == kind),
            sa.or_(
                after_id.is_(None),
                sa.tuple_(message.c.shown_at, message.c.id) < sa.tuple_(after_at, after_id),
            ),
        )
        .order_by(message.c.shown_at.desc(), message.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.BigInteger))
    )
    return Statement(rows)


_list = _listing()
_counted = sa.select(sa.literal(1)).where(*_SHOWN, _unread).limit(MOST_COUNTED).subquery()
_count = Statement(sa.select(sa.func.count()).select_from(_counted))
_by_kind = Statement(
    sa.select(message.c.kind, sa.func.count()).where(*_SHOWN, _unread).group_by(message.c.kind)
)
_read = Statement(
    sa.update(message).where(*_SHOWN, _unread, _named).values(read_at=_NOW).returning(message.c.id)
)
_read_all = Statement(
    sa.update(message)
    .where(*_SHOWN, _unread, message.c.id <= sa.bindparam("newest", type_=sa.BigInteger))
    .values(read_at=_NOW)
    .returning(message.c.id)
)
_not_read = Statement(
    sa.update(message)
    .where(*_SHOWN, message.c.read_at.is_not(None), _named)
    .values(read_at=None)
    .returning(message.c.id)
)
_until = sa.bindparam("until", type_=sa.DateTime(timezone=True))
_snooze = Statement(
    sa.update(message)
    .where(message.c.user_id == _USER, _named)
    .values(shown_at=_until, snoozed_until=_until, read_at=None)
    .returning(message.c.id)
)
_one = Statement(
    sa.select(message.c.rule).where(
        message.c.user_id == _USER, message.c.id == sa.bindparam("id", type_=sa.BigInteger)
    )
)


def unread_count(connection: psycopg.Connection[Any], user_id: int, now: datetime) -> int:
    """Return how many messages are unread, at most `MOST_COUNTED`."""
    row = _count.run(connection, {"user": user_id, "now": now}).fetchone()
    return int(row[0]) if row is not None else 0


def unread_by_kind(
    connection: psycopg.Connection[Any], user_id: int, now: datetime
) -> dict[str, int]:
    """Return how many messages are unread, by kind."""
    return dict(_by_kind.run(connection, {"user": user_id, "now": now}).fetchall())


def list_messages(
    connection: psycopg.Connection[Any],
    user_id: int,
    now: datetime,
    *,
    unread: bool = False,
    kind: str | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 25,
) -> list[Message]:
    """Return messages, the newest first, one more than *limit* if there are more.

    Args:
        after: `shown_at` and id of the last message of the page before.
    """
    values = {
        "user": user_id,
        "now": now,
        "everything": not unread,
        "kind": kind,
        "after_at": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit + 1,
    }
    return [Message(*row) for row in _list.run(connection, values)]


def mark_read(
    connection: psycopg.Connection[Any], user_id: int, ids: Sequence[int], now: datetime
) -> int:
    """Mark messages read and return how many were not."""
    return _written(connection, _read, user_id, {"ids": list(ids), "now": now})


def mark_all_read(
    connection: psycopg.Connection[Any], user_id: int, newest: int, now: datetime
) -> int:
    """Mark all messages read up to one that the reader has seen; return how many were not.

    What came in the meantime stays unread.
    """
    return _written(connection, _read_all, user_id, {"newest": newest, "now": now})


def mark_unread(
    connection: psycopg.Connection[Any], user_id: int, ids: Sequence[int], now: datetime
) -> int:
    """Mark messages unread and return how many were read."""
    return _written(connection, _not_read, user_id, {"ids": list(ids), "now": now})


def snooze(
    connection: psycopg.Connection[Any], user_id: int, ids: Sequence[int], until: datetime
) -> int:
    """Put messages off: they come again, unread, at that moment. Return how many."""
    return _written(connection, _snooze, user_id, {"ids": list(ids), "until": until})


def rule_of(connection: psycopg.Connection[Any], user_id: int, message_id: int) -> int | None:
    """Return the number of the rule a message of this reader came from."""
    row = _one.run(connection, {"user": user_id, "id": message_id}).fetchone()
    return row[0] if row is not None else None


def _written(
    connection: psycopg.Connection[Any], statement: Statement, user_id: int, values: dict[str, Any]
) -> int:
    number = len(statement.run(connection, {"user": user_id, **values}).fetchall())
    if number:
        # The other windows of the same person.
        tell_inboxes(connection, [user_id])
    return number
