"""The table of working days, kept as the live calendar has them."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.system import working_day
from app.expressions.calendar import Calendar, working_day_rows

#: Years before and after this one that statements can count in.
YEARS_BACK, YEARS_AHEAD = 6, 10


def write_working_days(connection: sa.Connection, calendar: Calendar, today: date) -> bool:
    """Make the table what *calendar* says around *today*; return whether it was something else."""
    first = date(today.year - YEARS_BACK, 1, 1)
    last = date(today.year + YEARS_AHEAD, 12, 31)
    days = [day for day, _ in working_day_rows(calendar, first, last)]
    known = connection.execute(sa.select(working_day.c.day).order_by(working_day.c.number))
    if list(known.scalars()) == days:
        return False
    connection.execute(sa.delete(working_day))
    numbered = (
        sa.func.unnest(sa.bindparam("days", days, type_=ARRAY(sa.Date)))
        .table_valued(sa.column("day", sa.Date), with_ordinality="number", name="given")
        .render_derived()
    )
    connection.execute(
        sa.insert(working_day).from_select(
            ["day", "number"],
            sa.select(numbered.c.day, sa.cast(numbered.c.number, sa.Integer)),
        )
    )
    return True
