"""When a rule without a record comes next: `every: 15 minutes | day | working day | month …`.

Everything is counted in the company's days, so that a day with 23 or 25 hours has each time of day
once: a time that clocks skip comes an hour later, one they show twice comes the second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from app.definitions.automation import At, Cron
from app.expressions.calendar import Calendar
from app.expressions.moments import add_months

#: From here days, weeks and months are counted where a rule comes every so many of them.
_FIRST = date(2001, 1, 1)  # a Monday
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
#: A rule that would not come within so many days never comes.
_FARTHEST = 366 * 30
_DAY_MINUTES = 24 * 60


def next_moment(cron: Cron, at: At | None, calendar: Calendar, after: datetime) -> datetime | None:
    """Return the first moment after *after* at which the rule comes; None: it never does."""
    if cron.unit in ("minutes", "hours"):
        return _elapsed(cron, calendar, after)
    minute = at.minute if at is not None else 0
    for day in _days(cron, calendar, calendar.day(after) - timedelta(days=1)):
        on = day
        if at is not None and at.working_days and not calendar.is_working_day(day):
            found = calendar.next_working_day(day)
            if found is None:
                return None
            on = found
        wall = datetime(on.year, on.month, on.day) + timedelta(minutes=minute)  # noqa: DTZ001
        moment = calendar.moment(wall)
        if moment > after:
            return moment
    return None


def _elapsed(cron: Cron, calendar: Calendar, after: datetime) -> datetime:
    """Count minutes from the company's midnight, or from long ago where they do not fit a day."""
    minutes = cron.count * (60 if cron.unit == "hours" else 1)
    step = timedelta(minutes=minutes)
    if _DAY_MINUTES % minutes:
        return _EPOCH + ((after - _EPOCH) // step + 1) * step
    midnight = calendar.midnight(calendar.day(after))
    following = calendar.midnight(calendar.day(after) + timedelta(days=1))
    return min(midnight + ((after - midnight) // step + 1) * step, following)


def _days(cron: Cron, calendar: Calendar, first: date) -> Iterator[date]:
    """Yield the days of a rule from *first* on."""
    # A day off may have been moved to a working day after it.
    begin = first - timedelta(days=31)
    for number in range(_FARTHEST):
        day = begin + timedelta(days=number)
        if _is_day(cron, calendar, day):
            yield day


def _is_day(cron: Cron, calendar: Calendar, day: date) -> bool:
    if cron.unit == "day":
        return (day - _FIRST).days % cron.count == 0
    if cron.unit == "working day":
        if not calendar.is_working_day(day):
            return False
        if cron.count == 1:
            return True
        return calendar.working_days_between(_FIRST, day) % cron.count == 0
    if cron.unit == "week":
        weeks = (day - _FIRST).days // 7
        return day.weekday() == (cron.weekday or 0) and weeks % cron.count == 0
    return _is_day_of_period(cron, calendar, day)


def _is_day_of_period(cron: Cron, calendar: Calendar, day: date) -> bool:
    """Tell whether a day is the one of its month, quarter or year."""
    months = {"month": 1, "quarter": 3, "year": 12}[cron.unit] * cron.count
    index = day.year * 12 + day.month - 1
    begin = _month(index - index % months)
    after = _month(index - index % months + months)
    last = after - timedelta(days=1)
    wanted = cron.day or 1
    if wanted == "last":
        return day == last
    if wanted == "last working day":
        return day == (calendar.previous_working_day(after) or last)
    if wanted == "first working day":
        return day == (calendar.next_working_day(begin - timedelta(days=1)) or begin)
    # After the last day of a short month it is the last one.
    shortest = add_months(begin, 1) - timedelta(days=1)
    return day == min(begin + timedelta(days=int(wanted) - 1), shortest)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def moments(
    cron: Cron, at: At | None, calendar: Calendar, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield every moment after *after* up to *until*, for forecasts."""
    found = next_moment(cron, at, calendar, after)
    while found is not None and found <= until:
        yield found
        found = next_moment(cron, at, calendar, found)


__all__ = ["moments", "next_moment"]
