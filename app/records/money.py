"""Amounts in the base currency, kept beside amounts that may be in another.

The rate is that of the day the amount last changed: sums over records neither change overnight nor
compare yen with euros.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.database import system
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work

_rate = Statement(
    sa.select(system.rate.c.rate)
    .where(
        system.rate.c.currency == sa.bindparam("currency"),
        system.rate.c.day <= sa.bindparam("day", type_=sa.Date),
    )
    .order_by(system.rate.c.day.desc())
    .limit(1)
)


def fill_base_amounts(
    work: Work,
    rows: EntityRows,
    columns: dict[str, Any],
    old_row: Mapping[str, Any] | None,
    parent_row: Mapping[str, Any] | None = None,
) -> None:
    """Put the base amount of every amount that *columns* change beside it.

    *parent_row* is the record around a row of lines, whose currency counts there.
    """
    for field, base, source in rows.lists.amounts:
        if field.name not in columns and source not in columns:
            continue
        old = old_row or {}
        amount = columns.get(field.name, old.get(field.name))
        if source.startswith("parent."):
            currency = (parent_row or {}).get(source.removeprefix("parent."))
        else:
            currency = columns.get(source, old.get(source))
        columns[base] = None if amount is None else amount * rate_of(work, currency)


def rate_of(work: Work, currency: str | None) -> Decimal:
    """Return the rate to the base currency of the business day; 1 where none is known."""
    if currency is None or currency == work.release.catalog.app.currencies[0]:
        return Decimal(1)
    day = work.calendar.day(work.now)
    row = _rate.run(work.connection, {"currency": currency, "day": day}).fetchone()
    return Decimal(row[0]) if row else Decimal(1)
