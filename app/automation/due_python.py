"""When a timed rule is due, in Python: for the few records of one write.

The twin of ``due_sql``, which PostgreSQL plans for longer than this takes; a change in one is a
change in the other. Yearly dates and what asks other records is left to SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.automation.timed import Timed
from app.definitions.automation import At
from app.definitions.catalog import Entity
from app.expressions.calendar import Calendar
from app.expressions.tree import Checked
from app.records.closures import Closures
from app.records.conditions import WriteContext

#: What a rule follows and when it is due.
Dates = Callable[[WriteContext], tuple[datetime | None, datetime | None]]


def dates_of(
    rule: Timed, entity: Entity, columns: frozenset[str], closures: Closures
) -> Dates | None:
    """Return what works out ``(base, due)`` of a record; None where only SQL knows."""
    if rule.yearly or not all(_is_known(each, entity, columns) for each in (rule.due, rule.base)):
        return None
    base, due = closures.of(rule.base), closures.of(rule.due)
    is_itself = rule.base is rule.due

    def dates(context: WriteContext) -> tuple[datetime | None, datetime | None]:
        follows = base(context)
        if follows is None:
            return None, None
        begins = as_moment(context.calendar, follows)
        found = follows if is_itself else due(context)
        return begins, at_its_time(context.calendar, found, rule.at, before=rule.before)

    return dates


def _is_known(expression: Checked, entity: Entity, columns: frozenset[str]) -> bool:
    """Return whether everything an expression reads stands in the record's row."""
    if expression.asked:
        return False
    for name in expression.names:
        first = name.removeprefix("record.").partition(".")[0]
        if first == "app":
            continue
        if first not in entity.fields or first not in columns:
            return False
    return True


def as_moment(calendar: Calendar, value: Any) -> datetime | None:
    """Return a day as the moment it begins."""
    if value is None or isinstance(value, datetime):
        return value
    return calendar.midnight(value)


def at_its_time(
    calendar: Calendar, due: date | datetime | None, at: At | None, *, before: bool
) -> datetime | None:
    """Return the moment a rule is due, moved to its time of day; see ``due_sql``."""
    if due is None:
        return None
    if at is None:
        return as_moment(calendar, due)
    if not isinstance(due, datetime):
        return on_clock(calendar, _working_day(calendar, due, at, before=before), at.minute)
    day = calendar.day(due)
    same = on_clock(calendar, day, at.minute)
    if before and same > due:
        day -= timedelta(days=1)
    elif not before and same < due:
        day += timedelta(days=1)
    return on_clock(calendar, _working_day(calendar, day, at, before=before), at.minute)


def on_clock(calendar: Calendar, day: date, minute: int) -> datetime:
    """Return the moment of a day at which the company's clocks show so many minutes."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    return calendar.moment(wall).astimezone(UTC)


def _working_day(calendar: Calendar, day: date, at: At, *, before: bool) -> date:
    if not at.working_days or calendar.is_working_day(day):
        return day
    step = calendar.previous_working_day if before else calendar.next_working_day
    return step(day) or day
