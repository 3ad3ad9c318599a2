"""The SQL side of the language's functions; ``runtime`` is the other.

Each takes the environment of the statement and its arguments as columns, and is NULL where an
argument is, unless its function sees empty values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.expressions.moments import UNITS
from app.expressions.patterns import LONGEST_TEXT, Pattern
from app.expressions.problems import ExpressionProblem
from app.expressions.runtime import (
    DIVISION_PLACES,
    FARTHEST_WORKING_DAYS,
    GUARD_PLACES,
    reach,
)
from app.expressions.sources import SQLEnvironment
from app.expressions.sql_days import working_days_up_to

Column = sa.ColumnElement[Any]
MOMENT = pg.TIMESTAMP(timezone=True)


def number(column: Column) -> Column:
    """Return a column as ``numeric``, so that nothing overflows or is cut off."""
    if isinstance(column.type, sa.Numeric) and not isinstance(column.type, sa.Float):
        return column
    return sa.cast(column, sa.Numeric)


def literal_number(value: Any) -> Column:
    """Return a number that stands in the expression."""
    return sa.literal(value, sa.Numeric())


def quotient(left: Column, right: Column) -> Column:
    """Return a quotient with many decimals, NULL for a division by 0."""
    return sa.func.round(number(left), GUARD_PLACES, type_=sa.Numeric) / sa.func.nullif(
        number(right), 0, type_=sa.Numeric
    )


def calculate(operator: str, left: Column, right: Column) -> Column:
    """Return two numbers calculated exactly."""
    left, right = number(left), number(right)
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator == "/":
        return sa.func.round(quotient(left, right), DIVISION_PLACES, type_=sa.Numeric)
    whole = sa.func.floor(quotient(left, right), type_=sa.Numeric)
    return whole if operator == "//" else left - right * whole


def round_half_up(_: SQLEnvironment, value: Column, places: Any = 0) -> Column:
    """Round to so many decimals; PostgreSQL rounds halves of ``numeric`` away from zero."""
    return sa.func.round(number(value), sa.literal(int(places), sa.Integer()), type_=sa.Numeric)


def absolute(_: SQLEnvironment, value: Column) -> Column:
    """Return the number without its sign."""
    return sa.func.abs(value, type_=value.type)


def one_type(values: Sequence[Column]) -> list[Column]:
    """Return columns of one SQL type: integers and ``numeric`` may stand side by side."""
    if any(isinstance(value.type, sa.Numeric) for value in values):
        return [number(value) for value in values]
    return list(values)


def greatest(_: SQLEnvironment, *values: Column) -> Column:
    """Return the greatest value; PostgreSQL passes over NULL."""
    alike = one_type(values)
    return sa.func.greatest(*alike, type_=alike[0].type)


def least(_: SQLEnvironment, *values: Column) -> Column:
    """Return the least value."""
    alike = one_type(values)
    return sa.func.least(*alike, type_=alike[0].type)


def total(_: SQLEnvironment, *values: Column) -> Column:
    """Add up the values that are there."""
    terms = [sa.func.coalesce(number(value), literal_number(0)) for value in values]
    result: Column = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def local(environment: SQLEnvironment, moment: Column) -> Column:
    """Return a moment on the company's clocks."""
    return sa.func.timezone(environment.calendar.time_zone, moment, type_=pg.TIMESTAMP())


def next_day(day: Column) -> Column:
    """Return the day after a day."""
    return day.op("+", return_type=sa.Date())(_digits(1))


def midnight(environment: SQLEnvironment, day: Column) -> Column:
    """Return the moment a day begins."""
    wall = sa.cast(day, pg.TIMESTAMP())
    return sa.func.timezone(environment.calendar.time_zone, wall, type_=MOMENT)


def day_of(environment: SQLEnvironment, value: Column) -> Column:
    """Return the company's day of a day or moment."""
    return value if isinstance(value.type, sa.Date) else sa.cast(local(environment, value), sa.Date)


def as_text(environment: SQLEnvironment, value: Column, pattern: list[str] | None = None) -> Column:
    """Return a value as text, a day or moment by a pattern."""
    kind = value.type
    if isinstance(kind, (sa.Date, sa.DateTime)):
        wall = sa.cast(value, pg.TIMESTAMP()) if isinstance(kind, sa.Date) else value
        wall = local(environment, value) if isinstance(kind, sa.DateTime) else wall
        iso = "YYYY-MM-DD" if isinstance(kind, sa.Date) else "YYYY-MM-DD HH24:MI"
        return sa.func.to_char(wall, _char_pattern(pattern) if pattern else iso, type_=sa.Text)
    if isinstance(kind, sa.Boolean):
        return sa.case((value, "yes"), else_="no")
    if isinstance(kind, (sa.Numeric, sa.Integer)):
        return sa.cast(sa.func.trim_scale(number(value)), sa.Text)
    return value if isinstance(kind, sa.String) else sa.cast(value, sa.Text)


