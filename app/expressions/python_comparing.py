"""The Python back end for comparisons."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from app.expressions import moments
from app.expressions.calendar import Calendar
from app.expressions.runtime import COMPARISONS, Evaluate, PythonContext
from app.expressions.tree import Compare
from app.expressions.types import Kind


def compare(node: Compare, left: Evaluate, right: Evaluate) -> Evaluate:
    """Return the function that compares what both sides give."""
    operator = COMPARISONS[node.operator]
    kinds = (node.left.type.kind, node.right.type.kind)
    if kinds in ((Kind.datetime, Kind.date), (Kind.date, Kind.datetime)):
        return _compare_days(node, left, right)
    if node.operator != "==" and kinds == (Kind.choice, Kind.choice):
        rank = {option: place for place, option in enumerate(node.left.type.options)}
        return _compared(operator, _ranked(left, rank), _ranked(right, rank))
    if kinds == (Kind.duration, Kind.duration):
        return _compared(operator, _measured(left), _measured(right))
    if Kind.any in kinds:
        return _compare_anything(operator, left, right)
    return _compared(operator, *_as_records(node, left, right))


def _compared(operator: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate) -> Evaluate:
    def answer(context: PythonContext) -> bool:
        one = left(context)
        if one is None:
            return False
        other = right(context)
        return other is not None and operator(one, other)

    return answer


def _compare_anything(
    operator: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate
) -> Evaluate:
    """Compare values whose types nobody knew; what has no order is never before or after."""
    compared = _compared(operator, left, right)

    def answer(context: PythonContext) -> bool:
        try:
            return bool(compared(context))
        except TypeError:
            return False

    return answer


def _ranked(item: Evaluate, rank: Mapping[str, int]) -> Evaluate:
    return lambda context: rank.get(item(context))


def _measured(item: Evaluate) -> Evaluate:
    def measure(context: PythonContext) -> int | None:
        value = item(context)
        return None if value is None else value.total

    return measure


def _as_records(node: Compare, left: Evaluate, right: Evaluate) -> tuple[Evaluate, Evaluate]:
    """Make ids and pairs of entity and id comparable."""
    one, other = node.left.type, node.right.type
    if one.is_any_link is other.is_any_link or Kind.any in (one.kind, other.kind):
        return left, right
    if one.is_any_link and other.entities:
        return left, _paired(right, other.entities[0])
    return _paired(left, one.entities[0]), right


def within_entity(item: Evaluate, entity: str) -> Evaluate:
    """Return the id of a record of an ``any_link`` if it is of one entity."""

    def read(context: PythonContext) -> Any:
        value = item(context)
        return value[1] if value is not None and value[0] == entity else None

    return read


def _paired(item: Evaluate, entity: str) -> Evaluate:
    def pair(context: PythonContext) -> tuple[str, Any] | None:
        value = item(context)
        return None if value is None else (entity, value)

    return pair


def _compare_days(node: Compare, left: Evaluate, right: Evaluate) -> Evaluate:
    """Compare a moment with a day, which then means the whole of that day."""
    operator = node.operator
    if node.left.type.kind is Kind.date:
        left, right = right, left
        operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)

    def answer(context: PythonContext) -> bool:
        moment, day = left(context), right(context)
        if moment is None or day is None:
            return False
        begins, ends = bounds(context.calendar, day)
        if operator == "==":
            return bool(begins <= moment < ends)
        if operator in ("<", ">="):
            return (moment < begins) is (operator == "<")
        return (moment < ends) is (operator == "<=")

    return answer


def bounds(calendar: Calendar, day: date) -> tuple[datetime, datetime]:
    """Return the moments at which a day begins and ends."""
    if day == date.max:
        return calendar.midnight(day), datetime.max.replace(tzinfo=UTC)
    return calendar.midnight(day), calendar.midnight(moments.shift("day", day, 1))
