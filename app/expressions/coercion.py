"""Fit values to what their place asks for: read fixed texts as days or options, convert types."""

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from app.expressions import types as t
from app.expressions.problems import ExpressionProblem, hint, nearest
from app.expressions.tree import Constant, Convert, Node, Path, Series
from app.expressions.types import Kind, Type

if TYPE_CHECKING:
    from app.expressions.checking import Checker

_LIKE_TEXT = {Kind.text, Kind.choice}
_CONVERSIONS = {
    (Kind.percent, Kind.number),
    (Kind.percent, Kind.money),
    (Kind.number, Kind.percent),
    (Kind.date, Kind.datetime),
    (Kind.datetime, Kind.date),
}

#: What a value from outside can be read as.
_READABLE = {*t.NUMBERS, *t.DAYS, *_LIKE_TEXT, Kind.boolean}


def convert(node: Node, type_: Type) -> Node:
    """Return *node* as a value of a type that it can become without loss of meaning."""
    if node.type.kind is Kind.empty:
        # SQL must know of which type an empty value is; a boolean never is empty.
        value = False if type_.kind is Kind.boolean else None
        return Constant(type=type_, value=value, start=node.start, end=node.end)
    if (node.type.kind, type_.kind) in _CONVERSIONS:
        return Convert(type=type_, item=node, start=node.start, end=node.end)
    return node


def is_text_constant(node: Node) -> bool:
    """Tell whether the node is quoted text that may be read as something else."""
    return isinstance(node, Constant) and node.type.kind is Kind.text


def is_number_constant(node: Node) -> bool:
    """Tell whether the node is a number that stands in the expression."""
    return isinstance(node, Constant) and node.type.kind is Kind.number


def read_as(checker: "Checker", node: Node, type_: Type, beside: str = "") -> Node:
    """Return a fixed value as a value of *type_*; anything else as it is.

    *beside* is the text of what it is compared with, for the message.
    """
    if not isinstance(node, Constant):
        return node
    if type_.kind is Kind.record and node.type.kind in (Kind.text, Kind.number):
        return _read_record(checker, node, type_, beside)
    if node.type.kind is Kind.text:
        return _read_text(checker, node, type_, beside)
    if node.type.kind is Kind.number and type_.kind is Kind.choice:
        return _read_option(checker, node, str(node.value), type_, beside)
    return node


def _read_record(checker: "Checker", node: Constant, type_: Type, beside: str) -> Node:
    """Return the record a number means, or a text such as `'customer:12'`."""
    if node.type.kind is Kind.number:
        if type_.is_any_link and type_.entities:
            names = " or ".join(f"`{entity}`" for entity in type_.entities)
            said = f"`{beside}` may be a record of {names}: say which, as in "
            said += f"`'{type_.entities[0]}:{node.value}'`."
            raise checker.mistake_at("not-comparable", said, node)
        return Constant(type=type_, value=int(node.value), start=node.start, end=node.end)
    entity, _, number = node.value.strip().partition(":")
    is_id = re.fullmatch(r"[1-9][0-9]{0,17}", number)
    if not is_id or (type_.entities and entity not in type_.entities):
        return node
    return Constant(type=t.record_type(entity), value=int(number), start=node.start, end=node.end)


def _read_text(checker: "Checker", node: Constant, type_: Type, beside: str) -> Node:
    text = node.value.strip()
    readers = {
        Kind.date: (_read_day, t.DATE, "a date such as `'2026-01-31'`"),
        Kind.datetime: (
            _read_moment,
            t.DATETIME,
            "a date such as `'2026-01-31'` or a date with time such as `'2026-01-31 09:00'`",
        ),
        Kind.time: (_read_time, t.TIME, "a time such as `'09:00'`"),
    }
    if type_.kind is Kind.choice:
        return _read_option(checker, node, node.value, type_, beside)
    if type_.kind not in readers:
        return node
    reader, wanted, example = readers[type_.kind]
    value = reader(text)
    if value is None:
        said = f"`{checker.source(node)}` is not {example}."
        raise checker.mistake_at("not-a-date" if "date" in example else "not-a-time", said, node)
    # A day stays a day even beside a moment: it then means the whole of that day.
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return Constant(type=t.DATE if is_day else wanted, value=value, start=node.start, end=node.end)


def _read_day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text):
        return None
    try:
        return date(*map(int, text.split("-")))
    except ValueError:
        return None


def _read_moment(text: str) -> date | datetime | None:
    """Return a day, a wall time of the company (without a zone), or a moment with its own zone."""
    day = _read_day(text)
    if day or not re.match(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}", text):
        return day
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read_time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", text) else None
    except ValueError:
        return None


