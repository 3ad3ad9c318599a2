"""Write values in SQL: constants, arithmetic, conversions, what stands in for what."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.expressions import sql_functions as functions
from app.expressions.sources import sql_type
from app.expressions.sql_functions import elapsed, number
from app.expressions.sql_working_time import add_working_hours
from app.expressions.tree import (
    Arithmetic,
    Call,
    Conditional,
    Constant,
    Convert,
    FirstFilled,
    Negative,
    Node,
    Series,
)
from app.expressions.types import DAYS, Kind, Type

if TYPE_CHECKING:
    from app.expressions.sql import Writer

Column = sa.ColumnElement[Any]

#: Values that are empty as soon as one of their parts is.
STRICT = (Arithmetic, Negative, Convert)


def literal(value: Any, type_: Type) -> Column:
    """Return a fixed value as a parameter."""
    if value is None:
        return sa.cast(sa.null(), sql_type(type_))
    if isinstance(value, Decimal):
        return functions.literal_number(value)
    return sa.literal(value, sql_type(type_))


def beside(column: Column, node: Node) -> Column | None:
    """Return a fixed whole number as an integer where it meets an integer column.

    As ``numeric`` it would keep PostgreSQL from using the column's index.
    """
    value: Any = node.value if isinstance(node, Constant) else None
    if not isinstance(value, (Decimal, int)) or not isinstance(column.type, sa.Integer):
        return None
    biggest = 2**63 if isinstance(column.type, sa.BigInteger) else 2**31
    if value == int(value) and -biggest < value < biggest:
        return sa.literal(int(value), column.type)
    return None


def _constant(writer: "Writer", node: Constant) -> Column:
    value = node.value
    if isinstance(value, datetime) and value.tzinfo is None:
        # The calendar is part of the catalog, so the moment is as fixed as the text.
        value = writer.environment.calendar.moment(value)
    return literal(value, node.type)


def _arithmetic(writer: "Writer", node: Arithmetic) -> Column:
    kinds = (node.left.type.kind, node.right.type.kind)
    if not {Kind.duration, *DAYS} & set(kinds):
        return functions.calculate(node.operator, writer.value(node.left), writer.value(node.right))
    if isinstance(node.right, Conditional) and kinds[0] in DAYS:
        return _by_case(writer, node, node.right)
    left = writer.value(node.left)
    if kinds == (Kind.datetime, Kind.datetime):
        return elapsed(left.op("-", return_type=pg.INTERVAL())(writer.value(node.right)))
    if node.right.type.unit == "working":
        return _working(writer, node, left)
    moved: Column
    right = writer.value(node.right)
    if kinds == (Kind.duration, Kind.duration):
        return left.op(node.operator, return_type=pg.INTERVAL())(right)
    if node.type.kind is Kind.date:
        moved = sa.cast(left.op(node.operator, return_type=pg.TIMESTAMP())(right), sa.Date)
    else:
        zone = writer.environment.calendar.time_zone
        move = sa.func.date_add if node.operator == "+" else sa.func.date_subtract
        moved = move(left, right, zone, type_=functions.MOMENT)
    return moved if _is_near(node.left) else _within_years(moved)


def _is_near(node: Node) -> bool:
    """Tell whether a day is not far from today, so that moving it stays within the years."""
    if isinstance(node, Arithmetic):
        return _is_near(node.left)
    return isinstance(node, Call) and node.function.name in ("now", "today")


def _within_years(day: Column) -> Column:
    """Return a day or moment, NULL outside the years 1 to 9999, which Python knows alone.

    ``least`` and ``greatest`` pass over NULL, so an empty day becomes a bound and then NULL again.
    """
    after = sa.cast(sa.literal("10000-01-01"), day.type)
    before = sa.cast(sa.literal("0001-12-31 BC"), day.type)
    early = sa.func.nullif(sa.func.least(day, after), after, type_=day.type)
    return sa.func.nullif(sa.func.greatest(early, before), before, type_=day.type)


def _working(writer: "Writer", node: Arithmetic, left: Column) -> Column:
    """Add working days or working hours."""
    right = node.right
    sign = -1 if node.operator == "-" else 1
    if isinstance(right, Negative):
        right, sign = right.item, -sign
    if not isinstance(right, Call) or right.function.name not in ("working_days", "working_hours"):
        raise writer.unknown_to_sql(
            "The database adds working days and working hours, but no sum of them.", node
        )
    environment = writer.environment
    count = functions.number(writer.value(right.arguments[0])) * sign
    if right.function.name == "working_hours":
        return add_working_hours(environment, left, count)
    if node.type.kind is Kind.date:
        return functions.add_working_days(environment, left, count)
    wall = functions.local(environment, left)
    day = functions.add_working_days(environment, sa.cast(wall, sa.Date), count)
    moved = sa.cast(day, pg.TIMESTAMP()).op("+", return_type=pg.TIMESTAMP())(
        sa.cast(wall, sa.Time())
    )
    found = sa.func.timezone(environment.calendar.time_zone, moved, type_=functions.MOMENT)
    # The way over the clock on the wall would lose which of two equal times it was.
    return sa.case((sa.func.trunc(count) == 0, left), else_=found)


def _by_case(writer: "Writer", node: Arithmetic, length: Conditional) -> Column:
    """Add one duration or another: a table of them may mix what the calendar and work measure."""
    yes, no = (writer.value(replace(node, right=each)) for each in (length.yes, length.no))
    return sa.case((writer.truth(length.test), yes), else_=no)


def _negative(writer: "Writer", node: Negative) -> Column:
    item = writer.value(node.item)
    if node.type.kind is Kind.duration:
        nothing = sa.func.make_interval(type_=pg.INTERVAL)
        return nothing.op("-", return_type=pg.INTERVAL())(item)
    return -number(item)


def _convert(writer: "Writer", node: Convert) -> Column:
    item, environment = writer.value(node.item), writer.environment
    kinds = (node.item.type.kind, node.type.kind)
    if kinds[0] is Kind.any:
        raise writer.unknown_to_sql("What comes from outside is known in rules only.", node)
    if kinds == (Kind.date, Kind.datetime):
        return functions.midnight(environment, item)
    if kinds == (Kind.datetime, Kind.date):
        return functions.day_of(environment, item)
    factor = Decimal(100) if node.type.kind is Kind.percent else Decimal("0.01")
    return number(item) * functions.literal_number(factor)


def _first_filled(writer: "Writer", node: FirstFilled) -> Column:
    values = functions.one_type([writer.value(item) for item in node.items])
    if node.type.kind is Kind.many:
        values = [_or_null(value, node.type) for value in values]
    return sa.func.coalesce(*values, type_=values[0].type)


def _conditional(writer: "Writer", node: Conditional) -> Column:
    yes, no = functions.one_type([writer.value(node.yes), writer.value(node.no)])
    return sa.case((writer.truth(node.test), yes), else_=no)


def _series(writer: "Writer", node: Series) -> Column:
    type_ = sql_type(node.type)
    array = sa.cast(pg.array([writer.value(item) for item in node.items]), type_)
    return _or_null(sa.func.array_remove(array, sa.null(), type_=type_), node.type)


def _or_null(values: Column, type_: Type) -> Column:
    """Return many values, NULL where there are none."""
    none = sa.cast(pg.array([]), sql_type(type_))
    return sa.func.nullif(values, none, type_=values.type)


WRITERS: Mapping[type[Node], Callable[["Writer", Any], Column]] = {
    Constant: _constant,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Convert: _convert,
    FirstFilled: _first_filled,
    Conditional: _conditional,
    Series: _series,
}


def _average(value: Column) -> Column:
    return functions.calculate("/", sa.func.sum(number(value)), sa.func.count(value))


def _sum(value: Column) -> Column:
    if isinstance(value.type, sa.Interval):
        return sa.func.sum(value, type_=pg.INTERVAL)
    return sa.func.coalesce(sa.func.sum(number(value)), 0, type_=sa.Numeric)


#: What is selected from other records, by the function that asks.
AGGREGATES: Mapping[str, Callable[[Column], Column]] = {
    "count": lambda _: sa.func.count(),
    "sum": _sum,
    "avg": _average,
    "lowest": lambda value: sa.func.min(value, type_=value.type),
    "highest": lambda value: sa.func.max(value, type_=value.type),
    "pick": lambda value: value,
}
