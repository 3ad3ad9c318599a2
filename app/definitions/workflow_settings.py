"""Values of the workflows that are more than a text, as they are written.

Each is a setting that reads one value by itself: a duration, people, a time of day, a rhythm.
What they mean is for `workflow_values` and `workflow_people`.
"""

from __future__ import annotations

import re
from typing import Any

from app.definitions.automation import At, Cron
from app.definitions.complaints import complain
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Value
from app.definitions.words import DURATION
from app.fields.settings import refuse, written

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)( on working days)?\Z")
_COUNTED = re.compile(r"(\d{1,4}) (minute|hour|day|week|month|quarter|year)s?\Z")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RHYTHMS = ("hour", "day", "working day", "week", "month", "quarter", "year")
_DURATION_HINT = "For example `3 days`, `8 working hours`, or `=days(remind_days)`."
_DURATION_TAKES = (
    "a duration, a table of them (`{by: level, a: 7 days, else: 30 days}`) or `=` and an expression"
)


class DurationValue(Value):
    """A length of time: in words, by a table, or worked out."""

    takes = _DURATION_TAKES

    def read(self, value: Any, key: str) -> Any:
        _read_duration(value, key, may_be_table=True)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or a table."""
        return {"anyOf": [{"type": "string"}, {"type": "object", "required": ["by"]}]}


def _read_duration(value: Any, key: str, *, may_be_table: bool) -> None:
    if isinstance(value, dict) and may_be_table:
        if "by" not in value:
            raise complain(
                Code.not_a_table,
                f"`{key}` is a table without `by`.",
                "Write the field it depends on: `{by: level, a: 7 days, else: 30 days}`.",
            )
        for name, inner in value.items():
            if name != "by":
                _read_duration(inner, f"{key}.{name}", may_be_table=False)
        return
    if not isinstance(value, str):
        raise refuse(
            f"`{key}` is {written(value)}; it must be {_DURATION_TAKES}.", Code.not_a_duration
        )
    if value.startswith("="):
        return
    found = DURATION.match(value)
    if found is not None and not (found[2] and found[3] not in ("hour", "day")):
        return
    units = ("minutes", "hours", "days", "weeks", "months", "years")
    close = nearest(value.rsplit(" ", 1)[-1], units)
    raise complain(
        Code.not_a_duration,
        f"`{value}` is not a duration.",
        f"{did_you_mean(close)} {_DURATION_HINT}".strip(),
        close,
    )


class People(Value):
    """Whom something concerns: one entry or a list of them."""

    takes = (
        "a user, contact or e-mail field (`owner.manager`), `role NAME`, `user NAME`, "
        "`department NAME`, `head of FIELD`, `chosen from role NAME`, an address, or a list"
    )

    def read(self, value: Any, key: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) and one.strip() for one in listed):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple(listed)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class AtValue(Value):
    """A time of day, perhaps on working days only."""

    takes = "a time such as `09:00`, or `09:00 on working days`"

    def read(self, value: Any, key: str) -> At:
        found = _TIME.match(value) if isinstance(value, str) else None
        if found is None:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.bad_value)
        return At(int(found[1]) * 60 + int(found[2]), working_days=found[3] is not None)

    def json_schema(self) -> dict[str, Any]:
        """Return the form of a time."""
        return {"type": "string", "pattern": r"^\d?\d:\d\d( on working days)?$"}


class EveryValue(Value):
    """A rhythm."""

    takes = (
        "`15 minutes`, `2 hours`, `day`, `working day`, `monday` … `sunday`, `week`, `month`, "
        "`quarter` or `year`"
    )

    def read(self, value: Any, key: str) -> Cron:
        text = value if isinstance(value, str) else ""
        if text in _WEEKDAYS:
            return Cron("week", weekday=_WEEKDAYS.index(text))
        if text in _RHYTHMS:
            return Cron("hours" if text == "hour" else text)  # type: ignore[arg-type]
        found = _COUNTED.match(text)
        if found is not None and 1 <= int(found[1]) <= 1000:
            unit = f"{found[2]}s" if found[2] in ("minute", "hour") else found[2]
            return Cron(unit, int(found[1]))  # type: ignore[arg-type]
        close = nearest(text, (*_WEEKDAYS, *_RHYTHMS))
        raise complain(
            Code.unknown_word,
            f"`{key}` is {written(value)}; it must be {self.takes}.",
            did_you_mean(close),
            close,
        )

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text."""
        return {"type": "string"}


class DayOfMonth(Value):
    """Which day of a month or quarter."""

    takes = "a day from `1` to `31`, `last`, or `last working day`"

    def read(self, value: Any, key: str) -> int | str:
        text = str(value)
        if text in ("last", "last working day", "first working day"):
            return text
        if re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= 31:
            return int(text)
        raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.bad_value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a number or a word."""
        return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 31}, {"type": "string"}]}


class Givens(Value):
    """Fields with the values they get."""

    takes = "fields with values: `{status: active, due_on: =today() + days(2)}`"

    def read(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        for name, inner in value.items():
            if inner is None:
                raise complain(
                    Code.empty_value,
                    f"`{name}` gets no value.",
                    "Write one; to clear the field, write `=empty`.",
                )
        return dict(value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is an object."""
        return {"type": "object"}


class SecretAs(Value):
    """How the other side is shown that one knows the secret."""

    takes = "`bearer`, `signature`, `basic NAME`, or `header NAME`"

    def read(self, value: Any, key: str) -> str:
        word, _, rest = str(value).partition(" ")
        if word in ("bearer", "signature") and not rest:
            return word
        if word == "basic" and rest and ":" not in rest and rest.isprintable():
            return f"basic {rest}"
        if word == "header" and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", rest):
            return f"header {rest}"
        raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.")

    def json_schema(self) -> dict[str, Any]:
        """Return its forms."""
        return {"type": "string", "pattern": "^(bearer|signature|basic .+|header .+)$"}
