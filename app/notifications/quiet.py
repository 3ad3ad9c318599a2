"""When a message may reach somebody: quiet hours of the company, and the moments of digests.

The hours are app.yaml's and the company's clocks', for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Literal

from app.definitions.catalog import App

Rhythm = Literal["daily", "weekly"]

#: Spans may follow one another: the end of one may lie in the next.
_MOST_SPANS = 8


def after_quiet(app: App, moment: datetime) -> datetime:
    """Return the first moment from *moment* on that is not in the quiet hours."""
    spans: Sequence[tuple[time, time]] = app.calendar.get("quiet") or ()
    found = moment
    for _ in range(_MOST_SPANS if spans else 0):
        end = next((end for span in spans if (end := _end_of(app, span, found))), None)
        if end is None:
            break
        found = end
    return found


def _end_of(app: App, span: tuple[time, time], moment: datetime) -> datetime | None:
    """Return when a span of the day that holds *moment* is over; None: it does not hold it."""
    calendar = app.business_calendar
    local = calendar.local(moment)
    begins, ends = span
    now, day = local.time(), local.date()
    if begins < ends:
        if not begins <= now < ends:
            return None
    elif now >= begins:
        # Past midnight: it ends tomorrow.
        day += timedelta(days=1)
    elif now >= ends:
        return None
    return calendar.moment(datetime.combine(day, ends))


def digest_at(app: App, moment: datetime, rhythm: Rhythm) -> datetime:
    """Return when the next digest goes out: when work begins, daily or on the week's first day."""
    calendar = app.business_calendar
    opens = calendar.hours[0][0] if calendar.hours else time(8)
    day = calendar.day(moment)
    first = min(calendar.weekdays, default=0)
    for ahead in range(9):
        there = day + timedelta(days=ahead)
        if rhythm == "weekly" and there.weekday() != first:
            continue
        found = calendar.moment(datetime.combine(there, opens))
        if found > moment:
            return after_quiet(app, found)
    return moment