def _char_pattern(pattern: list[str]) -> str:
    signs = {
        "yyyy": "YYYY",
        "yy": "YY",
        "MM": "MM",
        "M": "FMMM",
        "dd": "DD",
        "d": "FMDD",
        "HH": "HH24",
        "mm": "MI",
        "ss": "SS",
        "Q": "Q",
    }
    pieces = []
    for piece in pattern:
        if piece[0] == "%":
            pieces.append(signs[piece[1:]])
        else:
            escaped = piece[1:].replace("\\", "\\\\").replace('"', '\\"')
            pieces.append(f'"{escaped}"')
    return "".join(pieces)


def join(environment: SQLEnvironment, separator: Column, *values: Column) -> Column:
    """Return the values that are there as one text."""
    pieces = [
        sa.func.nullif(
            sa.func.array_to_string(value, sa.func.coalesce(separator, "")), "", type_=sa.Text
        )
        if isinstance(value.type, sa.ARRAY)
        else as_text(environment, value)
        for value in values
    ]
    return sa.func.nullif(
        sa.func.concat_ws(sa.func.coalesce(separator, ""), *pieces), "", type_=sa.Text
    )


def lower(_: SQLEnvironment, value: Column) -> Column:
    """Return the text in small letters."""
    return sa.func.lower(value, type_=sa.Text)


def trim(_: SQLEnvironment, value: Column) -> Column:
    """Return the text without blanks around it."""
    return sa.func.nullif(sa.func.btrim(value, " \t\r\n\u3000"), "", type_=sa.Text)


def _escaped(part: Column) -> Column:
    if isinstance(part, sa.BindParameter) and isinstance(part.value, str):
        text = part.value
        for sign in "\\%_":
            text = text.replace(sign, "\\" + sign)
        return sa.literal(text, sa.Text())
    for sign in "\\%_":
        part = sa.func.replace(part, sign, "\\" + sign, type_=sa.Text)
    return part


def contains(_: SQLEnvironment, value: Column, part: Column) -> Column:
    """Tell whether a text holds another, whatever the case; a trigram index serves it."""
    return value.ilike(_pattern("%", _escaped(part), "%"), escape="\\")


def starts(_: SQLEnvironment, value: Column, part: Column) -> Column:
    """Tell whether a text begins with another, whatever the case."""
    return value.ilike(_pattern("", _escaped(part), "%"), escape="\\")


def _pattern(before: str, middle: Column, after: str) -> Column:
    if isinstance(middle, sa.BindParameter):
        return sa.literal(f"{before}{middle.value}{after}", sa.Text())
    return sa.literal(before, sa.Text()) + middle + sa.literal(after, sa.Text())


def _beginning(value: Column) -> Column:
    return sa.func.left(value, _digits(LONGEST_TEXT), type_=sa.Text)


def matches(_: SQLEnvironment, value: Column, pattern: Pattern) -> Column:
    """Tell whether a pattern is found in a text."""
    return _beginning(value).op("~", is_comparison=True)(sa.literal(pattern.sql, sa.Text()))


def extract(_: SQLEnvironment, value: Column, pattern: Pattern) -> Column:
    """Return the first place of a text that fits a pattern."""
    found = sa.func.regexp_substr(_beginning(value), pattern.sql)
    return sa.func.nullif(found, "", type_=sa.Text)


def days_between(environment: SQLEnvironment, first: Column, last: Column) -> Column:
    """Count how often the day changes from one to the other."""
    days = sa.type_coerce(day_of(environment, last), sa.Date).op("-", return_type=sa.Integer())
    return days(day_of(environment, first))


def working_day_table(environment: SQLEnvironment) -> sa.FromClause:
    """Return the table of working days under a new name."""
    table = environment.working_days()
    if table is None:
        raise ExpressionProblem(
            "no-working-days", "Working days cannot be counted here: the calendar has no table."
        )
    return table.alias()


def scalar(column: Column, table: sa.FromClause, condition: Column) -> Column:
    """Return one value of a table, as a subquery."""
    query = sa.select(column).select_from(table).where(condition).correlate_except(table)
    return query.scalar_subquery()


def _running_number(environment: SQLEnvironment, day: Column) -> Column:
    found = working_days_up_to(working_day_table(environment), day)
    # No working day before it counts as none, but an empty day must stay empty.
    return sa.case((day.is_not(None), sa.func.coalesce(found, 0)))


def working_days_between(environment: SQLEnvironment, first: Column, last: Column) -> Column:
    """Count the working days after one up to and with the other."""
    start, end = day_of(environment, first), day_of(environment, last)
    return _running_number(environment, end) - _running_number(environment, start)


def next_working_day(environment: SQLEnvironment, day: Column) -> Column:
    """Return the working day after a day."""
    table = working_day_table(environment)
    return scalar(sa.func.min(table.c.day), table, table.c.day > day_of(environment, day))


def previous_working_day(environment: SQLEnvironment, day: Column) -> Column:
    """Return the working day before a day."""
    table = working_day_table(environment)
    return scalar(sa.func.max(table.c.day), table, table.c.day < day_of(environment, day))


