"""The business calendar: time zone, working days and working hours.

It is a plain value; the definitions room makes it from ``app.yaml``. The SQL back end sees the
same calendar as a table of working days, which ``working_day_rows`` fills.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

#: The calendar is asked about working days at most this far away; a calendar without any working
#: day would otherwise be searched for ever.
_FARTHEST = timedelta(days=366 * 30)


@dataclass(frozen=True)
class Calendar:
    """When the company works, and in which time zone."""

    time_zone: str = "UTC"
    #: Working days of the week, Monday is 0.
    weekdays: frozenset[int] = frozenset(range(5))
    #: Working hours of a day, in order, without overlap.
    hours: tuple[tuple[time, time], ...] = ((time(9), time(17)),)
    #: Days off that are working days by the week.
    holidays: frozenset[date] = frozenset()
    #: Days worked that are none by the week, such as those that make up for a holiday.
    extra_days: frozenset[date] = frozenset()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    def local(self, moment: datetime) -> datetime:
        """Return the moment on the company's clocks."""
        return moment.astimezone(self.zone)

    def day(self, moment: datetime) -> date:
        """Return the day it is for the company at that moment."""
        try:
            return moment.astimezone(self.zone).date()
        except OverflowError:
            # Within hours of the first or the last day there is, clocks elsewhere have left it.
            return moment.date()

    def moment(self, wall: datetime) -> datetime:
        """Return the moment at which the company's clocks show *wall* (without a zone).

        A time that clocks skip is read as if they had not yet been moved, one they show twice is
        the second. PostgreSQL reads them so.
        """
        first = wall.replace(tzinfo=self.zone, fold=0)
        second = wall.replace(tzinfo=self.zone, fold=1)
        skipped_or_plain = (first.utcoffset() or timedelta()) <= (second.utcoffset() or timedelta())
        try:
            return (first if skipped_or_plain else second).astimezone(UTC)
        except OverflowError:
            return wall.replace(tzinfo=UTC)

    def add_days(self, moment: datetime, days: int) -> datetime:
        """Return the moment so many days later, at which clocks show the same time of day."""
        local, there = self.local(moment), self.local(moment + timedelta(days=days))
        if local.utcoffset() == there.utcoffset() == there.replace(fold=1).utcoffset():
            # The common case: clocks are not moved on the way, and show this time once.
            return there.astimezone(UTC)
        return self.moment(local.replace(tzinfo=None, fold=0) + timedelta(days=days))

    def midnight(self, day: date) -> datetime:
        """Return the moment the day begins."""
        return self.moment(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - a wall time.

    def is_working_day(self, day: date) -> bool:
        """Whether the company works on that day."""
        if day in self.extra_days:
            return True
        return day.weekday() in self.weekdays and day not in self.holidays

    def next_working_day(self, day: date) -> date | None:
        """Return the first working day after *day*; None when there is none."""
        return self._search(day, timedelta(days=1))

    def previous_working_day(self, day: date) -> date | None:
        """Return the last working day before *day*; None when there is none."""
        return self._search(day, timedelta(days=-1))

    def add_working_days(self, day: date, count: int) -> date | None:
        """Return the working day that is *count* of them after *day*, or before it if negative."""
        step = self.next_working_day if count > 0 else self.previous_working_day
        found: date | None = day
        for _ in range(abs(count)):
            found = step(found) if found else None
        return found

    def working_days_between(self, first: date, last: date) -> int:
        """Return how many working days come after *first* up to and with *last*."""
        if last < first:
            return -self.working_days_between(last, first)
        weeks, rest = divmod((last - first).days, 7)
        count = weeks * len(self.weekdays)
        count += sum((last.weekday() - number) % 7 in self.weekdays for number in range(rest))
        off = sum(first < day <= last for day in self._days_off)
        return count - off + sum(first < day <= last for day in self._days_on)

    @cached_property
    def _days_off(self) -> frozenset[date]:
        """Days that the week would call working days."""
        off = self.holidays - self.extra_days
        return frozenset(day for day in off if day.weekday() in self.weekdays)

    @cached_property
    def _days_on(self) -> frozenset[date]:
        """Working days that the week would not call so."""
        return frozenset(day for day in self.extra_days if day.weekday() not in self.weekdays)

    def add_working_time(self, moment: datetime, length: timedelta) -> datetime | None:
        """Return the moment by which *length* of working time has passed after *moment*."""
        left = abs(length)
        if not left:
            return moment
        spans = self._spans_after(moment) if length > timedelta() else self._spans_before(moment)
        for begins, ends in spans:
            if left <= ends - begins:
                return begins + left if length > timedelta() else ends - left
            left -= ends - begins
        return None

    def working_time_between(self, first: datetime, last: datetime) -> timedelta:
        """Return how much working time lies between two moments."""
        if last < first:
            return -self.working_time_between(last, first)
        total = timedelta()
        for begins, ends in self._spans_after(first):
            if begins >= last:
                break
            total += min(ends, last) - begins
        return total

    def _search(self, day: date, step: timedelta) -> date | None:
        for _ in range(_FARTHEST.days):
            if day in (date.min, date.max):
                return None
            day += step
            if self.is_working_day(day):
                return day
        return None

    def _spans(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self.is_working_day(day):
            return []
        return [
            (self.moment(datetime.combine(day, opens)), self.moment(datetime.combine(day, closes)))
            for opens, closes in self.hours
        ]

    def _spans_after(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = self.day(moment)
        for number in range(_FARTHEST.days):
            for begins, ends in self._spans(day + timedelta(days=number)):
                if ends > moment:
                    yield max(begins, moment), ends

    def _spans_before(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = self.day(moment)
        for number in range(_FARTHEST.days):
            for begins, ends in reversed(self._spans(day - timedelta(days=number))):
                if begins < moment:
                    yield begins, min(ends, moment)


def working_day_rows(calendar: Calendar, first: date, last: date) -> Iterator[tuple[date, int]]:
    """Yield each working day from *first* to *last* with its running number, for the SQL table."""
    number = 0
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if calendar.is_working_day(day):
            number += 1
            yield day, number
