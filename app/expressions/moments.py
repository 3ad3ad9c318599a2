"""Durations and periods, and what is done with days and moments.

Everything here is the Python side of what PostgreSQL does with ``interval``; ``sql`` holds the
other side, and a property test holds the two together.
"""

import calendar as months_of
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.expressions.calendar import Calendar

_MICRO = Decimal(1_000_000)


@dataclass(frozen=True)
class Duration:
    """A length of time as people say it: months and days of the calendar, and time that passes.

    A month is as long as the month it is added to, a day keeps the time of day; only
    ``microseconds`` is a length in itself. The ``working`` lengths follow the business calendar.
    """

    months: int = 0
    days: int = 0
    microseconds: int = 0
    working_days: int = 0
    working_microseconds: int = 0

    @property
    def total(self) -> int:
        """Microseconds, with 30 days to a month and 24 hours to a day, to compare by."""
        return ((self.months * 30 + self.days) * 86_400_000_000) + self.microseconds

    def __add__(self, other: "Duration") -> "Duration":
        return Duration(*(a + b for a, b in zip(self._lengths(), other._lengths(), strict=True)))

    def __neg__(self) -> "Duration":
        return Duration(*(-length for length in self._lengths()))

    def _lengths(self) -> tuple[int, ...]:
        return (
            self.months,
            self.days,
            self.microseconds,
            self.working_days,
            self.working_microseconds,
        )


@dataclass(frozen=True)
class Period:
    """The days from *first* up to, but without, *after*."""

    first: date
    after: date


def as_duration(value: Duration | timedelta) -> Duration:
    """Return a stored length, which is time that passes, as a duration."""
    if isinstance(value, Duration):
        return value
    return Duration(microseconds=value // timedelta(microseconds=1))


def to_microseconds(count: Decimal, seconds_each: int) -> int:
    """Return *count* units of so many seconds, to the microsecond; halves away from zero."""
    exact = count * seconds_each * _MICRO
    whole = int(abs(exact) + Decimal("0.5"))
    return whole if exact >= 0 else -whole


def add_months(day: date, months: int) -> date:
    """Return the day *months* later; after the 31st it is the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = months_of.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def add_to_day(day: date, length: Duration, calendar: Calendar) -> date | None:
    """Return the day that lies a calendar or working duration after *day*."""
    moved: date | None = add_months(day, length.months) + timedelta(days=length.days)
    if length.working_days and moved:
        moved = calendar.add_working_days(moved, length.working_days)
    return moved


def add_to_moment(moment: datetime, length: Duration, calendar: Calendar) -> datetime | None:
    """Return the moment a duration after *moment*. Months and days keep the time of day."""
    if length.months:
        wall = calendar.local(moment).replace(tzinfo=None, fold=0)
        day = add_months(wall.date(), length.months)
        moment = calendar.moment(datetime.combine(day, wall.time()))
    if length.days:
        moment = calendar.add_days(moment, length.days)
    if length.working_days:
        wall = calendar.local(moment).replace(tzinfo=None, fold=0)
        worked = calendar.add_working_days(wall.date(), length.working_days)
        if worked is None:
            return None
        moment = calendar.moment(datetime.combine(worked, wall.time()))
    if length.working_microseconds:
        span = timedelta(microseconds=length.working_microseconds)
        return calendar.add_working_time(moment, span)
    return moment + timedelta(microseconds=length.microseconds)


def start_of(unit: str, day: date) -> date:
    """Return the first day of the week, month, quarter or year of *day*. Weeks begin on Monday."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if unit == "year":
        return day.replace(month=1, day=1)
    return day


#: How far one unit goes: months and days.
UNITS = {"day": (0, 1), "week": (0, 7), "month": (1, 0), "quarter": (3, 0), "year": (12, 0)}


def shift(unit: str, day: date, count: int) -> date:
    """Return the day *count* units later."""
    months, days = UNITS[unit]
    return add_months(day, months * count) + timedelta(days=days * count)


def period_around(unit: str, day: date, distance: int) -> Period:
    """Return the unit that holds *day*, or the one *distance* units away."""
    first = shift(unit, start_of(unit, day), distance)
    return Period(first, shift(unit, first, 1))


def format_moment(value: date | datetime, pattern: list[str]) -> str:
    """Return a day or a local moment as text, by a pattern that ``formats`` has read."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a wall time.
    numbers = {
        "yyyy": f"{moment.year:04}",
        "yy": f"{moment.year % 100:02}",
        "MM": f"{moment.month:02}",
        "M": str(moment.month),
        "dd": f"{moment.day:02}",
        "d": str(moment.day),
        "HH": f"{moment.hour:02}",
        "mm": f"{moment.minute:02}",
        "ss": f"{moment.second:02}",
        "Q": str((moment.month - 1) // 3 + 1),
    }
    return "".join(
        numbers.get(piece[1:], "") if piece[0] == "%" else piece[1:] for piece in pattern
    )
