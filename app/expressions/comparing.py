"""Say what a comparison means: which two types meet, and what a fixed value is read as."""

import ast
from typing import TYPE_CHECKING

from app.expressions import types as t
from app.expressions.coercion import in_base, is_number_constant, is_text_constant, read_as
from app.expressions.tree import (
    Among,
    Ask,
    Compare,
    Constant,
    Filled,
    Node,
    Not,
    OneOf,
    Or,
    Path,
    Series,
    Within,
)
from app.expressions.types import Kind, Type

if TYPE_CHECKING:
    from app.expressions.checking import Checker

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_LIKE_TEXT = {Kind.text, Kind.choice}
_ORDERED = {*t.NUMBERS, *t.DAYS, Kind.text, Kind.choice, Kind.time, Kind.duration, Kind.any}


def compare(checker: "Checker", operator: ast.cmpop, left: Node, right: Node) -> Node:
    """Return the condition that two values are compared by."""
    start, end = left.start, right.end
    if isinstance(operator, (ast.Is, ast.IsNot)):
        found = filled(checker, left, end)
        return found if isinstance(operator, ast.IsNot) else _opposite(found)
    if isinstance(operator, (ast.In, ast.NotIn)):
        within = _within(checker, left, right)
        return _opposite(within) if isinstance(operator, ast.NotIn) else within
    sign = _SIGNS[type(operator)]
    left, right = _side_by_side(checker, sign, left, right)
    compared = Compare(type=t.BOOLEAN, operator=sign, left=left, right=right, start=start, end=end)
    return _opposite(compared) if isinstance(operator, ast.NotEq) else compared


def _opposite(node: Node) -> Not:
    return Not(type=t.BOOLEAN, item=node, start=node.start, end=node.end)


def filled(checker: "Checker", item: Node, end: int) -> Node:
    """Return the condition that a value is there."""
    own_lines = lines_of(item)
    if own_lines:
        checker.asked.setdefault(own_lines, set())
        return Ask(type=t.BOOLEAN, function="exists", over=(own_lines,), start=item.start, end=end)
    if item.type.kind is Kind.period:
        raise checker.mistake_at("period-alone", "A period stands after `in`: `day in …`.", item)
    return Filled(type=t.BOOLEAN, item=item, start=item.start, end=end)


def lines_of(item: Node) -> str:
    """Return the name when the value is the row's own lines, which are rows and no values."""
    is_field = isinstance(item, Path) and not item.root and not item.hops
    if is_field and isinstance(item, Path) and holds_lines(item.type):
        return item.name
    return ""


def holds_lines(type_: Type) -> bool:
    """Tell whether a field holds lines: rows of an entity called after the one they stand in."""
    if type_.kind is not Kind.many or type_.item is None:
        return False
    return any("." in entity for entity in type_.item.entities)


def _side_by_side(checker: "Checker", sign: str, left: Node, right: Node) -> tuple[Node, Node]:
    for side in (left, right):
        _refuse_incomparable(checker, sign, side, right if side is left else left)
    left, right = (
        read_as(checker, left, right.type, checker.source(right)),
        read_as(checker, right, left.type, checker.source(left)),
    )
    one, other = left.type, right.type
    if not _comparable(left, right):
        _refuse_pair(checker, left, right)
    if sign != "==" and (one.kind not in _ORDERED or other.kind not in _ORDERED):
        side = left if one.kind not in _ORDERED else right
        raise checker.mistake_at(
            "no-order",
            f"`{checker.source(side)}` is {side.type}, which has no order; only `==` and `!=` "
            "compare it.",
            side,
        )
    return _in_one_currency(left, right)


def _refuse_incomparable(checker: "Checker", sign: str, side: Node, other: Node) -> None:
    source, type_ = checker.source(side), side.type
    if type_.kind is Kind.empty or (isinstance(side, Constant) and side.value == ""):
        told = "is" if sign == "==" else "is not"
        raise checker.mistake_at(
            "empty-compared",
            "An empty value equals nothing, not even another. "
            f"Write `{checker.source(other)} is empty` or `is not empty`.",
            side,
            [f"{checker.source(other)} {told} empty"],
        )
    if type_.kind is Kind.many:
        raise checker.mistake_at(
            "many-values",
            f"`{source}` holds many values. Write `has({source}, …)` or compare `size({source})`.",
            side,
        )
    if type_.kind is Kind.parts:
        parts = ", ".join(f"`{source}.{part}`" for part in list(type_.parts)[:4])
        raise checker.mistake_at(
            "parts-compared", f"`{source}` has several parts. Compare one: {parts}.", side
        )
    if type_.kind is Kind.period:
        raise checker.mistake_at(
            "period-alone", f"A period is compared by `in`: `{checker.source(other)} in …`.", side
        )
    if type_.kind is Kind.duration and type_.unit == "working":
        raise checker.mistake_at(
            "working-duration",
            f"`{source}` is working time, which has no length of its own. "
            "Add it to a day or moment: `today() + working_days(2)`.",
            side,
        )