def _read_option(checker: "Checker", node: Constant, text: str, type_: Type, beside: str) -> Node:
    if text not in type_.options:
        near = nearest(text, type_.options)
        of = f" of `{beside}`" if beside else ""
        message = f"`{text}` is no option{of}.{hint(near, type_.options)}"
        raise checker.mistake_at("unknown-option", message, node, near)
    return Constant(type=t.bare(type_), value=text, start=node.start, end=node.end)


def unify(checker: "Checker", nodes: list[Node]) -> tuple[list[Node], Type]:
    """Return values that stand for one another (``a or b``, ``x if c else y``) as one type."""
    typed = [node for node in nodes if not isinstance(node, Constant)] or nodes
    model = typed[0].type
    nodes = [_read_beside(checker, node, model) for node in nodes]
    common: Type | None = nodes[0].type
    for node in nodes[1:]:
        merged = t.merge(common, node.type) if common else None
        if (
            merged is None
            and common is not None
            and {common.kind, node.type.kind} == {Kind.duration}
        ):
            # One or the other, never their sum: a table may mix working time and the clock's.
            merged = t.WORKING_DURATION
        if merged is None:
            kinds = " and ".join(dict.fromkeys(str(node.type) for node in nodes))
            raise checker.mistake_at("mixed-types", f"These are {kinds}; they must be alike.", node)
        common = merged
    assert common is not None
    return [convert(node, common) for node in nodes], common


def _read_beside(checker: "Checker", node: Node, model: Type) -> Node:
    is_word = is_text_constant(node) and model.kind is Kind.choice
    if is_word and isinstance(node, Constant) and node.value not in model.options:
        return node
    return read_as(checker, node, model)


def fit(checker: "Checker", node: Node, want: Type) -> Node:
    """Return *node* as what its place asks for.

    Raises:
        ExpressionProblem: it is of another type.
    """
    is_many = node.type.kind is Kind.many and not isinstance(node, Series)
    if want.kind is Kind.many and want.item and not is_many:
        return _fit_many(checker, node, want)
    node = read_as(checker, node, want)
    have = node.type
    if have.kind is Kind.any and want.kind in _READABLE:
        return Convert(type=want, item=node, start=node.start, end=node.end)
    if have.kind is Kind.empty:
        return convert(node, want)
    if Kind.any in (have.kind, want.kind):
        return node
    converted = convert(node, want)
    if converted is not node or _fits(have, want):
        return converted
    raise _wrong_type(checker, node, want)


def _fit_many(checker: "Checker", node: Node, want: Type) -> Node:
    assert want.item is not None
    if node.type.kind is Kind.empty:
        return convert(node, want)
    if node.type.kind is Kind.any:
        return node
    items = node.items if isinstance(node, Series) else (node,)
    fitted = tuple(fit(checker, item, want.item) for item in items)
    return Series(type=want, items=fitted, start=node.start, end=node.end)


def _fits(have: Type, want: Type) -> bool:
    if have.kind is Kind.record and want.kind is Kind.record:
        return not want.entities or set(have.entities) <= set(want.entities)
    if have.kind is Kind.many and want.kind is Kind.many:
        return have.item is None or want.item is None or _fits(have.item, want.item)
    if have.kind is Kind.choice and want.kind is Kind.choice:
        return not want.options or set(have.options) <= set(want.options)
    if have.kind is Kind.text and want.kind is Kind.choice:
        return False
    if have.kind in _LIKE_TEXT and want.kind in _LIKE_TEXT:
        return True
    if {have.kind, want.kind} <= {Kind.number, Kind.money}:
        return True
    return have.kind is want.kind


def _wrong_type(checker: "Checker", node: Node, want: Type) -> ExpressionProblem:
    source, have = checker.source(node), node.type
    if want.kind is Kind.boolean:
        advice = f" Write `{source} is not empty`, or compare it with something."
    elif want.kind is Kind.text:
        advice = f" Write `text({source})`."
    elif want.kind is Kind.duration and have.kind is Kind.number:
        advice = f" Write `days({source})` or `hours({source})`."
    elif have.kind is Kind.record and want.kind is Kind.record:
        names = [" or ".join(f"`{e}`" for e in type_.entities) for type_ in (want, have)]
        return checker.mistake_at(
            "wrong-type", f"`{source}` is a record of {names[1]}; {names[0]} is needed.", node
        )
    else:
        advice = ""
    return checker.mistake_at(
        "wrong-type", f"`{source}` is {have}; {want} is needed here.{advice}", node
    )


def in_base(node: Node) -> Node:
    """Return an amount in the base currency, where it has one."""
    if isinstance(node, Path) and node.type.kind is Kind.money and "base" in node.type.parts:
        return Path(
            type=node.type.parts["base"],
            root=node.root,
            hops=node.hops,
            name=f"{node.name}.base",
            start=node.start,
            end=node.end,
        )
    return node
