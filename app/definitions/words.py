"""Values of the language that are more than a text or a number: conditions, durations, sort keys.

Each is a setting like those of the field types; none of them looks beyond its own value.
"""

from __future__ import annotations

import math
import re
from datetime import date, time
from typing import Any

from app.definitions.business_calendar import PUBLIC_HOLIDAYS
from app.definitions.complaints import complain
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Value
from app.fields.settings import refuse, written

DURATION = re.compile(r"(\d{1,6}) (?:(working) )?(minute|hour|day|week|month|year)s?\Z")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\Z")


#: The days of a unit, at most.
_UNITS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 31, "year": 366}


def days_of(words: str) -> int:
    """Return how many days a duration is at most: what is kept so long goes no day too early."""
    found = DURATION.match(words)
    assert found is not None, f"{words!r} was read as a duration"
    return math.ceil(int(found[1]) * _UNITS[found[3]])


class Condition(Value):
    """Yes, no, or an expression that decides per record."""

    takes = "`yes`, `no` or a condition"

    def read(self, value: Any, key: str) -> bool | str:
        if not isinstance(value, str):
            raise refuse(
                f"`{key}` is {written(value)}; it must be {self.takes}.", Code.not_a_switch
            )
        if value in ("yes", "true"):
            return True
        return False if value in ("no", "false") else value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a switch or an expression."""
        return {"anyOf": [{"type": "boolean"}, {"type": "string"}]}


class Right(Condition):
    """Yes, no, a scope or a condition; several scopes as a list."""

    takes = "`yes`, `no`, a scope or a condition"

    def read(self, value: Any, key: str) -> Any:
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return tuple(value)
        return super().read(value, key)


class Scope(Value):
    """Which rows: a scope, several, or a condition."""

    takes = (
        "a scope (`own`, `team`, `subordinates`, `department`, `department_tree`, `all`) or a "
        "condition"
    )

    def read(self, value: Any, key: str) -> Any:
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) for one in listed):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple(listed)

    def json_schema(self) -> dict[str, Any]:
        """Return the scopes' names."""
        return {"anyOf": [{"enum": list(SCOPES)}, {"type": "string"}, {"type": "array"}]}


SCOPES = ("own", "team", "subordinates", "department", "department_tree", "all")


class Duration(Value):
    """A length of time in words."""

    takes = "a duration such as `3 days` or `8 working hours`"

    def read(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not DURATION.match(value):
            units = ("minutes", "hours", "days", "weeks", "months", "years")
            close = nearest(str(value).rsplit(" ", 1)[-1], units)
            raise complain(
                Code.not_a_duration,
                f"`{key}` is {written(value)}, which is not a duration.",
                "Write a number and minutes, hours, days, weeks, months or years, for example "
                "`3 days`." + (f" {did_you_mean(close)}" if close else ""),
                close,
            )
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return the form of a duration."""
        return {
            "type": "string",
            "pattern": r"^\d+ (working )?(minute|hour|day|week|month|year)s?$",
        }


class SortKeys(Value):
    """Fields to sort by, a `-` before those that go down."""

    takes = "a field, `-` before it to go down, or a list of them"

    def read(self, value: Any, key: str) -> tuple[tuple[str, bool], ...]:
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in listed):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple((one.removeprefix("-"), one.startswith("-")) for one in listed)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Texts(Value):
    """One text or a list of texts, kept as a tuple."""

    takes = "a name, or a list of names"

    def read(self, value: Any, key: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in listed):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple(listed)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Weekdays(Value):
    """Days of the week, Monday is 0."""

    takes = "days such as `mon-fri` or `[mon, wed, sat]`"

    def read(self, value: Any, key: str) -> tuple[int, ...]:
        listed = value if isinstance(value, list) else [value]
        days: set[int] = set()
        for one in listed:
            first, _, last = str(one).partition("-")
            if first not in _DAYS or (last and last not in _DAYS):
                raise refuse(
                    f"`{key}` is {written(one)}; it must be {self.takes}.", Code.unknown_word
                )
            begin, end = _DAYS.index(first), _DAYS.index(last or first)
            days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
        return tuple(sorted(days))

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"enum": list(_DAYS)}}]}


class Hours(Value):
    """Spans of a day, in order."""

    takes = "a span such as `09:00-18:00`, or a list of them"

    def __init__(self, help: str, *, overnight: bool = False) -> None:  # noqa: A002
        #: A span may go past midnight, as quiet hours do.
        self.overnight = overnight
        super().__init__(help)

    def read(self, value: Any, key: str) -> tuple[tuple[time, time], ...]:
        spans: list[tuple[time, time]] = []
        for one in value if isinstance(value, list) else [value]:
            first, _, last = str(one).partition("-")
            begin, end = _clock(first), _clock(last)
            if begin is None or end is None or begin == end or (end < begin and not self.overnight):
                raise refuse(f"`{key}` is {written(one)}; it must be {self.takes}.", Code.bad_value)
            if spans and not self.overnight and begin < spans[-1][1]:
                raise refuse(
                    f"`{key}`: `{one}` begins before the span ahead of it ends. "
                    "Write the spans in order, without overlap.",
                    Code.bad_value,
                )
            spans.append((begin, end))
        return tuple(spans)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def _clock(text: str) -> time | None:
    found = _TIME.match(text.strip())
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2])
    if hour == 24:
        return time.max if minute == 0 else None
    return time(hour, minute)


class Days(Value):
    """Days, one or a list of them."""

    takes = "a day such as `2026-10-01`, or a list of them"

    def read(self, value: Any, key: str) -> tuple[Any, ...]:
        listed = value if isinstance(value, list) else [value]
        return tuple(self.read_one(one, key) for one in listed)

    def read_one(self, one: Any, key: str) -> Any:
        """Return one day."""
        if isinstance(one, str) and _DAY.match(one):
            try:
                return date.fromisoformat(one)
            except ValueError as error:
                raise refuse(
                    f"`{key}` holds {written(one)}, a day that does not exist.", Code.bad_value
                ) from error
        raise refuse(f"`{key}` is {written(one)}; it must be {self.takes}.", Code.bad_value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Holidays(Days):
    """Days off: those of a country, days written out, or both."""

    takes = "a country whose holidays are known (`cn`), a day such as `2026-10-01`, or a list"

    def read_one(self, one: Any, key: str) -> Any:
        """Return a country or a day."""
        if isinstance(one, str) and one in PUBLIC_HOLIDAYS:
            return one
        if isinstance(one, str) and re.fullmatch(r"[a-z]+", one):
            close = nearest(one, PUBLIC_HOLIDAYS)
            raise complain(
                Code.unknown_word,
                f"`{key}`: the holidays of {written(one)} are not known.",
                did_you_mean(close) or "Known is `cn`; write the days of others as a list.",
                close,
            )
        return super().read_one(one, key)
