"""What went out, waits or failed: for administrators, who may have it sent again or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.automation_tables import delivery
from app.database.statements import Statement

STATES = ("waiting", "late", "dead", "sent", "dropped")

_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_free = sa.or_(
    delivery.c.leased_until.is_(None), delivery.c.leased_until < sa.func.clock_timestamp()
)


@dataclass(frozen=True, slots=True)
class Sending:
    """One delivery as administrators see it."""

    id: int
    channel: str
    target: str
    state: str
    user_id: int | None
    entity: int | None
    record_id: int | None
    content: Mapping[str, Any]
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    tried: Sequence[Mapping[str, Any]]


def _listing() -> Statement:
    state = sa.bindparam("state", type_=sa.Text)
    after = sa.bindparam("after", type_=sa.BigInteger)
    rows = (
        sa.select(*(delivery.c[name] for name in Sending.__dataclass_fields__))
        .where(
            sa.or_(state.is_(None), delivery.c.state == state),
            sa.or_(after.is_(None), delivery.c.id < after),
        )
        .order_by(delivery.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.BigInteger))
    )
    return Statement(rows)


_list = _listing()
_counts = Statement(
    sa.select(delivery.c.state, sa.func.count())
    .where(delivery.c.state.in_([sa.literal(one) for one in ("waiting", "late", "dead")]))
    .group_by(delivery.c.state)
)
_waiting_for = Statement(
    sa.select(delivery.c.channel)
    .where(delivery.c.state.in_([sa.literal("waiting"), sa.literal("late")]))
    .group_by(delivery.c.channel)
)
#: Also one that was sent: somebody may say that nothing came.
_again = Statement(
    sa.update(delivery)
    .where(delivery.c.id == sa.func.any(_IDS), _free)
    .values(
        state="waiting",
        due_at=_NOW,
        attempts=0,
        sent_at=None,
        leased_until=None,
        # By itself from now on.
        content=delivery.c.content.op("-")("digest").op("-")("lead"),
    )
    .returning(delivery.c.id)
)
_all_again = Statement(
    sa.update(delivery)
    .where(delivery.c.state == sa.literal("dead"), _free)
    .values(state="waiting", due_at=_NOW, attempts=0, leased_until=None)
    .returning(delivery.c.id)
)
_give_up = Statement(
    sa.update(delivery)
    .where(
        delivery.c.id == sa.func.any(_IDS),
        delivery.c.state.in_([sa.literal(one) for one in ("waiting", "late", "dead")]),
        _free,
    )
    .values(state="dropped", leased_until=None)
    .returning(delivery.c.id)
)


def list_sendings(
    connection: psycopg.Connection[Any],
    *,
    state: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Sending]:
    """Return deliveries, the newest first, one more than *limit* if there are more."""
    values = {"state": state, "after": after, "limit": limit + 1}
    return [Sending(*row) for row in _list.run(connection, values)]


def count_by_state(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Return how many deliveries wait, are late or are dead."""
    return dict(_counts.run(connection).fetchall())


def channels_waited_for(connection: psycopg.Connection[Any]) -> set[str]:
    """Return the channels for which something waits."""
    return {row[0] for row in _waiting_for.run(connection)}


def send_again(connection: psycopg.Connection[Any], ids: Sequence[int], now: datetime) -> int:
    """Have deliveries sent again, at once; return how many were not in hand."""
    return len(_again.run(connection, {"ids": list(ids), "now": now}).fetchall())


def send_all_again(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Have everything that failed sent again; return how many."""
    return len(_all_again.run(connection, {"now": now}).fetchall())


def give_up(connection: psycopg.Connection[Any], ids: Sequence[int]) -> int:
    """Have deliveries sent no more; return how many."""
    return len(_give_up.run(connection, {"ids": list(ids)}).fetchall())
