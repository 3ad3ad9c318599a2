"""Who holds what is due: leases by the database's clock.

A row that is handed out is held for some seconds. A worker that begins with it holds it anew and
counts an attempt; when its time runs out, because the worker or Redis died, the row is handed out
again under another token, and whoever held the old one is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.automation_tables import delivery, firing, task
from app.expressions.sql_functions import MOMENT
from app.records.statements import Statement
from app.texts import say

#: How long something may lie in a queue, at most, before it is handed out again.
HANDED = timedelta(seconds=20)
#: The same for what goes out: one target may take long, and others wait for it.
HANDED_MAIL = timedelta(seconds=110)
#: Who kills its worker so often is put aside.
ATTEMPTS = 3

_POISON = say(
    "The worker ended three times while it ran this step. Look into the worker's log, then run it "
    "again.",
    "运行此步骤时，工作进程三次意外终止。请查看工作进程日志，然后重新运行。",
)

_NOW = sa.bindparam("now", type_=MOMENT)
_LIMIT = sa.bindparam("limit", type_=sa.BigInteger)
_TOKEN = sa.bindparam("token", type_=sa.BigInteger)
_LENGTH = sa.bindparam("length", type_=sa.Interval)
_IDS = sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))
_clock = sa.func.clock_timestamp(type_=MOMENT)


def new_token() -> int:
    """Return a token that nobody holds."""
    return secrets.randbits(62)


def _free(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.leased_until.is_(None), table.c.leased_until < _clock)


def _lease(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> Statement:
    chosen = (
        sa.select(table.c.id, table.c.attempts, table.c.due_at)
        .where(table.c.due_at <= _NOW, _free(table), *conditions)
        .order_by(table.c.due_at)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    return Statement(
        sa.update(table)
        .where(table.c.id == chosen.c.id)
        .values(token=_TOKEN, leased_until=_clock + _LENGTH)
        .returning(table.c.id, chosen.c.attempts)
    )


_lease_tasks = _lease(task, task.c.problem.is_(None), task.c.attempts < ATTEMPTS)
_lease_deliveries = _lease(delivery, delivery.c.state.in_(("waiting", "late")))


def lease_tasks(
    connection: psycopg.Connection[Any],
    now: datetime,
    limit: int,
    token: int,
    length: timedelta = HANDED,
) -> tuple[list[int], list[int]]:
    """Hold due tasks; return those never tried, and those that were.

    What was tried before goes alone, so that a task that kills its worker takes no others along.
    """
    rows = list(_lease_tasks.run(connection, _values(now, limit, token, length)))
    fresh = sorted(row[0] for row in rows if not row[1])
    return fresh, sorted(row[0] for row in rows if row[1])


def lease_deliveries(
    connection: psycopg.Connection[Any], now: datetime, limit: int, token: int
) -> list[int]:
    """Hold deliveries that are due."""
    values = _values(now, limit, token, HANDED_MAIL)
    return sorted(row[0] for row in _lease_deliveries.run(connection, values))


def _values(now: datetime, limit: int, token: int, length: timedelta) -> dict[str, Any]:
    return {"now": now, "limit": limit, "token": token, "length": length}


_begin = Statement(
    sa.update(task)
    .where(task.c.id == sa.func.any(_IDS), task.c.token == _TOKEN)
    .values(leased_until=_clock + _LENGTH, attempts=task.c.attempts + 1)
    .returning(task.c.id)
)


def begin_tasks(
    connection: psycopg.Connection[Any], ids: Sequence[int], token: int, length: timedelta
) -> list[int]:
    """Hold tasks for the time of running them; return those that are still ours."""
    known = {"ids": list(ids), "token": token, "length": length}
    return sorted(row[0] for row in _begin.run(connection, known))


def release_tasks(connection: psycopg.Connection[Any], ids: Sequence[int], token: int) -> None:
    """Let go of what could not be handed out."""
    _free_tasks.do(connection, {"ids": list(ids), "token": token})


def release_deliveries(connection: psycopg.Connection[Any], ids: Sequence[int], token: int) -> None:
    """Let go of what could not be handed out."""
    _free_deliveries.do(connection, {"ids": list(ids), "token": token})


def _freeing(table: sa.Table) -> Statement:
    own = sa.and_(table.c.id == sa.func.any(_IDS), table.c.token == _TOKEN)
    return Statement(sa.update(table).where(own).values(leased_until=None))


_free_tasks, _free_deliveries = _freeing(task), _freeing(delivery)


def _putting_aside() -> sa.Update:
    reason = sa.cast(sa.bindparam("reason", type_=sa.Text), JSONB)
    poison = (
        sa.update(task)
        .where(
            task.c.problem.is_(None),
            task.c.attempts >= ATTEMPTS,
            task.c.due_at <= _NOW,
            _free(task),
        )
        .values(problem=reason, leased_until=None)
        .returning(task.c.firing)
        .cte("poison")
    )
    return (
        sa.update(firing)
        .where(firing.c.id == poison.c.firing)
        .values(state="failed", reason=reason, ended_at=_NOW)
    )


_put_aside = Statement(_putting_aside())


def put_aside_poison(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Put tasks aside that killed their worker every time; return how many."""
    reason = orjson.dumps(dict(_POISON.texts)).decode()
    return _put_aside.run(connection, {"now": now, "reason": reason}).rowcount


_rerun = Statement(
    sa.update(task)
    .where(task.c.id == sa.func.any(_IDS), task.c.problem.is_not(None))
    .values(problem=None, attempts=0, leased_until=None, due_at=_NOW)
    .returning(task.c.firing)
)
_rerun_all = Statement(
    sa.update(task)
    .where(task.c.problem.is_not(None))
    .values(problem=None, attempts=0, leased_until=None, due_at=_NOW)
    .returning(task.c.firing)
)
_due_again = Statement(
    sa.update(firing)
    .where(firing.c.id == sa.func.any(_IDS), firing.c.state == "failed")
    .values(state="due", reason=None, ended_at=None)
)


def rerun(connection: psycopg.Connection[Any], ids: Sequence[int], now: datetime) -> int:
    """Have tasks that were put aside run once more; return how many."""
    return _due(connection, _rerun.run(connection, {"ids": list(ids), "now": now}))


def rerun_all(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Have everything that was put aside run once more; return how many."""
    return _due(connection, _rerun_all.run(connection, {"now": now}))


def _due(connection: psycopg.Connection[Any], rows: Iterable[Sequence[Any]]) -> int:
    firings = [row[0] for row in rows]
    if firings:
        _due_again.do(connection, {"ids": firings})
    return len(firings)
