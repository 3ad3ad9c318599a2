"""Values as a template meets them: a text for people, and the value behind it to compare.

What is empty never becomes one of these; a template finds nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_datetime

from app.texts import say


class Shown:
    """One value: printed as its text, compared and worked with as itself."""

    __slots__ = ("_reach", "text", "value")

    def __init__(self, value: Any, text: str, reach: Callable[[str], Any] | None = None) -> None:
        """Take the value, how a person reads it, and what stands behind a dot."""
        self.value = value
        self.text = text
        self._reach = reach

    def template_value(self, name: str) -> Any:
        """Return what stands behind a dot; None: nothing."""
        return self._reach(name) if self._reach is not None else None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Shown({self.value!r})"

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == _value(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Any) -> bool:
        return _ordered(self.value, other, lambda one, two: one < two)

    def __le__(self, other: Any) -> bool:
        return _ordered(self.value, other, lambda one, two: one <= two)

    def __gt__(self, other: Any) -> bool:
        return _ordered(self.value, other, lambda one, two: one > two)

    def __ge__(self, other: Any) -> bool:
        return _ordered(self.value, other, lambda one, two: one >= two)

    def __len__(self) -> int:
        return len(self.value) if isinstance(self.value, list | tuple) else len(self.text)

    def __contains__(self, item: object) -> bool:
        found = _value(item)
        if isinstance(self.value, list | tuple):
            return found in self.value
        return str(found) in self.text

    # Of the sums of a list, and of filters.

    def __radd__(self, other: Any) -> Any:
        return other + self.value

    def __round__(self, digits: int = 0) -> Any:
        return round(self.value, digits)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __abs__(self) -> Any:
        return abs(self.value)

    def __neg__(self) -> Any:
        return -self.value


def _value(other: object) -> object:
    return other.value if isinstance(other, Shown) else other


def _ordered(one: Any, other: Any, compare: Callable[[Any, Any], bool]) -> bool:
    """Compare two values; of kinds that have no order among them, none comes first."""
    two = _value(other)
    # JSON and Jinja write fractions as floats; amounts are exact.
    if isinstance(one, Decimal) and isinstance(two, float):
        two = Decimal(str(two))
    try:
        return bool(compare(one, two))
    except TypeError:
        return False


def in_words(value: Any, language: str) -> str:
    """Return a value that stands for itself, without a field, as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        word = say("Yes", "是") if value else say("No", "否")
        return word.in_language(language)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ("、" if language == "zh" else ", ").join(
            text for each in value if (text := in_words(each, language))
        )
    return str(value)


def date_text(value: Any, pattern: str = "yyyy-MM-dd") -> str:
    """Return a day or moment by a pattern: ``{{ record.due_on|date('dd.MM.yyyy') }}``."""
    known = _value(value)
    if isinstance(known, date) and not isinstance(known, datetime):
        known = datetime(known.year, known.month, known.day)  # noqa: DTZ001 - a day has no zone.
    if not isinstance(known, datetime):
        return ""
    return str(format_datetime(known, pattern[:60], locale="en"))
