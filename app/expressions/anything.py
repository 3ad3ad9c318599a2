"""Read values that come from outside and whose type nobody declared: ``input.``, answers of calls.

They are JSON: texts, numbers, yes and no. Where an expression needs a date or a number, they are
read as one; what is none is empty, never an error.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.expressions.runtime import Evaluate, PythonContext, plain_number
from app.expressions.tree import Node
from app.expressions.types import Kind

_NUMBER = re.compile(r"[+-]?\d{1,100}(\.\d{1,100})?")


def known(value: Any) -> Any:
    """Return a value from outside as this room knows values."""
    if isinstance(value, float):
        return Decimal(repr(value)) if _NUMBER.fullmatch(repr(value)) else None
    return None if value == "" else value


def _number(_: PythonContext, value: Any) -> Any:
    if isinstance(value, str):
        return Decimal(value.strip()) if _NUMBER.fullmatch(value.strip()) else None
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _day(context: PythonContext, value: Any) -> Any:
    found = _moment(context, value)
    return context.calendar.day(found) if isinstance(found, datetime) else found


def _moment(context: PythonContext, value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value
    if not isinstance(value, str):
        return None
    try:
        if len(value.strip()) <= len("2026-01-31"):
            return date.fromisoformat(value.strip())
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return found if found.tzinfo else context.calendar.moment(found)


def _text(_: PythonContext, value: Any) -> Any:
    if isinstance(value, str):
        return value
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return plain_number(value) if is_number else None


def _boolean(_: PythonContext, value: Any) -> bool:
    return value is True or value in ("true", "yes", 1)


_READERS: Mapping[Kind, Callable[[PythonContext, Any], Any]] = {
    Kind.number: _number,
    Kind.money: _number,
    Kind.percent: _number,
    Kind.date: _day,
    Kind.datetime: _moment,
    Kind.text: _text,
    Kind.choice: _text,
    Kind.boolean: _boolean,
}


def read_as(node: Node, evaluate: Evaluate, kind: Kind, *, exactly: bool = False) -> Evaluate:
    """Return what works *node* out; as a value of *kind* where its type is not known.

    A text that is a day stays one beside a moment, unless *exactly* a moment is asked for.
    """
    reader = _READERS.get(kind)
    if node.type.kind is not Kind.any or reader is None:
        return evaluate

    def read(context: PythonContext) -> Any:
        value = evaluate(context)
        found = None if value is None else reader(context, value)
        if exactly and kind is Kind.datetime and type(found) is date:
            return context.calendar.midnight(found)
        return found if found is not None or kind is not Kind.boolean else False

    return read
