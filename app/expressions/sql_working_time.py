"""Working time in SQL: `+ working_hours(8)` counted over the table of working days.

Every working day is as long as the others, so the moment that lies some working time after another
is found by its distance from the first day of the table, without walking from day to day. It
differs from ``Calendar.add_working_time`` only if clocks are moved during working hours.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.expressions import sql_functions as functions
from app.expressions.runtime import FARTHEST_WORKING_DAYS
from app.expressions.sources import SQLEnvironment
from app.expressions.sql_days import working_days_up_to

Column = sa.ColumnElement[Any]
Span = tuple[int, int]


def add_working_hours(environment: SQLEnvironment, moment: Column, hours: Column) -> Column:
    """Return the moment by which so many working hours have passed; NULL beyond the table."""
    spans = _spans(environment)
    length = sum(end - start for start, end in spans)
    if not length:
        return sa.cast(sa.null(), functions.MOMENT)
    # A row of its own, since what follows asks for each of its values several times.
    wall = functions.local(environment, moment)
    day = sa.cast(wall, sa.Date)
    given = _row(
        moment.label("moment"),
        sa.func.round(hours * 3600, 6, type_=sa.Numeric).label("wanted"),
        day.label("day"),
        functions.number(sa.extract("epoch", sa.cast(wall, sa.Time()))).label("clock"),
    )
    worked = _worked(environment, given, spans, length)
    asked = _row(given.c.moment, given.c.wanted, (worked + given.c.wanted).label("target"))
    target = asked.c.target
    ahead = asked.c.wanted > 0
    number = sa.case(
        (ahead, sa.func.ceil(target / length, type_=sa.Numeric)),
        else_=sa.func.floor(target / length, type_=sa.Numeric) + 1,
    )
    rest = target - (number - 1) * length
    table = functions.working_day_table(environment)
    found = functions.scalar(table.c.day, table, table.c.number == sa.cast(number, sa.Integer))
    at = sa.cast(found, pg.TIMESTAMP()).op("+", return_type=pg.TIMESTAMP())(
        sa.func.make_interval(
            0, 0, 0, 0, 0, 0, sa.cast(_clock(rest, spans, ahead), sa.Double), type_=pg.INTERVAL
        )
    )
    result = sa.func.timezone(environment.calendar.time_zone, at, type_=functions.MOMENT)
    chosen = sa.case(
        (asked.c.wanted == 0, asked.c.moment),
        (sa.func.abs(asked.c.wanted) <= FARTHEST_WORKING_DAYS * 3600, result),
    )
    both = given.join(asked, sa.true())
    return sa.select(chosen).select_from(both).correlate_except(given, asked).scalar_subquery()


def _row(*columns: Column) -> Any:
    """Return a row of worked-out values that may ask for whatever stands around it."""
    nothing = sa.table("nothing")
    return sa.select(*columns).correlate_except(nothing).lateral()


def _spans(environment: SQLEnvironment) -> list[Span]:
    """Return the working hours of a day in seconds since midnight."""
    return [
        (start.hour * 3600 + start.minute * 60, end.hour * 3600 + end.minute * 60)
        for start, end in environment.calendar.hours
    ]


def _worked(environment: SQLEnvironment, given: Any, spans: list[Span], length: int) -> Column:
    """Return the working time from the first day of the table to a moment, in seconds."""
    own = functions.working_day_table(environment)
    is_working = functions.scalar(sa.func.count(), own, own.c.day == given.c.day)
    table = functions.working_day_table(environment)
    days = working_days_up_to(table, given.c.day)
    today: Column = functions.literal_number(0)
    for start, end in spans:
        part = sa.func.least(given.c.clock, sa.literal_column(str(end))) - start
        today = today + sa.func.greatest(part, 0, type_=sa.Numeric)
    return (days - is_working) * length + is_working * today


def _clock(rest: Column, spans: list[Span], ahead: Column) -> Column:
    """Return the time of day at which so much of a working day has passed.

    Where one span ends the next begins: counted ahead it is the end, counted back the beginning.
    """
    before, whens = 0, []
    for start, end in spans:
        after = before + end - start
        within = sa.case((ahead, rest <= after), else_=rest < after)
        whens.append((within, rest + (start - before)))
        before = after
    return sa.case(*whens)
