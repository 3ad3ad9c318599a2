"""What is certain about conditions without any record: whether they can hold, together or at all.

Only single values beside constants are looked at; whatever else a condition says counts as
possible. So "it cannot hold" is certain, and "it can" is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from app.expressions.tree import (
    And,
    Checked,
    Compare,
    Constant,
    Filled,
    InView,
    Node,
    Not,
    OneOf,
    Or,
    Path,
)
from app.expressions.types import Kind

#: A condition with more ways to hold than this is not followed.
_MOST_WAYS = 64
_TURNED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that must be so: a value is (not) one of several, empty, beyond a bound."""

    path: str
    #: in | out | filled | empty | < | <= | > | >= | never
    is_: str
    values: frozenset[Any] = frozenset()
    bound: Any = None


@dataclass(slots=True)
class _Known:
    """What is known about one value."""

    among: frozenset[Any] | None = None
    not_among: set[Any] = field(default_factory=set)
    filled: bool = False
    empty: bool = False
    bounds: list[Fact] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        if fact.is_ == "in":
            self.filled = True
            self.among = fact.values if self.among is None else self.among & fact.values
        elif fact.is_ == "out":
            self.not_among |= fact.values
        elif fact.is_ in ("filled", "empty"):
            setattr(self, fact.is_, True)
        else:
            self.filled = True
            self.bounds.append(fact)

    @property
    def is_possible(self) -> bool:
        if self.filled and self.empty:
            return False
        if self.among is not None:
            left = self.among - self.not_among
            return any(all(_fits(value, one) for one in self.bounds) for value in left)
        lows = [one for one in self.bounds if one.is_ in (">", ">=")]
        highs = [one for one in self.bounds if one.is_ in ("<", "<=")]
        return not any(_are_apart(low, high) for low in lows for high in highs)


def _fits(value: Any, fact: Fact) -> bool:
    try:
        return bool(
            {
                "<": lambda: value < fact.bound,
                "<=": lambda: value <= fact.bound,
                ">": lambda: value > fact.bound,
                ">=": lambda: value >= fact.bound,
            }[fact.is_]()
        )
    except TypeError:
        return True  # of two kinds, such as a day and a moment: not known


def _are_apart(low: Fact, high: Fact) -> bool:
    try:
        if low.bound == high.bound:
            return low.is_ == ">" or high.is_ == "<"
        return bool(low.bound > high.bound)
    except TypeError:
        return False


def can_hold(*conditions: Checked | None, besides: Iterable[Fact] = ()) -> bool:
    """Return False if it is certain that the conditions never hold together.

    Args:
        besides: what is known from elsewhere.
    """
    ways = [_ways(one.root, yes=True) for one in conditions if one is not None]
    count = 1
    for each in ways:
        count *= len(each)
    if count > _MOST_WAYS:
        return True
    known = tuple(besides)
    return any(
        _is_possible([*known, *(fact for way in chosen for fact in way)])
        for chosen in product(*ways)
    )


def certain(condition: Checked | None) -> tuple[Fact, ...]:
    """Return what must be so whichever way a condition holds."""
    if condition is None:
        return ()
    ways = [set(one) for one in _ways(condition.root, yes=True)]
    return tuple(set.intersection(*ways)) if ways else ()


def is_clear(condition: Checked | None) -> bool:
    """Return whether all that a condition says is known: nothing in it was passed over."""
    return condition is None or _is_clear(condition.root, yes=True)


def _is_clear(node: Node, *, yes: bool) -> bool:
    if isinstance(node, Not):
        return _is_clear(node.item, yes=not yes)
    if isinstance(node, InView):
        return _is_clear(node.item, yes=yes)
    if isinstance(node, And | Or):
        return all(_is_clear(one, yes=yes) for one in node.items)
    return isinstance(node, Constant) or bool(_literal(node, yes=yes))


def same(path: str, value: Any) -> Fact:
    """Return the fact that a path has a value."""
    return Fact(path, "in", frozenset({_plain(value)}))


def _is_possible(facts: Iterable[Fact]) -> bool:
    known: dict[str, _Known] = {}
    for fact in facts:
        if fact.is_ == "never":
            return False
        known.setdefault(fact.path, _Known()).add(fact)
    return all(one.is_possible for one in known.values())


Way = tuple[Fact, ...]


def _ways(node: Node, *, yes: bool) -> list[Way]:
    """Return the ways in which a condition holds (or does not), each with what it needs."""
    if isinstance(node, Not):
        return _ways(node.item, yes=not yes)
    if isinstance(node, InView):
        return _ways(node.item, yes=yes)
    if isinstance(node, And | Or):
        parts = [_ways(one, yes=yes) for one in node.items]
        if isinstance(node, Or) == yes:
            return [way for part in parts for way in part]
        count = 1
        for part in parts:
            count *= len(part)
        if count > _MOST_WAYS:
            return [()]
        return [tuple(fact for way in chosen for fact in way) for chosen in product(*parts)]
    return [tuple(_literal(node, yes=yes))]


def _literal(node: Node, *, yes: bool) -> list[Fact]:
    """Return what a simple condition needs; nothing where that is not known."""
    if isinstance(node, Constant):
        return [] if bool(node.value) == yes else [Fact("", "never")]
    if isinstance(node, Filled) and (path := _path(node.item)):
        return [Fact(path, "filled" if yes else "empty")]
    if isinstance(node, Path) and node.type.kind is Kind.boolean:
        return [same(_path(node), yes)] if _path(node) else []
    if isinstance(node, OneOf) and (path := _path(node.item)):
        if not all(isinstance(one, Constant) for one in node.choices):
            return []
        values = frozenset(_plain(one.value) for one in node.choices)  # type: ignore[attr-defined]
        return [Fact(path, "in" if yes else "out", values)]
    if isinstance(node, Compare):
        return _compared(node, yes=yes)
    return []


def _compared(node: Compare, *, yes: bool) -> list[Fact]:
    left, right, operator = node.left, node.right, node.operator
    if isinstance(left, Constant):
        left, right, operator = right, left, _TURNED[operator]
    path = _path(left)
    if not path or not isinstance(right, Constant) or right.value is None:
        return []
    if operator == "==":
        return [Fact(path, "in" if yes else "out", frozenset({_plain(right.value)}))]
    # An option's place in its list is not known here; the opposite also holds for what is empty.
    if not yes or left.type.kind not in (Kind.number, Kind.money, Kind.date, Kind.datetime):
        return []
    return [Fact(path, operator, bound=right.value)]


def _path(node: Node) -> str:
    """Return a value's name, the same whether `record.` stands before it; empty for others."""
    if not isinstance(node, Path):
        return ""
    return node.dotted.removeprefix("record.")


def _plain(value: Any) -> Any:
    """Return a value as it is compared: texts without regard to case and blanks around."""
    return value.strip().casefold() if isinstance(value, str) else value
