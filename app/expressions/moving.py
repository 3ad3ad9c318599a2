"""Say what ``+`` and ``-`` mean where days, moments and durations are concerned."""

from typing import TYPE_CHECKING, NoReturn

from app.expressions import types as t
from app.expressions.coercion import convert, fit
from app.expressions.tree import Arithmetic, Call, Node
from app.expressions.types import Kind

if TYPE_CHECKING:
    from app.expressions.checking import Checker


def move_in_time(
    checker: "Checker", sign: str, left: Node, right: Node, start: int, end: int
) -> Node | None:
    """Return what ``+`` and ``-`` do to days, moments and durations; None for other values."""
    kinds = (left.type.kind, right.type.kind)
    if sign not in "+-" or not {Kind.duration, *t.DAYS} & set(kinds):
        return None
    if kinds[0] is Kind.any and kinds[1] is Kind.duration:
        left = fit(checker, left, t.DATETIME)
    if kinds[0] is Kind.duration and kinds[1] in t.DAYS and sign == "+":
        left, right = right, left
    kinds = (left.type.kind, right.type.kind)
    if kinds == (Kind.datetime, Kind.datetime) and sign == "-":
        type_ = t.DURATION
    elif kinds == (Kind.duration, Kind.duration):
        merged = t.merge(left.type, right.type)
        if merged is None:
            raise checker.mistake(
                "mixed-types", "Working time and ordinary time do not add up.", start, end
            )
        type_ = merged
    elif kinds[0] in t.DAYS and kinds[1] is Kind.duration:
        type_ = t.bare(left.type)
        if left.type.kind is Kind.date and _has_hours(right):
            left, type_ = convert(left, t.DATETIME), t.DATETIME
    else:
        _refuse_time(checker, sign, left, right, start, end)
    return Arithmetic(type=type_, operator=sign, left=left, right=right, start=start, end=end)


def _has_hours(node: Node) -> bool:
    if isinstance(node, Call):
        return node.function.name not in ("days", "weeks", "months", "years", "working_days")
    return node.type.unit != "calendar" or any(_has_hours(child) for child in node.children)


def _refuse_time(
    checker: "Checker", sign: str, left: Node, right: Node, start: int, end: int
) -> NoReturn:
    one, other = checker.source(left), checker.source(right)
    advice = ""
    for side in (left, right):
        if side.type.is_number:
            source = checker.source(side)
            advice = f" Say of what: `days({source})` or `hours({source})`."
    if left.type.kind in t.DAYS and right.type.kind in t.DAYS and sign == "-":
        advice = f" Write `days_between({other}, {one})`."
    raise checker.mistake(
        "wrong-type",
        f"`{one}` is {left.type} and `{other}` is {right.type}; `{sign}` does not join them."
        f"{advice}",
        start,
        end,
    )
