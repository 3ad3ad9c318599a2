"""How stored values of one kind become another in SQL, when a field's type changes.

Whatever a column holds, nothing here raises: a value that cannot be read becomes empty, and
``fits`` says beforehand which rows that would be. Every cast therefore stands in a CASE behind a
test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL

from app.fields.base import Conversion
from app.fields.normal import normal, normal_sql
from app.fields.reading import MOST_WHOLE

Expression = sa.ColumnElement[Any]
Change = Callable[[Expression], Expression]

#: Types whose main column is a text of its own.
TEXTS = ("text", "longtext", "markdown", "email", "phone", "url", "serial", "currency")
#: Types whose main column holds one word out of a list.
WORDS = ("choice", "stage")
NUMBERS = ("integer", "decimal", "money", "percent", "rating")

_PLAIN_NUMBER = r"^[+-]?(\d{1,16}(\.\d{0,20})?|\.\d{1,20})$"
_GROUPED_NUMBER = r"^[+-]?\d{1,3}(,\d{3}){1,4}(\.\d{0,20})?$"
_DAY = r"^\d{4}-\d{1,2}-\d{1,2}$"
_MOMENT = r"^\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?$"
_ZONED = r"^\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$"
_TIME = r"^\d{1,2}:\d{2}(:00)?$"
_YES = ("yes", "y", "true", "t", "1", "是", "对")
_NO = ("no", "n", "false", "f", "0", "否", "不")


def constant(value: str | int) -> Expression:
    """Return a fixed value that stands in the SQL itself and costs no parameter at every call."""
    return sa.literal(value, literal_execute=True)


def json_object(**values: Expression) -> Expression:
    """Return the SQL of a JSON object."""
    pairs = [item for key, value in values.items() for item in (constant(key), value)]
    return sa.func.json_build_object(*pairs, type_=sa.JSON())


def when(condition: Expression, value: Expression) -> Expression:
    """Return *value* where the condition holds, else empty; *value* is not worked out elsewhere."""
    return sa.case((condition, value), else_=sa.null())


def conversion(
    convert: Change, fits: Change | None = None, parts: Mapping[str, Change] | None = None
) -> Conversion:
    """Return a conversion; without *fits* whatever converts to something fits."""

    def holds(column: Expression) -> Expression:
        condition = fits(column) if fits else convert(column).is_not(None)
        return sa.or_(is_empty(column), sa.func.coalesce(condition, sa.false()))

    return Conversion(convert, holds, parts or {})


def is_empty(column: Expression) -> Expression:
    """Return whether there is nothing in a column, or only an empty list."""
    if isinstance(column.type, sa.ARRAY):
        return sa.func.coalesce(sa.func.cardinality(column), constant(0)) == constant(0)
    return column.is_(None)


def same(fits: Change | None = None) -> Conversion:
    """Return the conversion of values that stay as they are."""
    return conversion(lambda column: column, fits or always)


def always(_column: Expression) -> Expression:
    """Return that every value fits."""
    return sa.true()


def chain(first: Change, then: Conversion) -> Conversion:
    """Return the conversion that does *first* and then the other."""
    return Conversion(
        lambda column: then.convert(first(column)),
        lambda column: sa.or_(
            is_empty(column), sa.and_(first(column).is_not(None), then.fits(first(column)))
        ),
        {
            name: lambda column, part=part: part(first(column))  # type: ignore[misc]
            for name, part in then.parts.items()
        },
    )


# From something to text.


def number_text(column: Expression) -> Expression:
    """Return a number as text, without zeros behind the point."""
    return sa.cast(sa.func.trim_scale(sa.cast(column, sa.Numeric)), sa.Text)


def boolean_text(column: Expression) -> Expression:
    """Return ``yes`` or ``no``."""
    return sa.case((column.is_(True), "yes"), (column.is_(False), "no"), else_=sa.null())


def day_text(column: Expression) -> Expression:
    """Return a date as 2026-01-31."""
    return sa.func.to_char(column, "YYYY-MM-DD", type_=sa.Text())


def moment_text(time_zone: str) -> Change:
    """Return how a moment becomes text on the clocks of a zone."""
    return lambda column: sa.func.to_char(
        sa.func.timezone(time_zone, column), "YYYY-MM-DD HH24:MI:SS", type_=sa.Text()
    )


def time_text(column: Expression) -> Expression:
    """Return a time of day as 09:30."""
    return sa.func.to_char(column, constant("HH24:MI"), type_=sa.Text())


def duration_text(column: Expression) -> Expression:
    """Return a duration as the API gives it: ``PT26H30M``."""
    seconds: Expression = sa.cast(sa.extract("epoch", column), sa.BigInteger)
    hour, minute = constant(3600), constant(60)
    hours, minutes, rest = seconds // hour, seconds // minute % minute, seconds % minute
    pieces = [
        when(number != constant(0), sa.cast(number, sa.Text).concat(constant(unit)))
        for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S"))
    ]
    return sa.case(
        (column.is_(None), sa.null()),
        (seconds == constant(0), constant("PT0S")),
        else_=sa.func.concat(constant("PT"), *pieces, type_=sa.Text()),
    )


def array_text(column: Expression) -> Expression:
    """Return a list as text, with commas between."""
    return sa.func.nullif(sa.func.array_to_string(column, ", "), "", type_=sa.Text())


def json_list_text(key: str) -> Change:
    """Return how a JSON list of objects becomes text: their *key*, with commas between."""

    def text(column: Expression) -> Expression:
        item = _items(column)
        inner = sa.select(sa.func.string_agg(item.op("->>")(key), ", "))
        return inner.scalar_subquery()

    return text


def first_of_json_list(key: str) -> Change:
    """Return how a JSON list of objects becomes its first one's *key*."""
    return lambda column: column.op("->")(0).op("->>")(key)


