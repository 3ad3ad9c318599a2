"""Numbers that records get: ``C202603-0001``.

This module reads the format and writes the number. The counting, which must be safe among many
writers, is done by the records room on the table of counters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar

import marshmallow as ma
import sqlalchemy as sa

from app.fields import converting, filters
from app.fields.base import Column, Conversion, FieldError, FieldLike, Operator, ParseContext
from app.fields.reading import check_length, read_words
from app.fields.settings import Name, Plain, Said, Setting, WholeNumber, Word
from app.fields.text import TextLike
from app.texts import Label, say

RESTARTS = ("never", "yearly", "monthly", "daily")
_DATES = ("yy", "yyyy", "mm", "dd")
_GAP = re.compile(r"\{([^{}]*)\}")
_PERIODS = {"never": "", "yearly": "%Y", "monthly": "%Y-%m", "daily": "%Y-%m-%d"}
#: The parts of the date a format must show, so that no number comes twice.
_NEEDED = {"never": "", "yearly": "y", "monthly": "ym", "daily": "ymd"}
_LONGEST = 100


class FormatError(ValueError):
    """A format of numbers that cannot be used, with the reason."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a format: ``text`` as it stands, a ``date``, a ``field``, or the ``number``."""

    kind: str
    text: str


@lru_cache(maxsize=256)
def read_format(text: str) -> tuple[Piece, ...]:
    """Return the parts of a format such as ``C{yyyy}{mm}-{####}``.

    Raises:
        FormatError: it is not one; says what it may hold.
    """
    pieces: list[Piece] = []
    place = 0
    for gap in _GAP.finditer(text):
        if gap.start() > place:
            pieces.append(Piece("text", text[place : gap.start()]))
        pieces.append(_piece(gap[1]))
        place = gap.end()
    if text[place:]:
        pieces.append(Piece("text", text[place:]))
    if any(sign in piece.text for piece in pieces if piece.kind == "text" for sign in "{}"):
        raise FormatError("a `{` or `}` in it is without its other half.")
    if sum(piece.kind == "number" for piece in pieces) != 1:
        raise FormatError("it must hold the number exactly once, as `{####}` or the like.")
    return tuple(pieces)


def _piece(inner: str) -> Piece:
    if inner and set(inner) == {"#"} and len(inner) <= 18:
        return Piece("number", inner)
    if inner in _DATES:
        return Piece("date", inner)
    if re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", inner):
        return Piece("field", inner)
    raise FormatError(
        f"`{{{inner}}}` is not known in it; there is `{{yyyy}}`, `{{yy}}`, `{{mm}}`, `{{dd}}`, "
        "`{####}` and the name of a field."
    )


class FormatSetting(Plain):
    """A format of numbers, kept as its text."""

    takes = "a format such as `C{yyyy}{mm}-{####}`"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        try:
            read_format(text)
        except FormatError as error:
            raise ma.ValidationError(
                [Said(f"`{self.name}` is `{text}`: {error}", "bad-format")]
            ) from None
        return text


