"""When a timed rule is due, in Python: for the few records of one write.

The twin of ``due_sql``, which PostgreSQL plans for longer than this takes; a change in one is a
change in the other. Yearly dates and what asks other records is left to SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.automation.due_sql import TURN, exchanged
from app.automation.timed import Timed
from app.definitions.automation import At
from app.definitions.catalog import Entity
from app.expressions import to_python
from app.expressions.calendar import Calendar
from app.expressions.tree import Checked, Path
from app.records.closures import Closures
from app.records.conditions import WriteContext


class DateContext(WriteContext):
    """What the dates of a record see: its values, and the date a rule follows."""

    turn: Any = None

    def value(self, path: str) -> Any:
        """Return the value at a dotted path."""
        return self.turn if path == TURN else super().value(path)


#: What a rule follows and when it is due.
Dates = Callable[[DateContext], tuple[datetime | None, datetime | None]]


def dates_of(
    rule: Timed,
    entity: Entity,
    columns: frozenset[str],
    closures: Closures,
    *,
    force: bool = False,
) -> Dates | None:
    """Return what works out ``(base, due)`` of a record; None where SQL knows better.

    With *force* also where other records are asked, since SQL does not know it either.
    """
    parts = (rule.due, rule.base)
    if not force and not all(_is_known(each, entity, columns) for each in parts):
        return None
    if rule.yearly:
        return None
    base, is_itself = closures.of(rule.base), rule.base is rule.due
    # The date is worked out once: in what is due it stands as the value it has.
    turn = Path(type=rule.base.root.type, name=TURN)
    due = to_python(replace(rule.due, root=exchanged(rule.due.root, rule.base.root, turn)))
    at, before = rule.at, rule.before

    def dates(context: DateContext) -> tuple[datetime | None, datetime | None]:
        follows = base(context)
        if follows is None:
            return None, None
        context.turn = follows
        found = follows if is_itself else due(context)
        calendar = context.calendar
        return as_moment(calendar, follows), at_its_time(calendar, found, at, before=before)

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