def _items(column: Expression) -> Any:
    items = sa.func.jsonb_array_elements(sa.func.coalesce(column, sa.text("'[]'::jsonb")))
    return items.column_valued("item")


def all_text(time_zone: str) -> dict[str, Change]:
    """Return, by the old type's name, how a value becomes a text."""
    plain: Change = lambda column: column  # noqa: E731 - one of many in a table.
    return {
        **dict.fromkeys((*TEXTS, *WORDS, "address", "geo"), plain),
        **dict.fromkeys(NUMBERS, number_text),
        "boolean": boolean_text,
        "date": day_text,
        "datetime": moment_text(time_zone),
        "time": time_text,
        "duration": duration_text,
        "choices": array_text,
        "tags": array_text,
        "phones": json_list_text("number"),
        "emails": json_list_text("address"),
        "urls": json_list_text("url"),
    }


def whole_second(column: Expression) -> Expression:
    """Return whether a moment has no fraction of a second, so that its text says all of it."""
    return sa.func.date_trunc("second", column) == column


# From text to something.


def plain(column: Expression) -> Expression:
    """Return a text in half width without outer blanks, to be read as a value."""
    return sa.func.btrim(
        sa.func.normalize(column, sa.literal_column("NFKC")), " \t\r\n", type_=sa.Text()
    )


def number_of_text(column: Expression) -> Expression:
    """Return the number a text is, with or without thousands separators."""
    text = plain(column)
    bare = sa.func.replace(text, ",", "", type_=sa.Text())
    return sa.case(
        (text.regexp_match(_PLAIN_NUMBER), sa.cast(text, sa.Numeric)),
        (text.regexp_match(_GROUPED_NUMBER), sa.cast(bare, sa.Numeric)),
        else_=sa.null(),
    )


def _dashed(column: Expression) -> Expression:
    text = sa.func.regexp_replace(plain(column), "日", "")
    return sa.func.regexp_replace(
        text, "[年月/.](?=[0-9]{1,2}([^0-9]|$))", "-", "g", type_=sa.Text()
    )


def _valid(text: Expression, pattern: str, type_name: str) -> Expression:
    # The pattern keeps out words such as `infinity` and `now`, which PostgreSQL takes for dates.
    return sa.and_(text.regexp_match(pattern), sa.func.pg_input_is_valid(text, type_name))


def day_of_text(column: Expression) -> Expression:
    """Return the date a text is: 2026-01-31, 2026/1/31, 2026年1月31日."""
    text = _dashed(column)
    return when(_valid(text, _DAY, "date"), sa.cast(text, sa.Date))


