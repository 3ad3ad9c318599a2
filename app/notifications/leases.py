"""Who has a delivery in hand, and what became of it.

A lease is a time by the database's clock and a number that grows with every holder: whoever comes
back late, after somebody else was given the delivery, changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database.automation_tables import delivery
from app.database.statements import Statement
from app.records.statements import json_text

State = Literal["waiting", "sent", "late", "dead", "dropped"]

#: Longer than an attempt may take, resolver and all.
LEASE = timedelta(minutes=2)
#: The pauses after the first, second … failure; after the last one it is dead. Over three days.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, *6 * (720,)))
#: How soon is looked again whether what is missing was set up.
LOOK_AGAIN = timedelta(minutes=5)
#: Names the locks of digests among the advisory locks.
_DIGESTS = 0x5472_4467
#: Attempts that are told of one by one.
_MOST_TRIED = 50

_ID = sa.bindparam("id", type_=sa.BigInteger)
_TOKEN = sa.bindparam("token", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_OPEN = delivery.c.state.in_([sa.literal("waiting"), sa.literal("late")])
_clock = sa.func.clock_timestamp()
_TAKEN = (
    delivery.c.id, delivery.c.key, delivery.c.channel, delivery.c.target, delivery.c.user_id,
    delivery.c.firing, delivery.c.step, delivery.c.entity, delivery.c.record_id,
    delivery.c.content, delivery.c.attempts, delivery.c.token, delivery.c.created_at,
)  # fmt: skip


def _take(*conditions: Any) -> Statement:
    return Statement(
        sa.update(delivery)
        .where(delivery.c.id == _ID, _OPEN, *conditions)
        .values(
            token=delivery.c.token + 1,
            attempts=delivery.c.attempts + 1,
            leased_until=_clock + sa.literal(LEASE, sa.Interval()),
        )
        .returning(*_TAKEN)
    )


_free = sa.or_(delivery.c.leased_until.is_(None), delivery.c.leased_until < _clock)
_take_free = _take(delivery.c.due_at <= _NOW, _free)
#: Handed out by somebody who holds it under this number.
_take_held = _take(delivery.c.token == _TOKEN)
_settle = Statement(
    sa.update(delivery)
    .where(delivery.c.id == _ID, delivery.c.token == _TOKEN, _OPEN)
    .values(
        state=sa.bindparam("state", type_=sa.Text),
        due_at=sa.func.coalesce(
            sa.bindparam("due_at", type_=sa.DateTime(timezone=True)), delivery.c.due_at
        ),
        sent_at=sa.bindparam("sent_at", type_=sa.DateTime(timezone=True)),
        attempts=delivery.c.attempts - sa.bindparam("taken_back", type_=sa.Integer),
        leased_until=sa.null(),
        tried=sa.case(
            (
                sa.func.jsonb_array_length(delivery.c.tried) >= _MOST_TRIED,
                delivery.c.tried.op("-")(1),
            ),
            else_=delivery.c.tried,
        ).op("||")(sa.cast(sa.bindparam("tried", type_=sa.Text), JSONB)),
    )
    .returning(delivery.c.id)
)
#: Who takes a part of somebody's digest waits for whoever takes another.
_one_by_one = Statement(
    sa.select(
        sa.func.pg_advisory_xact_lock(_DIGESTS, sa.cast(delivery.c.user_id, sa.Integer))
    ).where(delivery.c.id == _ID, delivery.c.content.has_key("digest"))
)
_lead = Statement(
    sa.update(delivery)
    .where(delivery.c.id == _ID)
    .values(content=delivery.c.content.op("||")(sa.func.jsonb_build_object("lead", _ID)))
)
#: What waits for the same digest is held together with the first of it, whoever was to send it by
#: itself: a new number refuses him.
_with_it = Statement(
    sa.update(delivery)
    .where(
        delivery.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        delivery.c.channel == "email",
        delivery.c.content.has_key("digest"),
        _OPEN,
        delivery.c.due_at <= _NOW,
        delivery.c.id != _ID,
        sa.func.coalesce(sa.cast(delivery.c.content["lead"].astext, sa.BigInteger), _ID) == _ID,
    )
    .values(
        content=delivery.c.content.op("||")(sa.func.jsonb_build_object("lead", _ID)),
        token=delivery.c.token + 1,
        leased_until=_clock + sa.literal(LEASE, sa.Interval()),
    )
    .returning(delivery.c.id, delivery.c.content)
)
_as_it = Statement(
    sa.update(delivery)
    .where(delivery.c.id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.BigInteger))), _OPEN)
    .values(
        state=sa.bindparam("state", type_=sa.Text),
        due_at=sa.func.coalesce(
            sa.bindparam("due_at", type_=sa.DateTime(timezone=True)), delivery.c.due_at
        ),
        sent_at=sa.bindparam("sent_at", type_=sa.DateTime(timezone=True)),
        leased_until=sa.null(),
    )
)


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery in hand."""

    id: int
    key: str
    channel: str
    target: str
    user_id: int | None
    firing: int | None
    step: str | None
    entity: int | None
    record_id: int | None
    content: Mapping[str, Any]
    attempts: int
    token: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt."""

    state: State
    due_at: datetime | None = None
    #: nothing was tried, so that it does not count as an attempt
    counts: bool = True
    #: for the page of deliveries: when, what, and for administrators what was answered
    tried: Mapping[str, Any] | None = None


def take(
    connection: psycopg.Connection[Any], delivery_id: int, now: datetime, token: int | None = None
) -> Held | None:
    """Take a delivery that is due and that nobody has; None: there is no such.

    Args:
        token: given by who handed it out and holds it for us.
    """
    _one_by_one.run(connection, {"id": delivery_id})
    if token is None:
        row = _take_free.run(connection, {"id": delivery_id, "now": now}).fetchone()
    else:
        row = _take_held.run(connection, {"id": delivery_id, "token": token}).fetchone()
    return Held(*row) if row is not None else None


def settle(connection: psycopg.Connection[Any], held: Held, result: Result, now: datetime) -> bool:
    """Write down what became of an attempt; False: somebody else has it by now."""
    values = {
        "id": held.id,
        "token": held.token,
        "state": result.state,
        "due_at": result.due_at,
        "sent_at": now if result.state == "sent" else None,
        "taken_back": 0 if result.counts else 1,
        "tried": json_text([result.tried] if result.tried else []),
    }
    return _settle.run(connection, values).fetchone() is not None


def pause(attempts: int, retry_after: int | None = None) -> timedelta | None:
    """Return how long to wait after so many failures; None: that was the last."""
    if attempts > len(PAUSES):
        return None
    asked = timedelta(seconds=retry_after or 0)
    return max(PAUSES[attempts - 1], asked)


def join_digest(
    connection: psycopg.Connection[Any], held: Held, now: datetime
) -> dict[int, Mapping[str, Any]]:
    """Return what goes along in the digest of a delivery: contents by id.

    What goes along is marked, so that the next attempt sends the same again.
    """
    _lead.run(connection, {"id": held.id})
    rows = _with_it.run(connection, {"user": held.user_id, "id": held.id, "now": now})
    return {row[0]: row[1] for row in sorted(rows.fetchall())}


def settle_digest(
    connection: psycopg.Connection[Any], ids: Sequence[int], result: Result, now: datetime
) -> None:
    """Write down for what went along what became of the first of a digest."""
    values = {
        "ids": list(ids),
        "state": result.state,
        "due_at": result.due_at,
        "sent_at": now if result.state == "sent" else None,
    }
    _as_it.run(connection, values)