def add_working_days(environment: SQLEnvironment, day: Column, count: Column) -> Column:
    """Return the working day so many of them after or before a day."""
    table, own = working_day_table(environment), working_day_table(environment)
    steps = sa.case((sa.func.abs(count) <= FARTHEST_WORKING_DAYS, _whole(count)))
    is_working = scalar(sa.func.count(), own, own.c.day == day)
    # Counted backwards from a day off, the last working day before it is the first step.
    behind = sa.case((steps < 0, 1 - is_working), else_=0)
    wanted = _running_number(environment, day) + steps + behind
    found = scalar(table.c.day, table, table.c.number == wanted)
    return sa.case((steps == 0, day), else_=found)


def date_part(part: str) -> Callable[[SQLEnvironment, Column], Column]:
    """Return the function that tells one part of a day."""
    name = "isodow" if part == "weekday" else part

    def read(environment: SQLEnvironment, day: Column) -> Column:
        return sa.cast(sa.extract(name, day_of(environment, day)), sa.Numeric)

    return read


def _interval(months: Any = 0, days: Any = 0, seconds: Any = 0) -> Column:
    lengths = [0, months, 0, days, 0, 0, seconds]
    # Fixed numbers of ours need no parameter each.
    written = [_digits(length) if isinstance(length, int) else length for length in lengths]
    return sa.func.make_interval(*written, type_=pg.INTERVAL)


def _digits(whole: int) -> Column:
    return sa.literal_column(str(int(whole)), sa.Integer())


def _whole(count: Column) -> Column:
    return sa.cast(sa.func.trunc(number(count)), sa.Integer)


def _times(whole: Column, factor: int) -> Column:
    return whole if factor == 1 else whole * _digits(factor)


def _within_reach(count: Column, most: int, made: Column) -> Column:
    if isinstance(count, sa.BindParameter) and count.value is not None:
        return made if abs(count.value) <= most else sa.cast(sa.null(), made.type)
    return sa.case((sa.func.abs(count) <= most, made))


def calendar_length(months: int, days: int) -> Callable[[SQLEnvironment, Column], Column]:
    """Return the function that makes durations of whole months or days."""

    def make(_: SQLEnvironment, count: Column) -> Column:
        whole = _whole(count)
        length = {"months": months} if months else {"days": days}
        made = _interval(**{unit: _times(whole, factor) for unit, factor in length.items()})
        return _within_reach(count, reach(months, days), made)

    return make


def elapsed_length(seconds: int) -> Callable[[SQLEnvironment, Column], Column]:
    """Return the function that makes durations of so many seconds."""

    def make(_: SQLEnvironment, count: Column) -> Column:
        exact = sa.func.round(number(count) * seconds, 6, type_=sa.Numeric)
        made = _interval(seconds=sa.cast(exact, sa.Double))
        return _within_reach(count, reach(0, 0, seconds), made)

    return make


def elapsed(interval: Column) -> Column:
    """Return an interval as seconds that pass, without days of the calendar."""
    return _interval(seconds=sa.cast(sa.extract("epoch", interval), sa.Double))


#: The first day of a period and the day after it.
Bounds = tuple[Column, Column]


def _shifted(unit: str, day: Column, count: Any) -> Column:
    months, days = UNITS[unit]
    if not months:
        step = _digits(days * count) if isinstance(count, int) else days * count
        return day.op("+", return_type=sa.Date())(step)
    length = _interval(months=months * count)
    return sa.cast(day.op("+", return_type=pg.TIMESTAMP())(length), sa.Date)


def period_near(distance: int) -> Callable[[SQLEnvironment, str], Bounds]:
    """Return the function for this, the previous or the next unit."""

    def make(environment: SQLEnvironment, unit: str) -> Bounds:
        wall = sa.cast(environment.today, pg.TIMESTAMP())
        start = sa.cast(sa.func.date_trunc(unit, wall), sa.Date)
        first = _shifted(unit, start, distance) if distance else start
        return first, _shifted(unit, start, distance + 1)

    return make


def last_days(environment: SQLEnvironment, count: Column, unit: str) -> Bounds:
    """Return the period of so many units back up to and with today."""
    today = environment.today
    first = _within_reach(count, reach(*UNITS[unit]), _shifted(unit, today, -_whole(count)))
    return first, _shifted("day", today, 1)


def coming_days(environment: SQLEnvironment, count: Column, unit: str) -> Bounds:
    """Return the period from today of so many units ahead."""
    today = environment.today
    after = _shifted("day", _shifted(unit, today, _whole(count)), 1)
    return today, _within_reach(count, reach(*UNITS[unit]), after)


def now(environment: SQLEnvironment) -> Column:
    """Return the moment."""
    return environment.now


def today(environment: SQLEnvironment) -> Column:
    """Return the company's day."""
    return environment.today


def size(_: SQLEnvironment, values: Column) -> Column:
    """Count many values."""
    return sa.func.coalesce(sa.func.cardinality(values), 0, type_=sa.Integer)
