"""The Python back end: a checked expression becomes nested closures.

It must answer exactly as ``sql`` does; empty is None, a condition is always True or False.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.expressions import moments, runtime
from app.expressions.anything import known, read_as
from app.expressions.python_comparing import compare, within_entity
from app.expressions.runtime import CALCULATIONS, Evaluate, PythonContext
from app.expressions.tree import (
    Among,
    And,
    Arithmetic,
    Ask,
    Call,
    Changed,
    Checked,
    Compare,
    Conditional,
    Constant,
    Convert,
    Filled,
    FirstFilled,
    InView,
    Negative,
    Node,
    Not,
    OneOf,
    Or,
    Path,
    Series,
    Under,
    Within,
)
from app.expressions.types import DAYS, Kind

Sides = tuple[tuple[Node, Evaluate], tuple[Node, Evaluate]]


def to_python(checked: Checked | Node) -> Evaluate:
    """Return the function that works the expression out for a context."""
    root = checked.root if isinstance(checked, Checked) else checked
    return _BUILDERS[type(root)](root)


def _constant(node: Constant) -> Evaluate:
    value = node.value
    if isinstance(value, datetime) and value.tzinfo is None:
        # A moment without a zone is one on the company's clocks, known only with the calendar.
        return lambda context: context.calendar.moment(value)
    return lambda _: value


def _path(node: Path) -> Evaluate:
    path, kind = node.dotted, node.type.kind
    if kind is Kind.boolean:
        return lambda context: bool(context.value(path))
    if kind is Kind.any:
        return lambda context: known(context.value(path))
    if kind in (Kind.text, Kind.many):
        return lambda context: context.value(path) or None
    if kind is Kind.duration:

        def read_duration(context: PythonContext) -> Any:
            value = context.value(path)
            return None if value is None else moments.as_duration(value)

        return read_duration
    return lambda context: context.value(path)


def _and(node: And) -> Evaluate:
    items = [to_python(item) for item in node.items]
    if len(items) == 2:
        one, other = items
        return lambda context: one(context) and other(context)

    def all_of(context: PythonContext) -> bool:
        return all(item(context) for item in items)

    return all_of


def _or(node: Or) -> Evaluate:
    items = [to_python(item) for item in node.items]
    if len(items) == 2:
        one, other = items
        return lambda context: one(context) or other(context)

    def any_of(context: PythonContext) -> bool:
        return any(item(context) for item in items)

    return any_of


def _not(node: Not) -> Evaluate:
    item = to_python(node.item)
    return lambda context: not item(context)


def _first_filled(node: FirstFilled) -> Evaluate:
    items = [to_python(item) for item in node.items]

    def first(context: PythonContext) -> Any:
        for item in items:
            value = item(context)
            if value is not None:
                return value
        return None

    return first


def _conditional(node: Conditional) -> Evaluate:
    test, yes, no = to_python(node.test), to_python(node.yes), to_python(node.no)
    return lambda context: yes(context) if test(context) else no(context)


def _filled(node: Filled) -> Evaluate:
    item, kind = to_python(node.item), node.item.type.kind
    if kind is Kind.parts:

        def any_part(context: PythonContext) -> bool:
            value = item(context)
            parts = value.values() if isinstance(value, Mapping) else (value,)
            return any(part is not None and part != "" for part in parts)

        return any_part
    return lambda context: item(context) is not None


def _compare(node: Compare) -> Evaluate:
    left = read_as(node.left, to_python(node.left), node.right.type.kind)
    right = read_as(node.right, to_python(node.right), node.left.type.kind)
    return compare(node, left, right)


def _in_view(node: InView) -> Evaluate:
    return to_python(node.item)


def _within(node: Within) -> Evaluate:
    item, period = to_python(node.item), to_python(node.period)

    def answer(context: PythonContext) -> bool:
        value, span = item(context), period(context)
        if value is None or span is None:
            return False
        if isinstance(value, datetime):
            calendar = context.calendar
            return bool(calendar.midnight(span.first) <= value < calendar.midnight(span.after))
        return bool(span.first <= value < span.after)

    return answer


def _one_of(node: OneOf) -> Evaluate:
    item = to_python(node.item)
    choices = frozenset(choice.value for choice in node.choices if isinstance(choice, Constant))
    return lambda context: item(context) in choices


def _among(node: Among) -> Evaluate:
    item, values = to_python(node.item), to_python(node.many)
    of = node.many.type.item
    if node.item.type.is_any_link and of is not None and len(of.entities) == 1:
        item = within_entity(item, of.entities[0])

    def answer(context: PythonContext) -> bool:
        value = item(context)
        return value is not None and value in (values(context) or ())

    return answer


def _under(node: Under) -> Evaluate:
    item, top = to_python(node.item), to_python(node.top)
    # The tree is in the database; the question is asked there, about two records that are known.
    ask = Ask(type=node.type, function="under", over=(node.entity,), value=node.item)

    def answer(context: PythonContext) -> bool:
        low, high = item(context), top(context)
        if low is None or high is None:
            return False
        return low == high or bool(context.ask(_settled(ask, node, low, high)))

    return answer


def _settled(ask: Ask, node: Under, low: Any, high: Any) -> Ask:
    settled = Under(
        type=node.type,
        item=Constant(type=node.item.type, value=low),
        top=Constant(type=node.top.type, value=high),
        entity=node.entity,
        parent=node.parent,
    )
    return Ask(type=ask.type, function="under", over=ask.over, value=settled)


def _arithmetic(node: Arithmetic) -> Evaluate:
    left, right = to_python(node.left), to_python(node.right)
    kinds = {node.left.type.kind, node.right.type.kind}
    if kinds & {Kind.duration, *DAYS}:
        return _moved(node, left, right)
    calculate = CALCULATIONS[node.operator]
    left, right = (read_as(side, way, Kind.number) for side, way in _both(node, left, right))

    def answer(context: PythonContext) -> Any:
        one = left(context)
        if one is None:
            return None
        other = right(context)
        return None if other is None else calculate(one, other)

    return answer


def _both(node: Arithmetic | Compare, left: Evaluate, right: Evaluate) -> Sides:
    return ((node.left, left), (node.right, right))


def _moved(node: Arithmetic, left: Evaluate, right: Evaluate) -> Evaluate:
    kinds = (node.left.type.kind, node.right.type.kind)
    move = _move_of(node.type.kind, kinds)
    if node.operator == "-" and kinds != (Kind.datetime, Kind.datetime):
        right = _back(node.right, right)

    def answer(context: PythonContext) -> Any:
        one = left(context)
        other = None if one is None else right(context)
        if other is None:
            return None
        try:
            return move(context, one, other)
        except (OverflowError, ValueError):
            # Beyond the years 1 to 9999 there is no day.
            return None

    return answer


def _move_of(kind: Kind, kinds: tuple[Kind, Kind]) -> Callable[[PythonContext, Any, Any], Any]:
    if kinds == (Kind.datetime, Kind.datetime):
        return lambda _, one, other: moments.as_duration(one - other)
    if kinds == (Kind.duration, Kind.duration):
        return lambda _, one, other: one + other
    add = moments.add_to_day if kind is Kind.date else moments.add_to_moment
    return lambda context, one, other: add(one, other, context.calendar)


def _back(node: Node, length: Evaluate) -> Evaluate:
    """Return the length the other way."""
    if _is_settled(node):
        settled = length(_NOWHERE)
        turned = None if settled is None else -settled
        return lambda _: turned

    def back(context: PythonContext) -> Any:
        value = length(context)
        return None if value is None else -value

    return back


def _is_settled(node: Node) -> bool:
    """Return whether a part is the same in every context, as ``days(30)`` is."""
    return (
        isinstance(node, Call)
        and node.function.is_settled
        and all(
            isinstance(each, Constant) and isinstance(each.value, int | Decimal)
            for each in node.arguments
        )
    )


#: The context of what asks for none.
_NOWHERE: Any = None


def _negative(node: Negative) -> Evaluate:
    item = to_python(node.item)

    def answer(context: PythonContext) -> Any:
        value = item(context)
        return None if value is None else -value

    return answer


def _convert(node: Convert) -> Evaluate:
    item = to_python(node.item)
    if node.item.type.kind is Kind.any:
        return read_as(node.item, item, node.type.kind, exactly=True)
    change = _CONVERSIONS[(node.item.type.kind, node.type.kind)]

    def answer(context: PythonContext) -> Any:
        value = item(context)
        return None if value is None else change(context, value)

    return answer


def _fraction(_: PythonContext, value: Any) -> Decimal:
    return runtime.multiply(value, _HUNDREDTH)


_HUNDREDTH = Decimal("0.01")
_CONVERSIONS: Mapping[tuple[Kind, Kind], Callable[[PythonContext, Any], Any]] = {
    (Kind.percent, Kind.number): _fraction,
    (Kind.percent, Kind.money): _fraction,
    (Kind.number, Kind.percent): lambda _, value: runtime.multiply(value, 100),
    (Kind.date, Kind.datetime): lambda context, value: context.calendar.midnight(value),
    (Kind.datetime, Kind.date): lambda context, value: context.calendar.day(value),
}


def _series(node: Series) -> Evaluate:
    items = [to_python(item) for item in node.items]

    def answer(context: PythonContext) -> Any:
        values = [item(context) for item in items]
        return [value for value in values if value is not None] or None

    return answer


def _argument(node: Call, place: int) -> Evaluate:
    """Return an argument, read as the first kind its function takes where nobody knew its type."""
    argument, parameters = node.arguments[place], node.function.parameters
    kinds = parameters[min(place, len(parameters) - 1)].kinds
    wanted = next((kind for kind in Kind if kind in kinds), Kind.any)
    if Kind.datetime in kinds and Kind.number not in kinds:
        wanted = Kind.datetime
    return read_as(argument, to_python(argument), wanted)


def _call(node: Call) -> Evaluate:
    function = node.function.python
    arguments = [_argument(node, place) for place in range(len(node.arguments))]
    if node.function.sees_empty:
        return lambda context: function(context, *[part(context) for part in arguments])
    empty = False if node.type.kind is Kind.boolean else None
    if _is_settled(node):
        settled = function(_NOWHERE, *[part(_NOWHERE) for part in arguments])
        return lambda _: settled

    def answer(context: PythonContext) -> Any:
        values = []
        for part in arguments:
            value = part(context)
            if value is None:
                return empty
            values.append(value)
        return function(context, *values)

    return answer


def _changed(node: Changed) -> Evaluate:
    name = node.name
    return lambda context: context.changed(name)


def _ask(node: Ask) -> Evaluate:
    if node.type.kind is Kind.boolean:
        return lambda context: bool(context.ask(node))
    return lambda context: context.ask(node)


_BUILDERS: Mapping[type[Node], Callable[[Any], Evaluate]] = {
    Constant: _constant,
    Path: _path,
    And: _and,
    Or: _or,
    Not: _not,
    FirstFilled: _first_filled,
    Conditional: _conditional,
    Filled: _filled,
    Compare: _compare,
    Within: _within,
    OneOf: _one_of,
    Among: _among,
    Under: _under,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Convert: _convert,
    Series: _series,
    Call: _call,
    Changed: _changed,
    InView: _in_view,
    Ask: _ask,
}
