"""The functions every configuration can use, each with its two sides."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from app.expressions import runtime
from app.expressions import sql_functions as sql
from app.expressions import types as t
from app.expressions.functions import Function, Functions, Parameter
from app.expressions.patterns import read_pattern
from app.expressions.types import Kind, Type

_DAYS = frozenset({Kind.date, Kind.datetime})
_NUMBERS = t.NUMBERS
_TEXTS = frozenset({Kind.text, Kind.choice})
_PLAIN = frozenset(
    {*_NUMBERS, *_TEXTS, Kind.boolean, Kind.date, Kind.datetime, Kind.time},
)
_ORDERED = frozenset({*_NUMBERS, *_DAYS, Kind.duration})
_TEXT_ONLY = frozenset({Kind.text})


def _words(*legal: str) -> Callable[[Any], Any]:
    def read(value: Any) -> str:
        singular = value.removesuffix("s") if isinstance(value, str) else value
        if singular not in legal:
            raise ValueError(f"`{value}` is none of {', '.join(f'`{word}`' for word in legal)}.")
        return str(singular)

    return read


def _read_places(value: Any) -> int:
    if not isinstance(value, Decimal) or value != int(value) or not -12 <= value <= 12:
        raise ValueError(f"`{value}` is not a whole number of decimals from -12 to 12.")
    return int(value)


_FORMAT_SIGNS = ("yyyy", "yy", "MM", "M", "dd", "d", "HH", "mm", "ss", "Q")


def read_format(value: Any) -> list[str]:
    """Return a pattern for days as pieces: ``%yyyy`` is a number, ``=…`` stands as it is."""
    if not isinstance(value, str):
        raise ValueError("the pattern must be a text such as `yyyy-MM-dd`.")  # noqa: TRY004 - shown to authors.
    pieces: list[str] = []
    rest = value
    while rest:
        sign = next((sign for sign in _FORMAT_SIGNS if rest.startswith(sign)), "")
        if sign:
            pieces.append(f"%{sign}")
        elif rest[0].isascii() and rest[0].isalpha():
            known = ", ".join(f"`{sign}`" for sign in _FORMAT_SIGNS)
            raise ValueError(f"`{rest[0]}` in the pattern `{value}` is none of {known}.")
        else:
            pieces.append(f"={rest[0]}")
        rest = rest[len(sign) or 1 :]
    return pieces


def _read_pattern(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("the pattern must be a text.")  # noqa: TRY004 - shown to authors.
    return read_pattern(value)


def _same(types: list[Type]) -> Type:
    return t.bare(types[0])


def _merged(types: list[Type]) -> Type | None:
    result: Type | None = types[0]
    for type_ in types[1:]:
        result = t.merge(result, type_) if result else None
    return result


def _p(name: str, kinds: Iterable[Kind], **more: Any) -> Parameter:
    return Parameter(name, frozenset(kinds), **more)


def _f(name: str, parameters: list[Parameter], result: Any, summary: str, **more: Any) -> Function:
    """Return a function whose two sides are called as *python* and *sql* say, or like itself."""
    python = more.pop("python", None) or getattr(runtime, name)
    both = more.pop("sql", ...)
    return Function(
        name,
        tuple(parameters),
        result,
        python,
        getattr(sql, name) if both is ... else both,
        summary,
        **more,
    )


def _times() -> Iterable[Function]:
    yield _f("now", [], t.DATETIME, "This moment.", is_volatile=True)
    yield _f("today", [], t.DATE, "The company's day.", is_volatile=True)
    for name, seconds in (("minutes", 60), ("hours", 3600)):
        yield _f(
            name,
            [_p("number", _NUMBERS)],
            t.DURATION,
            f"So many {name}, to be added to a moment or compared with a duration.",
            python=runtime.elapsed_length(seconds),
            is_settled=True,
            sql=sql.elapsed_length(seconds),
        )
    lengths = {"days": (0, 1), "weeks": (0, 7), "months": (1, 0), "years": (12, 0)}
    for name, (months, days) in lengths.items():
        yield _f(
            name,
            [_p("number", _NUMBERS)],
            t.CALENDAR_DURATION,
            f"So many whole {name}, to be added to a day or moment; the time of day stays.",
            python=runtime.calendar_length(months, days),
            is_settled=True,
            sql=sql.calendar_length(months, days),
        )
    for name in ("working_days", "working_hours"):
        yield _f(
            name,
            [_p("number", _NUMBERS)],
            t.WORKING_DURATION,
            f"So many {name.replace('_', ' ')} of the business calendar, to be added.",
            sql=None,
            is_settled=True,
        )


def _days() -> Iterable[Function]:
    between = [_p("first", _DAYS), _p("last", _DAYS)]
    yield _f(
        "days_between", between, t.NUMBER, "How often the day changes from the first to the last."
    )
    yield _f(
        "working_days_between",
        between,
        t.NUMBER,
        "The working days after the first up to and with the last.",
    )
    for part in ("year", "month", "day"):
        yield _f(
            part,
            [_p("day", _DAYS)],
            t.NUMBER,
            f"The {part} of a day, a number.",
            python=runtime.date_part(part),
            sql=sql.date_part(part),
        )
    yield _f(
        "weekday",
        [_p("day", _DAYS)],
        t.NUMBER,
        "The day of the week, 1 for Monday to 7 for Sunday.",
        python=runtime.date_part("weekday"),
        sql=sql.date_part("weekday"),
    )
    for name, which in (("next_working_day", "after"), ("previous_working_day", "before")):
        yield _f(name, [_p("day", _DAYS)], t.DATE, f"The first working day {which} a day.")


def _periods() -> Iterable[Function]:
    unit = _p("unit", _TEXT_ONLY, read=_words("day", "week", "month", "quarter", "year"))
    for name, distance, which in (
        ("this", 0, "that holds today"),
        ("previous", -1, "before that"),
        ("next", 1, "after that"),
    ):
        yield _f(
            name,
            [unit],
            t.PERIOD,
            f"The day, week, month, quarter or year {which}.",
            python=runtime.period_near(distance),
            sql=sql.period_near(distance),
            is_volatile=True,
        )
    spans = [
        _p("number", _NUMBERS),
        _p("unit", _TEXT_ONLY, read=_words("day", "week", "month", "quarter", "year")),
    ]
    yield _f(
        "last",
        spans,
        t.PERIOD,
        "From so many days, weeks, months or years ago up to and with today.",
        python=runtime.last_days,
        sql=sql.last_days,
        is_volatile=True,
    )
    yield _f(
        "coming",
        spans,
        t.PERIOD,
        "From today up to and with the day so many days, weeks, months or years ahead.",
        python=runtime.coming_days,
        sql=sql.coming_days,
        is_volatile=True,
    )


def _numbers() -> Iterable[Function]:
    yield _f(
        "round",
        [_p("number", _NUMBERS), _p("places", {Kind.number}, optional=True, read=_read_places)],
        _same,
        "The number with so many decimals, none without a second argument; halves round up.",
        python=runtime.round_half_up,
        sql=sql.round_half_up,
    )
    yield _f(
        "abs",
        [_p("number", _NUMBERS)],
        _same,
        "The number without its sign.",
        python=runtime.absolute,
        sql=sql.absolute,
    )
    yield _f(
        "split",
        [_p("total", {Kind.number, Kind.money}), _p("share", {Kind.number, Kind.percent})],
        _same,
        "The share of a total, where a series is made; the last of it takes what rounding left.",
        sql=None,
    )


def _extremes() -> Iterable[Function]:
    several = [_p("value", _ORDERED), _p("value", _ORDERED, repeated=True)]
    yield _f(
        "min",
        several,
        _merged,
        "The least of several values; empty ones are passed over.",
        python=runtime.least,
        sql=sql.least,
        sees_empty=True,
        alike=True,
    )
    yield _f(
        "max",
        several,
        _merged,
        "The greatest of several values; empty ones are passed over.",
        python=runtime.greatest,
        sql=sql.greatest,
        sees_empty=True,
        alike=True,
    )


def _texts() -> Iterable[Function]:
    text, part = _p("text", _TEXTS), _p("part", _TEXTS)
    pattern = _p("pattern", _TEXT_ONLY, read=_read_pattern)
    anything = _PLAIN | {Kind.many}
    yield _f(
        "join",
        [_p("separator", _TEXT_ONLY), _p("value", anything), _p("value", anything, repeated=True)],
        t.TEXT,
        "The values as one text with the separator between; empty ones are passed over.",
        sees_empty=True,
    )
    yield _f("lower", [text], t.TEXT, "The text in small letters.")
    yield _f("trim", [text], t.TEXT, "The text without blanks around it.")
    yield _f("contains", [text, part], t.BOOLEAN, "Whether a text holds another, in any case.")
    yield _f("starts", [text, part], t.BOOLEAN, "Whether a text begins with another, in any case.")
    yield _f("matches", [text, pattern], t.BOOLEAN, "Whether a pattern is found in a text.")
    yield _f("extract", [text, pattern], t.TEXT, "The first place of a text that fits a pattern.")
    yield _f(
        "text",
        [_p("value", _PLAIN), _p("pattern", _TEXT_ONLY, optional=True, read=read_format)],
        t.TEXT,
        "A value as text; a day or moment by a pattern such as `yyyy-MM-dd HH:mm`.",
        python=runtime.as_text,
        sql=sql.as_text,
    )
    yield _f(
        "size",
        [_p("values", {Kind.many})],
        t.NUMBER,
        "How many values there are.",
        sees_empty=True,
    )


#: What ``sum`` is where its first word is no entity: the record's own values added up.
ADD_UP = Function(
    "sum",
    (_p("value", _NUMBERS), _p("value", _NUMBERS, repeated=True)),
    _merged,
    runtime.total,
    sql.total,
    sees_empty=True,
    alike=True,
)

#: All of them.
BUILTIN = Functions([*_times(), *_days(), *_periods(), *_numbers(), *_extremes(), *_texts()])
