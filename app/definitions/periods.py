"""Periods in words and signs: `this month`, `last 30 days`, `2026-Q3`, `2026-01-01..2026-03-31`.

A `Span` is a period with its days. What day it is, the caller says; nothing here asks a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Unit = Literal["day", "week", "month", "quarter", "year", "days", "months", "all"]

UNITS = ("day", "week", "month", "quarter", "year")
#: Words a configuration may write; `last N days|weeks|months` beside them.
WORDS = (
    "today", "yesterday", "this week", "previous week", "this month", "previous month",
    "this quarter", "previous quarter", "this year", "previous year", "all",
)  # fmt: skip
#: More than this is no period anybody looks at.
MOST_DAYS = 36_600
#: More points than these are no curve.
MOST_PARTS = 400

_LAST = re.compile(r"last (\d{1,4}) (day|week|month)s?\Z")
_NAMED = re.compile(r"(this|previous) (week|month|quarter|year)\Z")
_SIGNS = re.compile(
    r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|W(?P<week>\d\d)"
    r"|(?P<month>\d\d)(?:-(?P<day>\d\d))?))?\Z",
    re.ASCII,
)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_EARLIEST, _LATEST = date(1900, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """A period: its first day, its last, and what it is a whole of."""

    unit: Unit
    #: None where it has no beginning or no end
    first: date | None
    last: date | None

    @property
    def days(self) -> int:
        """How many days it has; 0 where it has no end."""
        if self.first is None or self.last is None:
            return 0
        return (self.last - self.first).days + 1

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    @property
    def signs(self) -> str:
        """How it is written in an address."""
        first, last = self.first, self.last
        if first is None or last is None:
            return "all"
        if self.unit == "year":
            return f"{first:%Y}"
        if self.unit == "quarter":
            return f"{first:%Y}-Q{(first.month + 2) // 3}"
        if self.unit == "month":
            return f"{first:%Y-%m}"
        if self.unit == "week":
            return f"{first:%G}-W{first:%V}"
        if self.unit == "day":
            return first.isoformat()
        return f"{first.isoformat()}..{last.isoformat()}"


ALWAYS = Span("all", None, None)


def is_period(text: str) -> bool:
    """Return whether a configuration may say it: words, not one fixed month."""
    found = _LAST.match(text)
    return text in WORDS or (found is not None and int(found[1]) > 0)


def read_period(text: str, today: date) -> Span:
    """Return the days that words or signs mean.

    Raises:
        ValueError: they mean no period, or one beyond the calendar.
    """
    if text == "all":
        return ALWAYS
    if text in ("today", "yesterday"):
        day = today if text == "today" else today - timedelta(days=1)
        return Span("day", day, day)
    if (named := _NAMED.match(text)) is not None:
        here = span_of(named[2], today)
        return here if named[1] == "this" else moved(here, -1)
    if (last := _LAST.match(text)) is not None:
        return _last(int(last[1]), last[2], today)
    if ".." in text:
        first, _, end = text.partition("..")
        return _between(date.fromisoformat(first), date.fromisoformat(end))
    signs = _SIGNS.match(text)
    if signs is None:
        raise ValueError(text)
    return _checked(_of_signs(signs))


def span_of(unit: str, day: date) -> Span:
    """Return the day, week, month, quarter or year that a day is in."""
    if unit == "day":
        return Span("day", day, day)
    if unit == "week":
        first = day - timedelta(days=day.weekday())
        return Span("week", first, first + timedelta(days=6))
    months = _MONTHS[unit]
    first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
    last = _plus_months(first, months) - timedelta(days=1)
    return Span(unit, first, last)  # type: ignore[arg-type]


def moved(span: Span, steps: int) -> Span:
    """Return the period so many steps later; a stretch of days moves by its own length.

    Raises:
        ValueError: that is beyond the calendar.
    """
    if span.first is None or span.last is None:
        return span
    try:
        if span.unit in _MONTHS:
            first = _plus_months(span.first, _MONTHS[span.unit] * steps)
            return _checked(span_of(span.unit, first))
        if span.unit == "months":
            months = (span.last.year - span.first.year) * 12 + span.last.month - span.first.month
            first = _plus_months(span.first, (months + 1) * steps)
            last = _plus_months(first, months + 1) - timedelta(days=1)
            return _checked(Span("months", first, last))
        by = timedelta(days=span.days * steps)
        return _checked(Span(span.unit, span.first + by, span.last + by))
    except OverflowError as error:
        raise ValueError(span.signs) from error


def a_year_before(span: Span) -> Span:
    """Return the same period of the year before.

    Raises:
        ValueError: that is beyond the calendar.
    """
    if span.first is None or span.last is None:
        return span
    first = _plus_months(span.first, -12)
    if span.unit in _MONTHS:
        return _checked(span_of(span.unit, first))
    if span.unit == "week":
        return _checked(span_of("week", span.first - timedelta(weeks=52)))
    return _checked(Span(span.unit, first, first + (span.last - span.first)))


def up_to(span: Span, before: Span, today: date) -> Span:
    """Return of the period before as many days as have passed of one that is under way.

    The tenth of a month is told beside ten days of the month before, not beside all of it.
    """
    if span.first is None or before.first is None or before.last is None:
        return before
    if not span.holds(today) or today == span.last:
        return before
    last = min(before.last, before.first + (today - span.first))
    return Span(before.unit, before.first, last)


def parts_of(span: Span, unit: str, today: date) -> tuple[Span, ...]:
    """Return the days, weeks, months … a period is made of; those to come are among them.

    A period without a beginning is cut to the last twelve of them.
    """
    first, last = span.first, span.last
    if first is None or last is None:
        last = span_of(unit, today).last
        assert last is not None
        first = moved(span_of(unit, today), -11).first
    assert first is not None
    found = [span_of(unit, first)]
    while (end := found[-1].last) is not None and end < last:
        found.append(moved(found[-1], 1))
    return tuple(found)


def unit_within(span: Span, unit: str) -> str:
    """Return the unit, or a coarser one where a period has more parts than anybody reads."""
    days = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}
    return unit if span.days <= MOST_PARTS * days[unit] else finer(span)


def finer(span: Span) -> str:
    """Return the unit in which a line shows a period: about a dozen to a month of points."""
    if span.first is None or span.days > 1_200:
        return "year" if span.days > 3_700 else "month"
    if span.days <= 35:
        return "day"
    return "week" if span.days <= 100 else "month"


def _last(count: int, unit: str, today: date) -> Span:
    if not count:
        raise ValueError("0")
    if unit == "month":
        last = span_of("month", today).last
        return _checked(Span("months", _plus_months(today.replace(day=1), 1 - count), last))
    days = count * (7 if unit == "week" else 1)
    return _between(today - timedelta(days=days - 1), today)


def _between(first: date, last: date) -> Span:
    if last < first or (last - first).days > MOST_DAYS:
        raise ValueError(f"{first}..{last}")
    for unit in UNITS:
        if span_of(unit, first) == Span(unit, first, last):  # type: ignore[arg-type]
            return _checked(span_of(unit, first))
    return _checked(Span("days", first, last))


def _of_signs(signs: re.Match[str]) -> Span:
    year = int(signs["year"])
    if signs["quarter"]:
        return span_of("quarter", date(year, int(signs["quarter"]) * 3, 1))
    if signs["week"]:
        return span_of("week", date.fromisocalendar(year, int(signs["week"]), 1))
    if signs["day"]:
        day = date(year, int(signs["month"]), int(signs["day"]))
        return Span("day", day, day)
    if signs["month"]:
        return span_of("month", date(year, int(signs["month"]), 1))
    return span_of("year", date(year, 1, 1))


def _checked(span: Span) -> Span:
    if span.first is None or span.last is None:
        return span
    if not _EARLIEST <= span.first <= span.last <= _LATEST:
        raise ValueError(span.signs)
    return span


def _plus_months(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    if not 0 < number // 12 < 9999:
        raise ValueError(number)
    length = (date(number // 12 + (number % 12 == 11), (number + 1) % 12 + 1, 1)
              - date(number // 12, number % 12 + 1, 1)).days  # fmt: skip
    return date(number // 12, number % 12 + 1, min(first.day, length))
