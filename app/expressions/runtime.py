"""The Python side of the language's functions and its exact arithmetic.

Every function here has its twin in ``sql_functions``; a change in one is a change in the other.
"""

import decimal
import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from app.expressions import moments
from app.expressions.calendar import Calendar
from app.expressions.moments import Duration, Period
from app.expressions.patterns import Pattern
from app.expressions.tree import Ask

#: Decimals a division keeps. PostgreSQL is made to keep as many.
DIVISION_PLACES = 12
#: Decimals at which a quotient is taken before it is rounded, on both sides.
GUARD_PLACES = 40

# Sums and products must be exact, so the precision is out of reach; a quotient need not be.
_EXACT = decimal.Context(prec=10_000, rounding=decimal.ROUND_HALF_UP, Emax=10_000, Emin=-10_000)
_QUOTIENT = decimal.Context(prec=150, rounding=decimal.ROUND_HALF_UP)
_GUARD = Decimal(1).scaleb(-GUARD_PLACES)
_PLACES = Decimal(1).scaleb(-DIVISION_PLACES)


class PythonContext(Protocol):
    """What an expression may ask while Python works it out."""

    now: datetime
    today: date
    calendar: Calendar

    def value(self, path: str) -> Any:
        """Return the value at a dotted path, None when it is empty.

        Paths begin with a field of the record at hand or with ``record new each input my app me
        origin old``; through a link the path goes on in the linked record (``customer.level``).
        A record is its id, a record of an ``any_link`` a pair of entity and id, many values are a
        list or tuple, numbers are ``Decimal`` or ``int``, moments are aware.
        """

    def changed(self, name: str) -> bool:
        """Return whether the write changed that field."""

    def ask(self, question: Ask) -> Any:
        """Return the answer to a question to other records, which the caller asks in SQL."""

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        """Return the part of *total* for *share*; the last of a series gets the rest."""


#: An expression made ready to be worked out.
Evaluate: TypeAlias = Callable[[PythonContext], Any]


def add(left: Any, right: Any) -> Decimal:
    """Return the exact sum."""
    return _EXACT.add(left, right)


def subtract(left: Any, right: Any) -> Decimal:
    """Return the exact difference."""
    return _EXACT.subtract(left, right)


def multiply(left: Any, right: Any) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(left, right)


def _quotient(left: Any, right: Any) -> Decimal:
    for context in (_QUOTIENT, _EXACT):
        try:
            return context.quantize(context.divide(left, right), _GUARD)
        except decimal.InvalidOperation:
            # More than 110 digits before the point; rare enough to try again with room for all.
            continue
    raise decimal.Overflow


def divide(left: Any, right: Any) -> Decimal | None:
    """Return the quotient to twelve decimals; nothing can be divided by 0, so it is empty."""
    return _EXACT.quantize(_quotient(left, right), _PLACES) if right else None


def floor_divide(left: Any, right: Any) -> Decimal | None:
    """Return the quotient rounded down to a whole number."""
    if not right:
        return None
    return _quotient(left, right).to_integral_value(decimal.ROUND_FLOOR)


def modulo(left: Any, right: Any) -> Decimal | None:
    """Return what a whole division leaves; it has the sign of the divisor."""
    whole = floor_divide(left, right)
    return None if whole is None else subtract(left, multiply(right, whole))


CALCULATIONS: Mapping[str, Callable[[Any, Any], Decimal | None]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": floor_divide,
    "%": modulo,
}

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def round_half_up(_: PythonContext, value: Any, places: Any = 0) -> Decimal:
    """Round to so many decimals, halves away from zero."""
    return _EXACT.quantize(Decimal(value), Decimal(1).scaleb(-int(places)))


def absolute(_: PythonContext, value: Any) -> Any:
    """Return the number without its sign."""
    return abs(Decimal(value))


def greatest(_: PythonContext, *values: Any) -> Any:
    """Return the greatest value that is there."""
    return max((value for value in values if value is not None), default=None)


def least(_: PythonContext, *values: Any) -> Any:
    """Return the least value that is there."""
    return min((value for value in values if value is not None), default=None)


def split_amount(total: Decimal, shares: list[Decimal], places: int = 2) -> list[Decimal]:
    """Return *total* divided by percentages; the last part takes what rounding left."""
    step = Decimal(1).scaleb(-places)
    whole = total * sum(shares, Decimal()) / 100
    parts = [(total * share / 100).quantize(step, decimal.ROUND_HALF_UP) for share in shares]
    if parts:
        rounded = whole.quantize(step, decimal.ROUND_HALF_UP)
        parts[-1] = rounded - sum(parts[:-1], Decimal())
    return parts


def split(context: PythonContext, total: Decimal, share: Decimal) -> Decimal:
    """Ask the series that is being made for this one's part."""
    return context.split(total, share)


def plain_number(value: Decimal | int) -> str:
    """Return a number as text, without needless zeros."""
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def as_text(context: PythonContext, value: Any, pattern: list[str] | None = None) -> str | None:
    """Return a value as text, a day or moment by a pattern."""
    if value is None:
        return None
    if isinstance(value, datetime):
        value = context.calendar.local(value)
        return moments.format_moment(value, pattern or ISO_MOMENT)
    if isinstance(value, date):
        return moments.format_moment(value, pattern or ISO_DAY)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (Decimal, int)):
        return plain_number(value)
    return str(value) or None


ISO_DAY = ["%yyyy", "=-", "%MM", "=-", "%dd"]
ISO_MOMENT = [*ISO_DAY, "= ", "%HH", "=:", "%mm"]