class Serial(TextLike):
    """A number that a record gets at its first save."""

    name: ClassVar[str] = "serial"
    label: ClassVar[Label] = say("Serial number", "自动编号")
    help: ClassVar[str] = (
        "A number that a record gets at its first save and keeps; none is given twice, gaps are "
        "possible. `format` may hold `{yyyy} {yy} {mm} {dd}` (the business's date), `{####}` (the "
        "number with at least so many digits) and `{field}`, another field of the record. "
        "`restarts` begins anew with every year, month or day; `per: field` counts each value of "
        "that field by itself."
    )
    writable: ClassVar[bool] = False
    control: ClassVar[str] = "read"
    example: ClassVar[str] = 'code: {type: serial, format: "C{yyyy}{mm}-{####}", restarts: monthly}'
    example_json: ClassVar[Any] = "C202603-0001"

    def settings(self) -> dict[str, Setting]:
        """Return the format and when counting begins anew."""
        return {
            "format": FormatSetting("How the number is written.", "{####}"),
            "restarts": Word("When counting begins anew.", "never", among=RESTARTS),
            "per": Name("The field whose values are counted each by itself."),
            "start": WholeNumber("The first number.", 1, least=1, most=10**12),
        }

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give formats by which two records would get the same number."""
        pieces = read_format(settings["format"])
        shown = {piece.text[0] for piece in pieces if piece.kind == "date"}
        missing = [part for part in _NEEDED[settings["restarts"]] if part not in shown]
        if missing:
            gaps = " ".join({"y": "{yyyy}", "m": "{mm}", "d": "{dd}"}[part] for part in missing)
            yield (
                "format",
                Said(
                    f"counting restarts {settings['restarts']}, so numbers would repeat. "
                    f"Add `{gaps}` to the format.",
                    "repeating-serial",
                ),
            )
        per = settings.get("per")
        if per and per not in fields_of(settings["format"]):
            yield (
                "format",
                Said(
                    f"each `{per}` is counted by itself, so numbers would repeat. "
                    f"Add `{{{per}}}` to the format.",
                    "repeating-serial",
                ),
            )

    def counter_key(
        self, field: FieldLike, day: date, values: Mapping[str, Any]
    ) -> tuple[str, str]:
        """Return which counter gives the number: the period and the key.

        Args:
            field: the serial field.
            day: the business's day.
            values: the record's values by field name, at least the one of ``per``.
        """
        per = field.settings.get("per")
        period = day.strftime(_PERIODS[field.settings.get("restarts") or "never"])
        return period, _written(values, per) if per else ""

    def render(self, field: FieldLike, day: date, number: int, values: Mapping[str, Any]) -> str:
        """Return the number as the format writes it.

        Args:
            field: the serial field.
            day: the business's day.
            number: what the counter gave, 1 at first.
            values: the record's values by field name, those of ``fields_of(format)``.

        Raises:
            FieldError: a field in the format is empty, or the whole is longer than 100 characters.
        """
        return self.renderer(field, day)(number, values)

    def renderer(self, field: FieldLike, day: date) -> Callable[[int, Mapping[str, Any]], str]:
        """Return ``render`` for many records of one day."""
        first = int(field.settings.get("start") or 1) - 1
        pieces: list[Callable[[int, Mapping[str, Any]], str]] = [
            _writer(piece, day) for piece in read_format(_format(field))
        ]

        def render(number: int, values: Mapping[str, Any]) -> str:
            serial = "".join([write(number + first, values) for write in pieces])
            check_length(serial, None, _LONGEST)
            return serial

        return render

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of text."""
        return (Column(field.name, sa.Text()),)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return a number as it was given, for records that bring one along (imports by admins)."""
        text = read_words(raw, strict=context.strict)
        if text is not None:
            check_length(text, None, _LONGEST)
        return text

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a number."""
        return (filters.STARTS, filters.CONTAINS, filters.IS, *filters.FILLED)

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a text nobody writes."""
        return {"type": "string", "readOnly": True}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that texts and whole numbers stay as they are."""
        most = converting.conversion(
            lambda column: sa.func.left(column, _LONGEST, type_=sa.Text()),
            lambda column: sa.func.char_length(column) <= _LONGEST,
        )
        return {
            **dict.fromkeys(("text", "serial", "currency"), most),
            "integer": converting.chain(converting.number_text, most),
        }


def fields_of(format: str) -> tuple[str, ...]:  # noqa: A002
    """Return the fields a format holds, whose values ``render`` needs."""
    return tuple(piece.text for piece in read_format(format) if piece.kind == "field")


def _format(field: FieldLike) -> str:
    return field.settings.get("format") or "{####}"


def _writer(piece: Piece, day: date) -> Callable[[int, Mapping[str, Any]], str]:
    if piece.kind == "number":
        places = len(piece.text)
        return lambda number, _: str(number).zfill(places)
    if piece.kind == "field":
        return lambda _, values: _written(values, piece.text)
    text = piece.text
    if piece.kind == "date":
        dates = {"yyyy": f"{day.year:04}", "yy": f"{day.year % 100:02}"}
        text = {**dates, "mm": f"{day.month:02}", "dd": f"{day.day:02}"}[piece.text]
    return lambda *_: text


def _written(values: Mapping[str, Any], path: str) -> str:
    name, _, part = path.partition(".")
    value = values.get(path, values.get(name))
    if part and isinstance(value, Mapping):
        value = value.get(part)
    if value in (None, ""):
        raise FieldError(
            say(
                "`{name}` is part of the number and must be filled in first.",
                "编号中含有“{name}”，请先填写。",
                name=path,
            ),
            "missing-part",
        )
    return value.isoformat() if isinstance(value, date) else str(value)
