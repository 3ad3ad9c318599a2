"""Numbers: whole, exact, percent, ratings.

Numbers are exact from the form to the database: never a float, never rounded in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal as Exact
from functools import cache
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import NUMBER, PERCENT, Type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.reading import (
    MOST_DIGITS,
    MOST_WHOLE,
    WIDE,
    check_range,
    plain_number,
    read_line,
    read_number,
    to_places,
    wrong_kind,
)
from app.fields.settings import ExactNumber, Said, Setting, WholeNumber
from app.texts import Label, say


class NumberLike(FieldType):
    """Base of the types whose value is one number in one column."""

    align: ClassVar[str] = "end"
    control: ClassVar[str] = "number"
    whole: ClassVar[bool] = False
    #: Zeros behind the point are kept: 12.50.
    pad: ClassVar[bool] = False
    default_places: ClassVar[int] = 0
    signs: ClassVar[str] = ""
    digits: ClassVar[int] = MOST_DIGITS

    def settings(self) -> dict[str, Setting]:
        """Return the bounds and, unless it is whole, the decimals."""
        bounds: dict[str, Setting] = {
            "min": ExactNumber("The least value."),
            "max": ExactNumber("The greatest value."),
        }
        if not self.whole:
            bounds["places"] = WholeNumber(
                "How many decimals are kept.", self.default_places, least=0, most=12
            )
        return bounds

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give a lower bound that is above the upper one."""
        least, most = settings.get("min"), settings.get("max")
        if least is not None and most is not None and least > most:
            yield (
                "min",
                Said(f"`min` is {least}, more than `max`, which is {most}.", "out-of-range"),
            )

    def places(self, field: FieldLike) -> int:
        """Return how many decimals are kept."""
        return 0 if self.whole else int(field.settings.get("places", self.default_places))

    def bounds(self, field: FieldLike) -> tuple[Any, Any]:
        """Return the least and the greatest value; None for no bound."""
        return field.settings.get("min"), field.settings.get("max")

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column that takes no ``NaN`` or ``Infinity``."""
        return (Column(field.name, sa.Numeric(), check=is_finite),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a number."""
        return NUMBER

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return the exact number."""
        number = read_number(raw, strict=context.strict, signs=self.signs, digits=self.digits)
        if number is None:
            return None
        number = to_places(number, self.places(field), pad=self.pad)
        check_range(number, *self.bounds(field))
        return number

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return the number as text, since most programs keep JSON numbers inexactly."""
        return self.number_json(columns[field.name], self.places(field))

    def number_json(self, column: sa.ColumnElement[Any], places: int) -> sa.ColumnElement[Any]:
        """Return the SQL of one number as the API's text."""
        rounded = sa.func.round(column, converting.constant(places))
        return sa.cast(rounded if self.pad else sa.func.trim_scale(rounded), sa.Text)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the number as text."""
        return None if value is None else f"{self.rounded(field, value):f}"

    def rounded(self, field: FieldLike, value: Any) -> Exact:
        """Return a value, perhaps worked out, with the field's decimals; halves go up."""
        return round_half_up(Exact(value), self.places(field), pad=self.pad)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the number with commas between thousands."""
        return "" if value is None else f"{self.rounded(field, value):,f}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a number."""
        return filters.NUMBERS

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the number without commas."""
        return "" if value is None else f"{plain_number(Exact(value)):f}"

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a number written as text; a plain number is taken too."""
        return {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]+)?$"}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that numbers, numbers in texts and yes/no become one."""
        least, most = self.bounds(field)
        largest = Exact(10) ** MOST_DIGITS - 1
        return converting.number_conversions(
            whole=self.whole,
            places=self.places(field),
            least=-largest if least is None and not self.whole else least,
            most=largest if most is None and not self.whole else most,
        )


