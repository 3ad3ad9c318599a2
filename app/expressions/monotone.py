"""Compare a formula that asks for today by what it is counted from, so that an index can serve.

``silent_days = days_between(last_contacted_at, now())`` changes every day and can have no index,
but ``silent_days > 14`` says the same as ``last_contacted_at <= today() - days(15)``, whose left
side can be stored.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.expressions import types as t
from app.expressions.builtin import BUILTIN
from app.expressions.tree import (
    And,
    Arithmetic,
    Call,
    Checked,
    Compare,
    Constant,
    InView,
    Node,
    Not,
    Or,
    Path,
)

#: Farther than this nothing is rewritten; ``days()`` itself ends there.
_FARTHEST = 100_000
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True)
class MonotoneBase:
    """A day or moment from which a formula counts days to today."""

    #: The expression without today; store it, and sort and compare by it.
    base: Node
    #: The formula falls as the base rises: it counts days since. Otherwise it counts days until.
    is_falling: bool


#: Tells what a path's field counts from, if it is such a formula; the caller may have replaced the
#: base by a ``Path`` to the column where it is stored.
Bases = Callable[[Path], MonotoneBase | None]


def monotone_base(checked: Checked | Node) -> MonotoneBase | None:
    """Return what the formula counts days from, None when it is not of that form."""
    node = checked.root if isinstance(checked, Checked) else checked
    if not isinstance(node, Call) or node.function.name != "days_between":
        return None
    first, last = node.arguments
    if _is_today(last) and not _asks_today(first):
        return MonotoneBase(first, is_falling=True)
    if _is_today(first) and not _asks_today(last):
        return MonotoneBase(last, is_falling=False)
    return None


def by_base(node: Node, bases: Bases) -> Node:
    """Return the condition with such comparisons turned into comparisons of the base.

    Only what may change nothing is changed: comparisons with a fixed number, below ``and``, ``or``
    and ``not``.
    """
    if isinstance(node, (And, Or)):
        return replace(node, items=tuple(by_base(item, bases) for item in node.items))
    if isinstance(node, (Not, InView)):
        return replace(node, item=by_base(node.item, bases))
    if isinstance(node, Compare):
        return _compare_base(node, bases) or node
    return node


def _compare_base(node: Compare, bases: Bases) -> Compare | None:
    operator, formula, number = node.operator, node.left, node.right
    if isinstance(formula, Constant):
        operator, formula, number = _MIRRORED[operator], number, formula
    value: Any = number.value if isinstance(number, Constant) else None
    if not isinstance(value, (int, Decimal)) or not -_FARTHEST < value < _FARTHEST:
        return None
    found = bases(formula) if isinstance(formula, Path) else monotone_base(formula)
    if found is None:
        return None
    operator, days = _whole_days(operator, value)
    if days is None:
        return None
    # Days since are today less the base, days until the other way round.
    sign = "-" if found.is_falling else "+"
    operator = _MIRRORED[operator] if found.is_falling else operator
    count = Constant(type=t.NUMBER, value=Decimal(days))
    length = Call(type=t.CALENDAR_DURATION, function=BUILTIN["days"], arguments=(count,))
    today = Call(type=t.DATE, function=BUILTIN["today"], arguments=())
    day = Arithmetic(type=t.DATE, operator=sign, left=today, right=length)
    return replace(node, operator=operator, left=found.base, right=day)


def _whole_days(operator: str, number: int | Decimal) -> tuple[str, int | None]:
    """Return the same comparison with a whole number, by ``<=``, ``>=`` or ``==``."""
    if operator == ">":
        return ">=", math.floor(number) + 1
    if operator == ">=":
        return ">=", math.ceil(number)
    if operator == "<":
        return "<=", math.ceil(number) - 1
    if operator == "<=":
        return "<=", math.floor(number)
    # A fraction equals no number of days; such a comparison stays as it is.
    return "==", int(number) if number == int(number) else None


def _is_today(node: Node) -> bool:
    return isinstance(node, Call) and node.function.name in ("now", "today")


def _asks_today(node: Node) -> bool:
    if isinstance(node, Path):
        return node.root in ("me", "my")
    is_volatile = isinstance(node, Call) and node.function.is_volatile
    return is_volatile or any(_asks_today(child) for child in node.children)