def _comparable(left: Node, right: Node) -> bool:
    one, other = left.type, right.type
    kinds = {one.kind, other.kind}
    if Kind.any in kinds:
        return True
    if kinds == {Kind.record}:
        return (
            not one.entities or not other.entities or bool(set(one.entities) & set(other.entities))
        )
    return len(kinds) == 1 or kinds <= t.NUMBERS or kinds <= t.DAYS or kinds <= _LIKE_TEXT


def _refuse_pair(checker: "Checker", left: Node, right: Node) -> None:
    one, other = checker.source(left), checker.source(right)
    code, advice = "not-comparable", ""
    if is_text_constant(left) or is_text_constant(right):
        fixed, free = (left, right) if is_text_constant(left) else (right, left)
        assert isinstance(fixed, Constant)
        if free.type.is_number and fixed.value.replace(".", "", 1).isdecimal():
            advice = f" Write `{fixed.value}` without quotes."
        if free.type.kind is Kind.boolean:
            advice = f" Write `{checker.source(free)}` or `not {checker.source(free)}`."
        if free.type.kind is Kind.record:
            advice = " Compare a field of it, such as its name, or `me`, or another record."
            if free.type.is_any_link and free.type.entities:
                advice = f" Write a record such as `'{free.type.entities[0]}:12'`."
    elif is_number_constant(left) or is_number_constant(right):
        fixed, free = (left, right) if is_number_constant(left) else (right, left)
        source = checker.source(fixed)
        if free.type.kind in _LIKE_TEXT:
            advice = f" Write `'{source}'`."
        if free.type.kind is Kind.duration:
            advice = f" Write `days({source})` or `hours({source})`."
    elif left.type.kind is Kind.record is right.type.kind:
        names = [" or ".join(f"`{e}`" for e in side.type.entities) for side in (left, right)]
        raise checker.mistake_at(
            code,
            f"`{one}` is a record of {names[0]}, `{other}` of {names[1]}: never the same.",
            right,
        )
    raise checker.mistake(
        code,
        f"`{one}` is {left.type} and `{other}` is {right.type}; they cannot be compared.{advice}",
        left.start,
        right.end,
    )


def _in_one_currency(left: Node, right: Node) -> tuple[Node, Node]:
    """Let amounts of different records, and an amount and a fixed number, meet in the base."""
    if left.type.kind is right.type.kind is Kind.money:
        are_one_record = (
            isinstance(left, Path)
            and isinstance(right, Path)
            and (left.root, left.hops) == (right.root, right.hops)
        )
        return (left, right) if are_one_record else (in_base(left), in_base(right))
    return in_base(left), in_base(right)


def _within(checker: "Checker", item: Node, many: Node) -> Node:
    start, end = item.start, many.end
    if many.type.kind is Kind.period:
        item = read_as(checker, item, t.DATETIME)
        if item.type.kind not in (*t.DAYS, Kind.any):
            raise checker.mistake_at(
                "not-a-date",
                f"`{checker.source(item)}` is {item.type}; only dates lie in a period.",
                item,
            )
        return Within(type=t.BOOLEAN, item=item, period=many, start=start, end=end)
    if isinstance(many, Series):
        return _one_of(checker, item, many)
    if many.type.kind not in (Kind.many, Kind.any):
        advice = ""
        if many.type.kind in _LIKE_TEXT and item.type.kind in _LIKE_TEXT:
            sources = checker.source(many), checker.source(item)
            advice = f" To look into a text, write `contains({sources[0]}, {sources[1]})`."
        raise checker.mistake_at(
            "not-many",
            f"`{checker.source(many)}` is {many.type}. After `in` comes a list such as "
            f"`('a', 'b')`, a field of many values or a period.{advice}",
            many,
        )
    return among(checker, item, many, start, end)


def among(checker: "Checker", item: Node, many: Node, start: int, end: int) -> Node:
    """Return the condition that a value is among many."""
    of = many.type.item or t.ANY
    item = read_as(checker, item, of, checker.source(many))
    _refuse_incomparable(checker, "==", item, many)
    if not _comparable(item, Constant(type=of, value=None)):
        raise checker.mistake_at(
            "not-comparable",
            f"`{checker.source(item)}` is {item.type}; `{checker.source(many)}` holds {of} each.",
            item,
        )
    return Among(type=t.BOOLEAN, item=item, many=many, start=start, end=end)


def _one_of(checker: "Checker", item: Node, many: Series) -> Node:
    pairs = [_side_by_side(checker, "==", item, choice) for choice in many.items]
    choices = tuple(choice for _, choice in pairs)
    start, end = item.start, many.end
    item_type = pairs[0][0].type
    is_plain = all(
        isinstance(choice, Constant) and choice.type.kind == item_type.kind for choice in choices
    )
    if is_plain and item_type.kind is not Kind.datetime and not item_type.is_any_link:
        return OneOf(type=t.BOOLEAN, item=pairs[0][0], choices=choices, start=start, end=end)
    compared = tuple(
        Compare(type=t.BOOLEAN, operator="==", left=one, right=other, start=start, end=end)
        for one, other in pairs
    )
    return Or(type=t.BOOLEAN, items=compared, start=start, end=end)