class Integer(NumberLike):
    """A whole number."""

    name: ClassVar[str] = "integer"
    label: ClassVar[Label] = say("Whole number", "整数")
    help: ClassVar[str] = (
        "A whole number from -9007199254740991 to 9007199254740991, which every program that reads "
        "the API keeps exact."
    )
    whole: ClassVar[bool] = True
    digits: ClassVar[int] = MOST_DIGITS + 1
    example: ClassVar[str] = "employees: {type: integer, min: 1, max: 500000}"
    example_json: ClassVar[Any] = 120

    def bounds(self, field: FieldLike) -> tuple[Any, Any]:
        """Return the bounds; there always are some."""
        least, most = super().bounds(field)
        return (-MOST_WHOLE if least is None else least, MOST_WHOLE if most is None else most)

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of whole numbers."""
        return (Column(field.name, sa.BigInteger()),)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> int | None:
        """Return the number; in JSON it must be a number, not a text."""
        if context.strict and isinstance(raw, str) and read_line(raw, strict=True) is not None:
            raise wrong_kind(raw, "a whole number", "整数")
        number = super().parse(field, raw, context)
        return None if number is None else int(number)

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return the number as it is."""
        return columns[field.name]

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the number as it is."""
        return value

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a whole number, with its bounds."""
        least, most = self.bounds(field)
        return {"type": "integer", "minimum": int(least), "maximum": int(most)}


class Decimal(NumberLike):
    """An exact number with decimals."""

    name: ClassVar[str] = "decimal"
    label: ClassVar[Label] = say("Number", "小数")
    help: ClassVar[str] = (
        "An exact number with up to 15 digits before the point and `places` behind it. More "
        "decimals than that are refused, not rounded."
    )
    default_places: ClassVar[int] = 6
    example: ClassVar[str] = "quantity: {type: decimal, places: 3, min: 0, default: 1}"
    example_json: ClassVar[Any] = "2.5"


class Percent(NumberLike):
    """A percentage."""

    name: ClassVar[str] = "percent"
    label: ClassVar[Label] = say("Percent", "百分比")
    help: ClassVar[str] = "A percentage, kept as people write it: 13 is 13 %."
    default_places: ClassVar[int] = 2
    signs: ClassVar[str] = "%"
    example: ClassVar[str] = "probability: {type: percent, min: 0, max: 100}"
    example_json: ClassVar[Any] = "13"

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a percentage."""
        return PERCENT

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the number with the sign; in Chinese without a blank before it."""
        text = super().display(field, value, language, time_zone, row)
        return text and (f"{text}%" if language.startswith("zh") else f"{text} %")


class Rating(Integer):
    """Stars."""

    name: ClassVar[str] = "rating"
    label: ClassVar[Label] = say("Rating", "评分")
    help: ClassVar[str] = "One to `max` stars."
    control: ClassVar[str] = "rating"
    align: ClassVar[str] = "start"
    example: ClassVar[str] = "satisfaction: {type: rating, max: 5}"
    example_json: ClassVar[Any] = 4

    def settings(self) -> dict[str, Setting]:
        """Return how many stars there are."""
        return {"max": WholeNumber("How many stars there are.", 5, least=2, most=10)}

    def bounds(self, field: FieldLike) -> tuple[Any, Any]:
        """Return one and the number of stars."""
        return 1, field.settings.get("max", 5)

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column of small numbers."""
        return (Column(field.name, sa.BigInteger()),)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the stars."""
        most = field.settings.get("max", 5)
        return "" if value is None else "★" * value + "☆" * (most - value)

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for a 4."""
        return ""


def is_finite(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the check that keeps ``NaN`` and ``Infinity`` out of a column."""
    infinite = ("NaN", "Infinity", "-Infinity")
    return column.not_in([sa.cast(sa.literal(one), sa.Numeric) for one in infinite])


@cache
def _one_at(places: int) -> Exact:
    """Return the number that rounding to *places* goes by."""
    return Exact(1).scaleb(-places)


def round_half_up(number: Exact, places: int, *, pad: bool) -> Exact:
    """Return *number* rounded as PostgreSQL rounds it: halves away from zero."""
    rounded = number.quantize(_one_at(places), rounding="ROUND_HALF_UP", context=WIDE)
    rounded = rounded or abs(rounded)
    return rounded if pad else plain_number(rounded)