def join(context: PythonContext, separator: str | None, *values: Any) -> str | None:
    """Return the values that are there as one text."""
    pieces: list[str | None] = []
    for value in values:
        items = value if isinstance(value, (list, tuple)) else (value,)
        pieces.extend(as_text(context, item) for item in items)
    return (separator or "").join(piece for piece in pieces if piece) or None


def lower(_: PythonContext, value: str) -> str:
    """Return the text in small letters."""
    return lower_simply(value)


def lower_simply(value: str) -> str:
    """Return small letters as PostgreSQL makes them: one for one, whatever stands around."""
    if value.isascii():
        return value.lower()
    return "".join("i" if letter == "\u0130" else letter.lower() for letter in value)


def trim(_: PythonContext, value: str) -> str | None:
    """Return the text without blanks around it."""
    return value.strip(" \t\r\n\u3000") or None


def contains(_: PythonContext, value: str, part: str) -> bool:
    """Tell whether a text holds another, whatever the case of its letters."""
    return lower_simply(part) in lower_simply(value)


def starts(_: PythonContext, value: str, part: str) -> bool:
    """Tell whether a text begins with another, whatever the case of its letters."""
    return lower_simply(value).startswith(lower_simply(part))


def matches(_: PythonContext, value: str, pattern: Pattern) -> bool:
    """Tell whether a pattern is found in a text."""
    return pattern.find(value) is not None


def extract(_: PythonContext, value: str, pattern: Pattern) -> str | None:
    """Return the first place of a text that fits a pattern, the longest there."""
    return pattern.find(value) or None


def day_of(context: PythonContext, value: date | datetime) -> date:
    """Return the company's day of a day or moment."""
    return context.calendar.day(value) if isinstance(value, datetime) else value


def days_between(context: PythonContext, first: Any, last: Any) -> int:
    """Count how often the day changes from one to the other."""
    return (day_of(context, last) - day_of(context, first)).days


def working_days_between(context: PythonContext, first: Any, last: Any) -> int:
    """Count the working days after one up to and with the other."""
    return context.calendar.working_days_between(day_of(context, first), day_of(context, last))


def next_working_day(context: PythonContext, day: Any) -> date | None:
    """Return the working day after a day."""
    return context.calendar.next_working_day(day_of(context, day))


def previous_working_day(context: PythonContext, day: Any) -> date | None:
    """Return the working day before a day."""
    return context.calendar.previous_working_day(day_of(context, day))


def date_part(part: str) -> Callable[[PythonContext, Any], int]:
    """Return the function that tells one part of a day."""

    def read(context: PythonContext, day: Any) -> int:
        found = day_of(context, day)
        return found.isoweekday() if part == "weekday" else int(getattr(found, part))

    return read


#: Nothing is moved further at once, in days; beyond it the answer is empty, on both sides.
FARTHEST_DAYS = 365_000


def reach(months: int, days: int, seconds: int = 0) -> int:
    """Return how many such lengths are as far as anything is moved: a thousand years."""
    if seconds:
        return FARTHEST_DAYS * 86_400 // seconds
    return FARTHEST_DAYS // (months * 30 + days)


def calendar_length(months: int, days: int) -> Callable[[PythonContext, Any], Duration | None]:
    """Return the function that makes durations of whole months or days."""
    most = reach(months, days)

    def make(_: PythonContext, count: Any) -> Duration | None:
        if abs(count) > most:
            return None
        whole = int(count)
        return Duration(months=months * whole, days=days * whole)

    return make


def elapsed_length(seconds: int) -> Callable[[PythonContext, Any], Duration | None]:
    """Return the function that makes durations of so many seconds."""
    most = reach(0, 0, seconds)

    def make(_: PythonContext, count: Any) -> Duration | None:
        if abs(count) > most:
            return None
        return Duration(microseconds=moments.to_microseconds(Decimal(count), seconds))

    return make


#: So many working days may be added at once; they are counted one by one.
FARTHEST_WORKING_DAYS = 10_000


def working_days(_: PythonContext, count: Any) -> Duration | None:
    """Return a duration of working days."""
    return Duration(working_days=int(count)) if abs(count) <= FARTHEST_WORKING_DAYS else None


def working_hours(_: PythonContext, count: Any) -> Duration | None:
    """Return a duration of working hours."""
    if abs(count) > FARTHEST_WORKING_DAYS:
        return None
    return Duration(working_microseconds=moments.to_microseconds(Decimal(count), 3600))


def period_near(distance: int) -> Callable[[PythonContext, str], Period]:
    """Return the function for this, the previous or the next unit."""

    def make(context: PythonContext, unit: str) -> Period:
        return moments.period_around(unit, context.today, distance)

    return make


def last_days(context: PythonContext, count: Any, unit: str) -> Period | None:
    """Return the period of so many units back up to and with today."""
    if abs(count) > reach(*moments.UNITS[unit]):
        return None
    first = moments.shift(unit, context.today, -int(count))
    return Period(first, context.today + timedelta(days=1))


def coming_days(context: PythonContext, count: Any, unit: str) -> Period | None:
    """Return the period from today of so many units ahead."""
    if abs(count) > reach(*moments.UNITS[unit]):
        return None
    last = moments.shift(unit, context.today, int(count))
    return Period(context.today, last + timedelta(days=1))


def now(context: PythonContext) -> datetime:
    """Return the moment."""
    return context.now


def today(context: PythonContext) -> date:
    """Return the company's day."""
    return context.today


def size(_: PythonContext, values: Any) -> int:
    """Count many values."""
    return len(values) if values else 0


def total(_: PythonContext, *values: Any) -> Decimal:
    """Add up the values that are there."""
    result = Decimal()
    for value in values:
        if value is not None:
            result = _EXACT.add(result, value)
    return result
