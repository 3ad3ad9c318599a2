"""Texts: one line, several lines, and Markdown.

They are kept as they were written; whoever shows Markdown makes clean HTML of it (``markup``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.patterns import read_pattern
from app.expressions.types import TEXT, Type
from app.fields import converting, filters, masking
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
from app.fields.normal import BLANKS
from app.fields.reading import check_length, read_text, shown
from app.fields.settings import PatternSetting, Plain, Said, Setting, WholeNumber, whole
from app.texts import Label, say

_BREAKS = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*")

#: No text of any kind may be longer.
MOST_CHARACTERS = 1_000_000


class TextLike(FieldType):
    """Base of the types whose value is one text in one column."""

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of text; its length is checked by the application."""
        return (Column(field.name, sa.Text()),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a text."""
        return TEXT

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the text with the part hidden that ``mask:`` names, by default all of it."""
        return masking.hide_text(column, field.mask or "all")

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return what `mask` gives, in Python."""
        return None if value is None else masking.hidden_text(value, field.mask or "all")

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a text."""
        return filters.TEXTS

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a string."""
        return {"type": "string"}


class Text(TextLike):
    """A text of one line."""

    name: ClassVar[str] = "text"
    label: ClassVar[Label] = say("Text", "单行文本")
    help: ClassVar[str] = (
        "A text of one line. What only looks blank is empty. `unique`, `same` and search take "
        "capitals and small letters, full and half width for the same."
    )
    example: ClassVar[str] = "name: {type: text, required: yes, max: 200, search: yes}"
    example_json: ClassVar[Any] = "Acme Ltd."
    default_max: ClassVar[int] = 255
    most: ClassVar[int] = 10_000
    lines: ClassVar[bool] = False

    def settings(self) -> dict[str, Setting]:
        """Return the bounds of its length and the pattern."""
        return {
            "min": WholeNumber("The least number of characters.", least=1, most=self.most),
            "max": WholeNumber(
                "The greatest number of characters.", self.default_max, least=1, most=self.most
            ),
            "pattern": PatternSetting("A regular expression the whole text must match."),
            "pattern_help": Plain("What the pattern asks for, in words, for whoever breaks it."),
        }

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give a lower bound that is above the upper one."""
        least, most = settings.get("min"), settings.get("max")
        if least is not None and most is not None and least > most:
            yield (
                "min",
                Said(f"`min` is {least}, more than `max`, which is {most}.", "out-of-range"),
            )

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> str | None:
        """Return the text as it was given; from a form or a file without outer blanks."""
        text = read_text(raw, strict=context.strict)
        if text is None:
            return None
        if not context.strict:
            text = text.replace("\r\n", "\n").strip(BLANKS)
            if not self.lines:
                text = text if text.isprintable() else _BREAKS.sub(" ", text)
        elif not self.lines and ("\n" in text or "\r" in text):
            raise FieldError(
                say(
                    "This text has one line only; remove the line breaks.",
                    "这里只能填写一行，请去掉换行。",
                ),
                "line-break",
            )
        check_length(text, field.settings.get("min"), field.settings.get("max", self.default_max))
        check_pattern(field, text)
        return text

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a string, with its bounds."""
        settings = field.settings
        schema = {"type": "string", "maxLength": settings.get("max", self.default_max)}
        if settings.get("min"):
            schema["minLength"] = settings["min"]
        if settings.get("pattern"):
            schema["pattern"] = whole(settings["pattern"])
        return schema

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that nearly everything can be written as a text."""
        most = field.settings.get("max", self.default_max)

        def convert(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            text = (
                column if self.lines else sa.func.regexp_replace(column, r"\s*[\r\n]+\s*", " ", "g")
            )
            return sa.func.nullif(sa.func.left(text, most), "", type_=sa.Text())

        def fits(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
            is_short = sa.func.char_length(column) <= most
            return (
                is_short
                if self.lines
                else sa.and_(is_short, sa.not_(column.regexp_match(r"[\r\n]")))
            )

        cut = converting.conversion(convert, fits)
        made = {
            name: converting.chain(to_text, cut)
            for name, to_text in converting.all_text(time_zone).items()
        }
        made["datetime"] = Conversion(made["datetime"].convert, _fits_moment(made["datetime"]))
        return made


class Longtext(Text):
    """A text of several lines."""

    name: ClassVar[str] = "longtext"
    label: ClassVar[Label] = say("Long text", "多行文本")
    help: ClassVar[str] = "A text of several lines, shown as it was written."
    control: ClassVar[str] = "longtext"
    example: ClassVar[str] = "remark: {type: longtext, max: 3000}"
    example_json: ClassVar[Any] = "First line\nsecond line"
    default_max: ClassVar[int] = 20_000
    most: ClassVar[int] = MOST_CHARACTERS
    lines: ClassVar[bool] = True

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a long text."""
        return filters.LONG_TEXTS


class Markdown(Longtext):
    """A text of several lines with headings, lists, links and the like."""

    name: ClassVar[str] = "markdown"
    label: ClassVar[Label] = say("Formatted text", "富文本")
    help: ClassVar[str] = (
        "A text in Markdown. It is kept as written; shown are headings, lists, tables, emphasis, "
        "code and links to `http`, `https` and `mailto`. HTML in it is shown as text."
    )
    control: ClassVar[str] = "markdown"
    example: ClassVar[str] = "minutes: {type: markdown}"
    example_json: ClassVar[Any] = "## Agreed\n\n* delivery in *May*"


def check_pattern(field: FieldLike, text: str) -> None:
    """Refuse a text that breaks the field's pattern, if it has one.

    Raises:
        FieldError: with the field's own words for what it asks, or the pattern.
    """
    pattern = field.settings.get("pattern")
    if not pattern or read_pattern(whole(pattern)).find(text) is not None:
        return
    words = field.settings.get("pattern_help") or f"`{pattern}`"
    raise FieldError(
        say(
            "“{value}” has not the form that is asked for: {words}",
            "“{value}”不符合要求的格式：{words}",
            value=shown(text),
            words=words,
        ),
        "bad-form",
    )


def _fits_moment(moment: Conversion) -> Any:
    return lambda column: sa.and_(
        moment.fits(column), sa.or_(column.is_(None), converting.whole_second(column))
    )