def moment_of_text(time_zone: str) -> Change:
    """Return how a text becomes a moment: with its own offset, or on the clocks of a zone."""

    def read(column: Expression) -> Expression:
        return within_years(moment(column))

    def moment(column: Expression) -> Expression:
        text = plain(column)
        wall = _dashed(column)
        midnight = sa.func.timezone(time_zone, sa.cast(day_of_text(column), sa.TIMESTAMP))
        local = sa.func.timezone(time_zone, sa.cast(wall, sa.TIMESTAMP))
        return sa.case(
            (_valid(text, _ZONED, "timestamptz"), sa.cast(text, sa.TIMESTAMP(timezone=True))),
            (_valid(wall, _MOMENT, "timestamp"), local),
            else_=midnight,
        )

    return read


def within_years(moment: Expression) -> Expression:
    """Return a moment if it lies in the years 1 to 9999, which is all that Python knows."""
    type_ = sa.TIMESTAMP(timezone=True)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return when(moment.between(sa.literal(first, type_), sa.literal(last, type_)), moment)


def time_of_text(column: Expression) -> Expression:
    """Return the time of day a text is."""
    text = plain(column)
    return when(
        sa.and_(_valid(text, _TIME, "time"), sa.not_(text.like("24%"))), sa.cast(text, sa.Time)
    )


def duration_of_text(column: Expression) -> Expression:
    """Return the duration a text such as ``PT2H30M`` is."""
    text = plain(column)
    return when(
        _valid(text, r"^PT(?=\d)(\d{1,7}H)?(\d{1,9}M)?(\d{1,9}S)?$", "interval"),
        sa.cast(text, INTERVAL),
    )


def boolean_of_text(column: Expression) -> Expression:
    """Return yes or no, if a text says either."""
    text = sa.func.lower(plain(column))
    return sa.case((text.in_(_YES), sa.true()), (text.in_(_NO), sa.false()), else_=sa.null())


def word_of_text(words: Mapping[str, str]) -> Change:
    """Return how a text becomes an option: by its name or one of its labels.

    *words* maps what may stand there to the option's name.
    """
    known = {normal(text): name for text, name in words.items() if normal(text)}

    def word(column: Expression) -> Expression:
        if not known:
            return sa.cast(sa.null(), sa.Text)
        return sa.case(known, value=normal_sql(column), else_=sa.null())

    return word


def list_of_text(column: Expression) -> Expression:
    """Return the members between the commas of a text."""
    return sa.func.regexp_split_to_array(plain(column), r"\s*[,;、\n]\s*", type_=ARRAY(sa.Text))


def list_of_one(type_: sa.types.TypeEngine[Any]) -> Change:
    """Return how a single value becomes a list of it."""
    return lambda column: when(
        column.is_not(None), sa.cast(sa.func.array_append(sa.null(), column), ARRAY(type_))
    )


def one_of_list(column: Expression) -> Expression:
    """Return the first member of a list."""
    return column[1]


def has_one(column: Expression) -> Expression:
    """Return whether a list has at most one member, so that the first is all of it."""
    return sa.func.coalesce(sa.func.cardinality(column), 0) <= 1


# Between numbers.


def number_conversions(
    *, whole: bool, places: int, least: Decimal | int | None, most: Decimal | int | None
) -> dict[str, Conversion]:
    """Return what becomes a number with so many decimals between bounds."""
    type_: sa.types.TypeEngine[Any] = sa.BigInteger() if whole else sa.Numeric()
    low = -MOST_WHOLE if least is None else least
    high = MOST_WHOLE if most is None else most

    def convert(column: Expression) -> Expression:
        number = sa.func.round(sa.cast(column, sa.Numeric), places, type_=sa.Numeric())
        return when(number.between(low, high), sa.cast(number, type_))

    def fits(column: Expression) -> Expression:
        number = sa.cast(column, sa.Numeric)
        return sa.and_(convert(column).is_not(None), sa.func.round(number, places) == number)

    numbers = conversion(convert, fits)
    return {
        **dict.fromkeys(NUMBERS, numbers),
        **{name: chain(number_of_text, numbers) for name in TEXTS},
        "boolean": conversion(
            lambda column: sa.case(
                (column.is_(True), convert(sa.literal(1))),
                (column.is_(False), convert(sa.literal(0))),
                else_=sa.null(),
            ),
        ),
    }
