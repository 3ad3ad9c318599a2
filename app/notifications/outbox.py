"""What leaves a transaction: inbox messages and deliveries, as rows written with everything else.

Nothing is sent here. A message or delivery has a key that makes it this one and no other, so that
whoever does his work a second time writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from app.database.automation_tables import delivery, message
from app.database.statements import Statement

#: Where processes hear that somebody's inbox changed. The payload lists users, ``3,17``; ``*`` is
#: everybody.
INBOX_CHANNEL = "trellis_inbox"
#: A notification holds less than 8,000 bytes.
_MOST_NAMED = 300

Kind = Literal["rule", "approval", "mention", "record", "system"]
Channel = Literal["email", "wecom", "dingtalk", "feishu", "slack", "call"]


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message for one person's inbox."""

    user_id: int
    #: together with the user what makes it this message and no other
    key: str
    kind: Kind
    text: str
    rule: int | None = None
    firing: int | None = None
    #: an entity's number
    entity: int | None = None
    record_id: int | None = None
    #: quiet hours end then; None: it is shown at once
    shown_at: datetime | None = None
    #: muted by its receiver: it is kept, and counts as read
    is_read: bool = False
    #: the page it is about, where that is no record's
    path: str | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something to be sent once the transaction is committed."""

    key: str
    channel: Channel
    #: an address; of a chat robot its channel's name, of a call the URL
    target: str
    #: subject, text, html; url, text; method, body …
    content: Mapping[str, Any]
    user_id: int | None = None
    firing: int | None = None
    step: str | None = None
    entity: int | None = None
    record_id: int | None = None
    #: None: at once
    due_at: datetime | None = None


def _arrays(table: sa.Table, names: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Return one array parameter per column, and the columns that unnesting them gives."""
    arrays, columns = [], []
    for name in names:
        # An array of JSON is an array of texts until it is unnested.
        kind = table.c[name].type
        given = sa.Text() if isinstance(kind, JSONB) else kind
        arrays.append(sa.bindparam(name, type_=ARRAY(given)))
        columns.append(sa.column(name, given))
    return arrays, columns


def _insert_all(table: sa.Table, names: Sequence[str], conflict: Sequence[str]) -> Statement:
    arrays, columns = _arrays(table, names)
    given = sa.func.unnest(*arrays).table_valued(*columns, name="given").render_derived()
    values = [
        sa.cast(given.c[name], JSONB) if isinstance(table.c[name].type, JSONB) else given.c[name]
        for name in names
    ]
    return Statement(
        insert(table)
        .from_select(list(names), sa.select(*values))
        .on_conflict_do_nothing(index_elements=list(conflict))
        .returning(table.c.id)
    )


_MESSAGE = (
    "user_id", "key", "kind", "rule", "firing", "entity", "record_id", "text", "created_at",
    "shown_at", "read_at", "path",
)  # fmt: skip
_DELIVERY = (
    "key", "channel", "target", "user_id", "firing", "step", "entity", "record_id", "content",
    "due_at", "created_at",
)  # fmt: skip
_post = _insert_all(message, _MESSAGE, ("user_id", "key"))
_queue = _insert_all(delivery, _DELIVERY, ("key",))
_notice = Statement(
    sa.select(sa.func.pg_notify(INBOX_CHANNEL, sa.bindparam("users", type_=sa.Text)))
)


def post_messages(
    connection: psycopg.Connection[Any], now: datetime, messages: Sequence[NewMessage]
) -> int:
    """Write messages into inboxes, in the caller's transaction, and return how many were new.

    One statement however many they are. Open inboxes hear of it at the commit.
    """
    if not messages:
        return 0
    values = _columns(_MESSAGE, messages)
    values["created_at"] = [now] * len(messages)
    values["shown_at"] = [each.shown_at or now for each in messages]
    values["read_at"] = [now if each.is_read else None for each in messages]
    written = len(_post.run(connection, values).fetchall())
    if written:
        tell_inboxes(connection, {each.user_id for each in messages})
    return written


def queue_deliveries(
    connection: psycopg.Connection[Any], now: datetime, deliveries: Sequence[NewDelivery]
) -> list[int]:
    """Write what is to be sent, in the caller's transaction, and return the ids of what is new."""
    if not deliveries:
        return []
    values = _columns(_DELIVERY, deliveries)
    values["content"] = [orjson.dumps(each.content).decode() for each in deliveries]
    values["created_at"] = [now] * len(deliveries)
    values["due_at"] = [each.due_at or now for each in deliveries]
    return [row[0] for row in _queue.run(connection, values)]


def tell_inboxes(connection: psycopg.Connection[Any], users: Iterable[int]) -> None:
    """Have the inboxes of these people refresh themselves once the transaction is committed."""
    named = sorted(set(users))
    if named:
        text = ",".join(map(str, named)) if len(named) <= _MOST_NAMED else "*"
        _notice.run(connection, {"users": text})


def _columns(names: Sequence[str], rows: Sequence[Any]) -> dict[str, list[Any]]:
    return {name: [getattr(row, name, None) for row in rows] for name in names}
