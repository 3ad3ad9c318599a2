"""Reading and writing days, moments, times of day and lengths of time, without any field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.expressions.calendar import Calendar
from app.fields.base import (
    FieldError,
    ParseContext,
)
from app.fields.reading import shown
from app.texts import say

_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\Z", re.ASCII)


_DAY_ZH = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]?\Z", re.ASCII)


_DAY_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z", re.ASCII)


_DAY_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})\Z", re.ASCII)


_DAY_SHORT = re.compile(r"()(\d{1,2})[-/](\d{1,2})\Z", re.ASCII)


_DAY_NAMED = re.compile(r"(\d{1,2})\.? ([A-Za-z]{3})[a-z]*\.?,? (\d{4})\Z", re.ASCII)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


_DAY_EITHER = re.compile(r"\d{1,2}([./-])\d{1,2}\1(\d{4}|\d{2})\Z", re.ASCII)


_TIME = re.compile(
    r"(上午|下午|晚上|中午|凌晨)?\s*(\d{1,2})[:点时](\d{1,2})?分?(?::(\d{2})(\.\d{1,6})?)?\s*([ap]\.?m\.?)?\Z",
    re.ASCII | re.IGNORECASE,
)


_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})\Z", re.ASCII | re.IGNORECASE)


_ISO_LENGTH = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?\Z", re.ASCII
)


_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+|[一-鿿]+)\s*", re.ASCII | re.IGNORECASE)


_CLOCK_LENGTH = re.compile(r"(\d{1,7}):(\d{2})(?::(\d{2}))?\Z", re.ASCII)


_UNITS: Mapping[str, int] = {
    unit: seconds
    for seconds, words in (
        (1, "s sec secs second seconds 秒 秒钟"),
        (60, "m min mins minute minutes 分 分钟"),
        (3600, "h hr hrs hour hours 时 小时 个小时 钟头"),
        (86_400, "d day days 天 日"),
        (604_800, "w week weeks 周 星期"),
    )
    for unit in words.split()
}


#: The longest length of time: 100 years of 365 days.
LONGEST = timedelta(days=36_500)


def read_day(text: str, today: date | None, *, strict: bool) -> date:
    """Return the day a text is.

    Raises:
        FieldError: it is none, or one that the calendar does not have.
    """
    year, month, day = "", "", ""
    named = _DAY_NAMED.match(text)
    ways = (_DAY_ISO,) if strict else (_DAY, _DAY_ZH, _DAY_PACKED, _DAY_SHORT)
    found = next((match for way in ways if (match := way.match(text))), None)
    if found:
        year, month, day = (group or "" for group in found.groups())
    elif named and not strict and named[2].lower() in _MONTHS:
        year, month, day = named[3], str(_MONTHS.index(named[2].lower()) + 1), named[1]
    if not year and month and today:
        year = str(today.year)
    if not year and _DAY_EITHER.match(text) and not strict:
        raise FieldError(
            say(
                "“{value}” does not say which is the day and which the month. Write it like "
                "2026-01-31.",
                "“{value}”看不出哪个是日、哪个是月，请写成 2026-01-31 这样。",
                value=shown(text),
            ),
            "unclear-day",
        )
    if not year:
        raise FieldError(
            say(
                "“{value}” is not a date. Write it like 2026-01-31.",
                "“{value}”不是日期，请写成 2026-01-31 这样。",
                value=shown(text),
            ),
            "not-a-date",
        )
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise FieldError(
            say("There is no day {value}.", "没有 {value} 这一天。", value=shown(text)),
            "no-such-day",
        ) from None


def read_time(text: str) -> time:
    """Return the time of day a text is, to the microsecond.

    Raises:
        FieldError: it is none.
    """
    found = _TIME.match(text)
    if found:
        part, hours, minutes, seconds, fraction, half = found.groups()
        hour = _hour(int(hours), part, (half or "").lower()[:1])
        microsecond = int((fraction or ".0")[1:].ljust(6, "0"))
        if hour < 24 and int(minutes or 0) < 60 and int(seconds or 0) < 60:
            return time(hour, int(minutes or 0), int(seconds or 0), microsecond)
    raise FieldError(
        say(
            "“{value}” is not a time of day. Write it like 09:30.",
            "“{value}”不是时间，请写成 09:30 这样。",
            value=shown(text),
        ),
        "not-a-time",
    )


def _hour(hour: int, part: str | None, half: str) -> int:
    if half and not 1 <= hour <= 12:
        return 24  # 13 pm is no time
    if (part in ("下午", "晚上") or half == "p") and hour < 12:
        return hour + 12
    if (part in ("上午", "凌晨") or half == "a") and hour == 12:
        return 0
    return hour


def read_moment(text: str, context: ParseContext) -> datetime:
    """Return the moment a text is, in UTC; without an offset it is the person's own clock's.

    A time that clocks skip is read as if they had not yet been moved, one they show twice is the
    second.

    Raises:
        FieldError: it is none.
    """
    offset = _OFFSET.search(text) if len(text) > 10 else None
    bare = text[: offset.start()].rstrip() if offset else text
    day_text, blank, time_text = bare.replace("T", " ", 1).partition(" ")
    if not blank and (split := re.match(r"(.*[日号])(.+)\Z", bare)):
        day_text, time_text = split.groups()
    try:
        day = read_day(day_text, context.today, strict=context.strict)
        clock = read_time(time_text.strip()) if time_text.strip() else time()
    except FieldError as error:
        if error.code in ("no-such-day", "unclear-day"):
            raise
        raise FieldError(
            say(
                "“{value}” is not a date with a time. Write it like 2026-01-31 09:30.",
                "“{value}”不是日期时间，请写成 2026-01-31 09:30 这样。",
                value=shown(text),
            ),
            "not-a-moment",
        ) from None
    wall = datetime.combine(day, clock)
    try:
        if offset:
            sign = offset[1].upper().replace("Z", "+00:00").replace(":", "")
            hours, minutes = int(sign[1:3]), int(sign[3:5])
            if hours > 15 or minutes > 59:
                raise OverflowError
            ahead = timedelta(hours=hours, minutes=minutes) * (-1 if sign[0] == "-" else 1)
            return (wall - ahead).replace(tzinfo=UTC)
        return Calendar(time_zone=context.time_zone).moment(wall)
    except (OverflowError, ValueError):
        raise FieldError(
            say(
                "{value} lies outside the years 1 to 9999.",
                "{value} 超出公元 1 至 9999 年。",
                value=text,
            ),
            "out-of-range",
        ) from None


def read_length(text: str, *, strict: bool) -> timedelta | None:
    """Return the length of time a text is, or None."""
    iso = _ISO_LENGTH.match(text)
    try:
        if iso and any(iso.groups()):
            weeks, days, hours, minutes, seconds = (int(group or 0) for group in iso.groups())
            return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        if strict:
            return None
        if clock := _CLOCK_LENGTH.match(text):
            return timedelta(hours=int(clock[1]), minutes=int(clock[2]), seconds=int(clock[3] or 0))
        total, place = 0.0, 0
        while place < len(text):
            piece = _LENGTH.match(text, place)
            seconds_each = _UNITS.get(piece[2].lower()) if piece else None
            if piece is None or seconds_each is None:
                return None
            total, place = total + float(piece[1]) * seconds_each, piece.end()
        return timedelta(seconds=round(total))
    except OverflowError:
        return None


def length_json(value: timedelta | None) -> str | None:
    """Return a length as the API gives it: ``PT26H30M``."""
    if value is None:
        return None
    seconds = int(value.total_seconds())
    pieces = ((seconds // 3600, "H"), (seconds // 60 % 60, "M"), (seconds % 60, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in pieces if number) or "0S")


def show_length(value: timedelta | None, language: str) -> str:
    """Return a length as people say it."""
    if value is None:
        return ""
    seconds = int(value.total_seconds())
    numbers = (seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
    if language.startswith("zh"):
        units = ("天", "小时", "分钟", "秒")
        return "".join(f"{n}{unit}" for n, unit in zip(numbers, units, strict=True) if n) or "0秒"
    units = ("d", "h", "min", "s")
    return " ".join(f"{n} {unit}" for n, unit in zip(numbers, units, strict=True) if n) or "0 s"


def moment_json(value: datetime | None) -> str | None:
    """Return a moment as PostgreSQL's JSON has it: UTC, no zeros behind the seconds' fraction."""
    if value is None:
        return None
    text = value.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "+00:00"


def local_time(value: datetime, time_zone: str) -> datetime:
    try:
        return value.astimezone(ZoneInfo(time_zone))
    except OverflowError:
        return value  # within a day of the first or the last year
