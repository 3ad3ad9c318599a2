"""Which records of somebody are about to go into a public sea, for the work bench.

When each goes is known to its reminders already; here they are only looked up, under the asker's
row rules. Whether it goes in the end is decided when it is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from app.access.principal import Principal
from app.database.automation_tables import reminder, rule
from app.database.statements import Statement
from app.definitions.automation import Pool
from app.records.context import ReadContext
from app.records.door import Records

#: "About to" is within a week.
SOON = timedelta(days=7)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Departure:
    """A record that goes into a pool at a moment, unless somebody takes care of it."""

    record_id: int
    at: datetime


def leaving_soon(
    records: Records, principal: Principal, pool: Pool, people: Sequence[int], now: datetime
) -> list[Departure]:
    """Return what *people* own that goes into *pool* within a week, the first to go first.

    At most a hundred; nothing where the asker may not read the entity.
    """
    desk = records.reader.desk(principal)
    if not people or not desk.policy.may("read", pool.entity):
        return []
    statement = _statement(desk.context, pool.entity, pool.name)
    values = records.reader.runner.values(statement, principal, desk.release.catalog)
    values |= {"people": list(people), "until": now + SOON}
    rows = records.reader.runner.run(statement, values).fetchall()
    return [Departure(number, at) for number, at in rows]


@lru_cache(64)
def _statement(context: ReadContext, entity: str, pool: str) -> Statement:
    table = context.table(entity, "c")
    first = sa.func.min(reminder.c.due_at)
    goes = (
        sa.select(reminder.c.record_id, first.label("at"))
        .join(rule, rule.c.number == reminder.c.rule)
        .join(table, table.c.id == reminder.c.record_id)
        .where(
            rule.c.name.startswith(f"pool:{pool}/recycle/", autoescape=True),
            reminder.c.entity == context.release.numbers[entity],
            reminder.c.due_at <= sa.bindparam("until", type_=sa.DateTime(timezone=True)),
            sa.not_(reminder.c.suspended),
            table.c.owner == sa.func.any(sa.bindparam("people", type_=sa.ARRAY(sa.BigInteger))),
            *context.living(table),
            context.rows(entity, table),
        )
        .group_by(reminder.c.record_id)
        .order_by(first, reminder.c.record_id)
        .limit(_MOST)
    )
    return Statement(goes)
