"""Write comparisons in SQL, so that indexes stay usable.

Every function returns a condition that is true where the expression is; it may be NULL where the
expression is false. ``sql.Writer`` makes it exact where that matters.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.expressions import sql_functions as functions
from app.expressions.python_comparing import bounds
from app.expressions.sources import sql_type
from app.expressions.sql_values import beside
from app.expressions.tree import (
    Among,
    Call,
    Compare,
    Constant,
    Node,
    OneOf,
    Path,
    Within,
)
from app.expressions.types import Kind, Type

if TYPE_CHECKING:
    from app.expressions.sql import Writer

Column = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

_OPERATORS: Mapping[str, Callable[[Column, Column], Condition]] = {
    "==": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def filled(writer: "Writer", item: Node) -> Condition:
    """Return that a value is there."""
    kind = item.type.kind
    if kind is Kind.boolean:
        return sa.true()
    if kind is Kind.parts and isinstance(item, Path):
        parts = [
            writer.path(
                Path(type=type_, root=item.root, hops=item.hops, name=f"{item.name}.{part}")
            ).is_not(None)
            for part, type_ in item.type.parts.items()
        ]
        return sa.or_(*parts)
    value = writer.value(item)
    if kind is Kind.many:
        return sa.func.cardinality(value) > 0
    return value.is_not(None)


def _compare(writer: "Writer", node: Compare) -> Condition:
    kinds = (node.left.type.kind, node.right.type.kind)
    if kinds in ((Kind.datetime, Kind.date), (Kind.date, Kind.datetime)):
        return _compare_days(writer, node)
    if node.operator != "==" and kinds == (Kind.choice, Kind.choice):
        return _compare_ranks(writer, node)
    if kinds == (Kind.record, Kind.record):
        return _compare_records(writer, node)
    left, right = _pair(writer, node.left, node.right)
    if node.operator != "==" and Kind.text in kinds:
        # One order on every server, the one Python has.
        left = sa.collate(left, "C")
    return _OPERATORS[node.operator](left, right)


def _pair(writer: "Writer", left: Node, right: Node) -> tuple[Column, Column]:
    one, other = writer.value(left), writer.value(right)
    as_integer = beside(one, right)
    if as_integer is not None:
        return one, as_integer
    as_integer = beside(other, left)
    return (as_integer, other) if as_integer is not None else (one, other)


def _compare_days(writer: "Writer", node: Compare) -> Condition:
    """Compare a moment with a day by the moments that the day begins and ends."""
    operator, moment, day = node.operator, node.left, node.right
    if moment.type.kind is Kind.date:
        operator, moment, day = _MIRRORED[operator], day, moment
    value = writer.value(moment)
    begins, ends = _bounds(writer, day)
    if operator == "==":
        return sa.and_(value >= begins, value < ends)
    if operator in ("<", ">="):
        return value < begins if operator == "<" else value >= begins
    return value < ends if operator == "<=" else value >= ends


def _bounds(writer: "Writer", day: Node) -> tuple[Column, Column]:
    """Return the moments at which a day begins and ends."""
    environment = writer.environment
    if isinstance(day, Constant):
        moments = bounds(environment.calendar, cast("date", day.value))
        return cast(
            "tuple[Column, Column]", tuple(sa.literal(m, functions.MOMENT) for m in moments)
        )
    column = writer.value(day)
    return (
        functions.midnight(environment, column),
        functions.midnight(environment, functions.next_day(column)),
    )


def _compare_ranks(writer: "Writer", node: Compare) -> Condition:
    """Compare options by their order; with a fixed one it is a list of options."""
    operator, left, right = node.operator, node.left, node.right
    if isinstance(left, Constant):
        operator, left, right = _MIRRORED[operator], right, left
    options = left.type.options
    if isinstance(right, Constant):
        place = options.index(right.value)
        first, after = {
            "<": (0, place),
            "<=": (0, place + 1),
            ">": (place + 1, None),
            ">=": (place, None),
        }[operator]
        return _any(writer.value(left), list(options[first:after]), left.type)
    order = sa.literal(list(options), pg.ARRAY(sa.Text()))
    ranks = [
        sa.func.array_position(order, sa.cast(writer.value(side), sa.Text), type_=sa.Integer)
        for side in (left, right)
    ]
    return _OPERATORS[operator](*ranks)


def _any(value: Column, choices: list[Any], type_: Type) -> Condition:
    """Return that a value is one of several: one parameter, however many they are."""
    item = value.type if isinstance(value.type, sa.Integer) else sql_type(type_)
    return value == sa.any_(sa.literal(choices, pg.ARRAY(item)))


def _compare_records(writer: "Writer", node: Compare) -> Condition:
    one, other = node.left.type, node.right.type
    same = writer.value(node.left) == writer.value(node.right)
    if not one.is_any_link and not other.is_any_link:
        return same
    return sa.and_(same, _entity(writer, node.left) == _entity(writer, node.right))


def _entity(writer: "Writer", node: Node) -> Column:
    if not node.type.is_any_link and node.type.entities:
        return sa.literal(node.type.entities[0], sa.Text())
    if not isinstance(node, Path) or not node.name:
        raise writer.unknown_to_sql(
            "Which entity this record is of, the database cannot tell here.", node
        )
    path = Path(type=Type(Kind.text), root=node.root, hops=node.hops, name=f"{node.name}.entity")
    return writer.path(path)


def _one_of(writer: "Writer", node: OneOf) -> Condition:
    value = writer.value(node.item)
    choices = [choice.value for choice in node.choices if isinstance(choice, Constant)]
    if isinstance(value.type, sa.Integer) and not all(
        beside(value, choice) is not None for choice in node.choices
    ):
        value = functions.number(value)
    elif isinstance(value.type, sa.Integer):
        choices = [int(choice) for choice in choices]
    return _any(value, choices, node.item.type)


def _among(writer: "Writer", node: Among) -> Condition:
    item, many = writer.value(node.item), writer.value(node.many)
    found: Condition
    if isinstance(node.many, Path) and node.many.root in ("", "record"):
        # The array is a column, which only ``@>`` can find by an index.
        found = many.op("@>", is_comparison=True)(
            sa.cast(pg.array([item]), sql_type(node.many.type))
        )
    else:
        found = item == sa.any_(many)
    of = node.many.type.item
    if node.item.type.is_any_link and of is not None and len(of.entities) == 1:
        return sa.and_(found, _entity(writer, node.item) == of.entities[0])
    return found


def _within(writer: "Writer", node: Within) -> Condition:
    assert isinstance(node.period, Call)
    first, after = writer.bounds(node.period)
    value = writer.value(node.item)
    if node.item.type.kind is Kind.datetime:
        first = functions.midnight(writer.environment, first)
        after = functions.midnight(writer.environment, after)
    return sa.and_(value >= first, value < after)


WRITERS: Mapping[type[Node], Callable[["Writer", Any], Condition]] = {
    Compare: _compare,
    OneOf: _one_of,
    Among: _among,
    Within: _within,
}
