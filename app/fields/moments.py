"""Days, moments, times of day and lengths of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INTERVAL

from app.expressions.calendar import Calendar
from app.expressions.types import DATE, DATETIME, DURATION, TIME, Type
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
)
from app.fields.reading import check_range, read_line, shown, wrong_kind
from app.fields.settings import Day, Said, Setting
from app.fields.times import (
    LONGEST,
    length_json,
    local_time,
    moment_json,
    read_day,
    read_length,
    read_moment,
    read_time,
    show_length,
)
from app.texts import Label, say


class Date(FieldType):
    """A day."""

    name: ClassVar[str] = "date"
    label: ClassVar[Label] = say("Date", "日期")
    help: ClassVar[str] = (
        "A day. From a form or a file it may be written `2026-01-31`, `2026/1/31`, `31 Jan 2026`, "
        "`2026年1月31日` or `1月31日`; in JSON it is `2026-01-31`."
    )
    control: ClassVar[str] = "date"
    example: ClassVar[str] = "signed_on: {type: date, default: =today()}"
    example_json: ClassVar[Any] = "2026-01-31"

    def settings(self) -> dict[str, Setting]:
        """Return the bounds."""
        return {"min": Day("The first day that may be given."), "max": Day("The last one.")}

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give a lower bound that is after the upper one."""
        least, most = settings.get("min"), settings.get("max")
        if least and most and least > most:
            yield "min", Said(f"`min` is {least}, after `max`, which is {most}.", "out-of-range")

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of days."""
        return (Column(field.name, sa.Date(), check=_is_within_years),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a date."""
        return DATE

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> date | None:
        """Return the day."""
        if isinstance(raw, datetime):
            raw = raw.date()
        if not isinstance(raw, date):
            if raw is not None and not isinstance(raw, str):
                raise wrong_kind(raw, "a date such as 2026-01-31", "日期，如 2026-01-31")
            text = read_line(raw, strict=context.strict)
            if text is None:
                return None
            raw = read_day(text, context.today, strict=context.strict)
        check_range(raw, field.settings.get("min"), field.settings.get("max"))
        return raw

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return it as 2026-01-31."""
        return None if value is None else value.isoformat()

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return it as 2026-01-31 in every language: nobody takes a day for a month."""
        return "" if value is None else value.isoformat()

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a day."""
        return filters.DAYS

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a date."""
        return {"type": "string", "format": "date"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that moments become days on the business's clocks, and that texts are read."""

        def day(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            found = sa.cast(sa.func.timezone(time_zone, column), sa.Date)
            return converting.when(found <= sa.literal(date.max, sa.Date()), found)

        def is_midnight(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            return sa.func.timezone(time_zone, sa.cast(day(column), sa.TIMESTAMP)) == column

        return {
            **dict.fromkeys(converting.TEXTS, converting.conversion(converting.day_of_text)),
            "date": converting.same(),
            "datetime": converting.conversion(day, is_midnight),
        }


class Datetime(FieldType):
    """A moment."""

    name: ClassVar[str] = "datetime"
    label: ClassVar[Label] = say("Date and time", "日期时间")
    help: ClassVar[str] = (
        "A moment. Kept in UTC and shown on each person's own clock; in JSON it is "
        "`2026-01-31T08:00:00+00:00`. What is given without an offset is taken for a time on the "
        "clock of whoever gives it: one that clocks skip in spring as if they had not yet been "
        "moved, one they show twice in autumn as the second."
    )
    control: ClassVar[str] = "datetime"
    example: ClassVar[str] = "followed_at: {type: datetime, required: yes, default: =now()}"
    example_json: ClassVar[Any] = "2026-01-31T08:00:00+00:00"

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of moments."""
        return (Column(field.name, sa.TIMESTAMP(timezone=True), check=_is_within_moments),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a date with time."""
        return DATETIME

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> datetime | None:
        """Return the moment in UTC."""
        if isinstance(raw, datetime):
            aware = raw if raw.tzinfo else Calendar(time_zone=context.time_zone).moment(raw)
            return aware.astimezone(UTC)
        if isinstance(raw, date):
            raw = raw.isoformat()
        if raw is not None and not isinstance(raw, str):
            raise wrong_kind(
                raw, "a moment such as 2026-01-31T09:30:00Z", "时刻，如 2026-01-31T09:30:00Z"
            )
        text = read_line(raw, strict=context.strict)
        return None if text is None else read_moment(text, context)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return it in UTC, as PostgreSQL writes it."""
        return moment_json(value)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return it to the minute on the clock of a time zone."""
        if value is None:
            return ""
        return local_time(value, time_zone).strftime("%Y-%m-%d %H:%M").rjust(16, "0")

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a moment."""
        return filters.MOMENTS

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a moment."""
        return {"type": "string", "format": "date-time"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a day becomes its midnight on the business's clocks, and texts are read."""

        def midnight(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            moment = sa.func.timezone(time_zone, sa.cast(column, sa.TIMESTAMP))
            return converting.within_years(moment)

        from_text = converting.conversion(converting.moment_of_text(time_zone))
        return {
            **dict.fromkeys(converting.TEXTS, from_text),
            "datetime": converting.same(),
            "date": converting.conversion(midnight),
        }


class Time(FieldType):
    """A time of day."""

    name: ClassVar[str] = "time"
    label: ClassVar[Label] = say("Time", "时间")
    help: ClassVar[str] = "A time of day, to the minute, without a day and without a time zone."
    control: ClassVar[str] = "time"
    example: ClassVar[str] = "opens: {type: time, default: 09:00}"
    example_json: ClassVar[Any] = "09:30"

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of times."""
        return (Column(field.name, sa.Time()),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a time of day."""
        return TIME

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> time | None:
        """Return the time; seconds are refused rather than dropped."""
        clock = raw if isinstance(raw, time) else None
        if clock is None:
            if raw is not None and not isinstance(raw, str):
                raise wrong_kind(raw, "a time such as 09:30", "时间，如 09:30")
            text = read_line(raw, strict=context.strict)
            if text is None:
                return None
            clock = read_time(text)
        if clock.second or clock.microsecond:
            raise FieldError(
                say("Give hours and minutes only, like 09:30.", "请只填写时和分，如 09:30。"),
                "too-fine",
            )
        return clock.replace(tzinfo=None)

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return it as 09:30."""
        return converting.time_text(columns[field.name])

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return it as 09:30."""
        return None if value is None else f"{value:%H:%M}"

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return it as 09:30."""
        return "" if value is None else f"{value:%H:%M}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a time of day."""
        return filters.TIMES

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is hours and minutes."""
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that texts are read."""
        from_text = converting.conversion(converting.time_of_text)
        return {**dict.fromkeys(converting.TEXTS, from_text), "time": converting.same()}


class Duration(FieldType):
    """A length of time."""

    name: ClassVar[str] = "duration"
    label: ClassVar[Label] = say("Duration", "时长")
    help: ClassVar[str] = (
        "A length of time, to the second, at most 100 years. In a form it is written `2 hours`, "
        "`1 day 4 h`, `1:30` or `2小时30分`; in JSON `PT2H30M`. A day is 24 hours here."
    )
    align: ClassVar[str] = "end"
    control: ClassVar[str] = "duration"
    example: ClassVar[str] = "effort: {type: duration}"
    example_json: ClassVar[Any] = "PT2H30M"

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of lengths."""
        return (Column(field.name, INTERVAL()),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is time that passes."""
        return DURATION

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> timedelta | None:
        """Return the length."""
        if isinstance(raw, timedelta):
            length: timedelta | None = raw
        elif raw is None or isinstance(raw, str):
            text = read_line(raw, strict=context.strict)
            if text is None:
                return None
            length = read_length(text, strict=context.strict)
        else:
            raise wrong_kind(raw, "a duration such as PT2H30M", "时长，如 PT2H30M")
        if length is None or not timedelta() <= length <= LONGEST or length.microseconds:
            raise FieldError(
                say(
                    "“{value}” is not a duration of 0 seconds to 100 years. Write it like "
                    "2 hours 30 minutes, or PT2H30M.",
                    "“{value}”不是 0 秒到 100 年之间的时长，请写成 2小时30分 或 PT2H30M。",
                    value=shown(str(raw)),
                ),
                "not-a-duration",
            )
        return length

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return it as PT2H30M."""
        return converting.duration_text(columns[field.name])

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return it as PT2H30M."""
        return length_json(value)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return it in days, hours, minutes and seconds, those that are none left out."""
        return show_length(value, language)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a length."""
        return filters.NUMBERS

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for a length."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an ISO 8601 duration."""
        return {
            "type": "string",
            "format": "duration",
            "pattern": "^PT([0-9]+H)?([0-9]+M)?([0-9]+S)?$",
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that texts are read."""
        from_text = converting.conversion(converting.duration_of_text)
        return {**dict.fromkeys(converting.TEXTS, from_text), "duration": converting.same()}


def _is_within_years(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    # PostgreSQL knows `infinity` and years that Python cannot hold; reading one would fail.
    return column.between(sa.literal(date.min, sa.Date()), sa.literal(date.max, sa.Date()))


def _is_within_moments(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    type_ = sa.TIMESTAMP(timezone=True)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return column.between(sa.literal(first, type_), sa.literal(last, type_))
