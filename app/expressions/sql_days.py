"""Counting working days by the table that numbers them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def working_days_up_to(table: sa.FromClause, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return how many working days there were up to and with a day; NULL where there was none.

    That is the number of the last of them. Asked for as the greatest number, PostgreSQL would read
    the numbers from the end, all the years ahead, for every row.
    """
    last = sa.select(table.c.number).where(table.c.day <= day).correlate_except(table)
    last = last.order_by(table.c.day.desc()).limit(sa.literal_column("1"))
    return last.scalar_subquery()
