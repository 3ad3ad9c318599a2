"""Repetition: which record of a series comes next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.expressions.moments import add_months
from app.expressions.types import DATE, NUMBER, Kind, Type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldError,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
    Part,
)
from app.fields.reading import is_nothing, read_line, shown, wrong_kind
from app.fields.times import read_day
from app.texts import Label, say

UNITS: Mapping[str, Label] = {
    "day": say("day", "天"),
    "week": say("week", "周"),
    "month": say("month", "个月"),
    "year": say("year", "年"),
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("every", "step", "on", "until", "times")
_WORDS = {
    "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
    "每天": "day", "每周": "week", "每月": "month", "每年": "year",
}  # fmt: skip
_MOST_STEP = 99
_MOST_TIMES = 999


class Repeat(FieldType):
    """How a record repeats."""

    name: ClassVar[str] = "repeat"
    label: ClassVar[Label] = say("Repeat", "重复")
    help: ClassVar[str] = (
        "Makes the record the first of a series: `every` day, week, month or year, `step` of them "
        "apart, of a week only `on` some days, `until` a day or so many `times`. A month that has "
        "no 31st has its last day instead."
    )
    control: ClassVar[str] = "repeat"
    example: ClassVar[str] = "repeat: {type: repeat}"
    example_json: ClassVar[Any] = {
        "every": "week", "step": 2, "on": ["mon", "thu"], "until": "2026-12-31", "times": None,
    }  # fmt: skip

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the whole."""
        return (Column(field.name, JSONB(none_as_null=True)),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it has parts."""
        return Type(Kind.parts, parts={part.name: part.type for part in self.parts(field)})

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return the unit, the step and the end."""
        units = Type(Kind.choice, options=tuple(UNITS))

        def text(key: str) -> Any:
            return lambda columns: columns[field.name].op("->>")(key)

        return (
            Part("every", say("every", "频率"), units, sql=text("every")),
            Part(
                "step",
                say("step", "间隔"),
                NUMBER,
                sql=lambda c: sa.cast(text("step")(c), sa.Numeric),
            ),
            Part(
                "until",
                say("until", "截止"),
                DATE,
                sql=lambda c: sa.cast(text("until")(c), sa.Date),
            ),
        )

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> dict[str, Any] | None:
        """Return all five keys; as text one of the words daily, weekly, monthly, yearly."""
        if isinstance(raw, str) and not context.strict and raw.lstrip().startswith("{"):
            try:
                raw = json.loads(raw)
            except ValueError:
                raise _not_a_repeat(str(raw)) from None
        if not isinstance(raw, Mapping):
            if raw is not None and (
                not isinstance(raw, str) or (context.strict and not is_nothing(raw))
            ):
                raise wrong_kind(raw, ", ".join(_KEYS), "、".join(_KEYS))
            word = read_line(raw, strict=context.strict)
            if word is None:
                return None
            if word.lower() not in _WORDS:
                raise _not_a_repeat(word)
            raw = {"every": _WORDS[word.lower()]}
        return self._parse_all(raw, context)

    def _parse_all(self, raw: Mapping[str, Any], context: ParseContext) -> dict[str, Any]:
        every = raw.get("every")
        if set(raw) - set(_KEYS) or not isinstance(every, str) or every not in UNITS:
            raise _not_a_repeat(str(every))
        days = raw.get("on") or []
        if not isinstance(days, list | tuple) or any(day not in WEEKDAYS for day in days):
            raise _not_a_repeat(f"on: {days}")
        if days and every != "week":
            raise FieldError(
                say("Days of the week belong to `every: week`.", "只有按周重复才能选择星期。"),
                "bad-repeat",
            )
        until = raw.get("until") or None
        if until is not None and not isinstance(until, date):
            if not isinstance(until, str):
                raise wrong_kind(until, "a date", "日期")
            until = read_day(until, context.today, strict=context.strict)
        times = _count(raw.get("times"), _MOST_TIMES)
        if until is not None and times is not None:
            raise FieldError(
                say("Give `until` or `times`, not both.", "截止日期和次数只能填写一个。"),
                "bad-repeat",
            )
        return {
            "every": every,
            "step": _count(raw.get("step"), _MOST_STEP) or 1,
            "on": [day for day in WEEKDAYS if day in days],
            "until": until.isoformat() if until else None,
            "times": times,
        }

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return it in words."""
        if value is None:
            return ""
        unit, step = UNITS[value["every"]].in_language(language), value["step"]
        if language.startswith("zh"):
            days = "、".join("一二三四五六日"[WEEKDAYS.index(day)] for day in value["on"])
            words = f"每{'' if step == 1 else step}{unit}" + (f"（周{days}）" if days else "")
            end = f"，至 {value['until']}" if value["until"] else ""
            return words + end + (f"，共 {value['times']} 次" if value["times"] else "")
        words = f"every {unit}" if step == 1 else f"every {step} {unit}s"
        words += f" on {', '.join(value['on'])}" if value["on"] else ""
        end = f" until {value['until']}" if value["until"] else ""
        return words + end + (f", {value['times']} times" if value["times"] else "")

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return that it can be asked whether it repeats; its parts can be asked more."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for it."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object."""
        return {
            "type": "object",
            "properties": {
                "every": {"enum": list(UNITS)},
                "step": {"type": "integer", "minimum": 1, "maximum": _MOST_STEP},
                "on": {"type": "array", "items": {"enum": list(WEEKDAYS)}},
                "until": {"type": ["string", "null"], "format": "date"},
                "times": {"type": ["integer", "null"], "minimum": 1, "maximum": _MOST_TIMES},
            },
            "required": ["every"],
            "additionalProperties": False,
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that it stays itself."""
        return {"repeat": converting.same()}


def occurrences(value: Mapping[str, Any], first: date) -> Iterator[date]:
    """Yield the days of a series, the *first* one first; without end if the series has none."""
    until = date.fromisoformat(value["until"]) if value["until"] else date.max
    for number, day in enumerate(_days(value, first)):
        if day > until or (value["times"] and number >= value["times"]):
            return
        yield day


def _days(value: Mapping[str, Any], first: date) -> Iterator[date]:
    step, every = value["step"], value["every"]
    try:
        if every == "week" and value["on"]:
            yield first
            monday = first - timedelta(days=first.weekday())
            while True:
                for name in value["on"]:
                    day = monday + timedelta(days=WEEKDAYS.index(name))
                    if day > first:
                        yield day
                monday += timedelta(weeks=step)
        number = 0
        while True:
            if every in ("day", "week"):
                yield first + timedelta(days=number * step * (7 if every == "week" else 1))
            else:
                yield add_months(first, number * step * (12 if every == "year" else 1))
            number += 1
    except (OverflowError, ValueError):
        return  # the year 10000


def _count(raw: object, most: int) -> int | None:
    if raw is None or raw == "":
        return None
    is_text = isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 6
    number = int(raw) if is_text or isinstance(raw, int) else 0  # type: ignore[call-overload]
    if isinstance(raw, bool) or not 1 <= number <= most:
        raise FieldError(
            say(
                "“{value}” is not a whole number from 1 to {most}.",
                "“{value}”不是 1 到 {most} 的整数。",
                value=shown(str(raw)),
                most=most,
            ),
            "bad-repeat",
        )
    return number


def _not_a_repeat(text: str) -> FieldError:
    return FieldError(
        say(
            "“{value}” does not say how it repeats: every day, week, month or year, a step, days "
            "of the week, an end.",
            "“{value}”不是重复规则：请选择每天、每周、每月或每年，以及间隔、星期和截止。",
            value=shown(text),
        ),
        "bad-repeat",
    )
