"""Points on the map."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa

from app.expressions.types import NUMBER, Kind, Type
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
from app.fields.reading import (
    is_nothing,
    read_line,
    read_number,
    shown,
    to_places,
    wrong_kind,
)
from app.texts import Label, say

_POINT = re.compile(r"\(?\s*([^,;\s]+)\s*[,;\s]\s*([^,;\s]+?)\s*\)?\Z")


class Point(NamedTuple):
    """The value of a ``geo``: degrees north and east."""

    lat: Decimal
    lng: Decimal


class Geo(FieldType):
    """A point on the map."""

    name: ClassVar[str] = "geo"
    label: ClassVar[Label] = say("Location", "定位")
    help: ClassVar[str] = (
        "A point on the map, in degrees (WGS 84) with six decimals, about 10 cm. Written "
        "`30.274085, 120.15507`: north first. `.lat` and `.lng` are its parts."
    )
    control: ClassVar[str] = "geo"
    example: ClassVar[str] = "location: {type: geo}"
    example_json: ClassVar[Any] = {"lat": 30.274085, "lng": 120.15507}

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the point as text and both degrees."""
        degrees = sa.Numeric(9, 6)
        return (
            Column(field.name, sa.Text()),
            Column(f"{field.name}__lat", degrees, check=lambda column: column.between(-90, 90)),
            Column(f"{field.name}__lng", degrees, check=lambda column: column.between(-180, 180)),
        )

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it has parts."""
        return Type(Kind.parts, parts={"lat": NUMBER, "lng": NUMBER})

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return both degrees."""
        return (
            Part("lat", say("Latitude", "纬度"), NUMBER, f"{field.name}__lat"),
            Part("lng", say("Longitude", "经度"), NUMBER, f"{field.name}__lng"),
        )

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Point | None:
        """Return the point."""
        if isinstance(raw, Mapping):
            if set(raw) != {"lat", "lng"}:
                raise wrong_kind(raw, "`lat` and `lng`", "`lat` 和 `lng`")
            lat, lng = raw["lat"], raw["lng"]
        else:
            if context.strict and not is_nothing(raw):
                raise wrong_kind(raw, "`lat` and `lng`", "`lat` 和 `lng`")
            text = read_line(raw, strict=context.strict)
            if text is None:
                return None
            found = _POINT.match(text)
            if not found:
                raise _not_a_point(text)
            lat, lng = found.groups()
        north = _degrees(lat, 90, context)
        east = _degrees(lng, 180, context)
        if (north is None) != (east is None):
            raise _not_a_point(f"{lat}, {lng}")
        return None if north is None or east is None else Point(north, east)

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the point as text and both degrees."""
        return {
            field.name: None if value is None else f"{value[0]:f},{value[1]:f}",
            f"{field.name}__lat": value and value[0],
            f"{field.name}__lng": value and value[1],
        }

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Point | None:
        """Return the point."""
        lat, lng = row[f"{field.name}__lat"], row[f"{field.name}__lng"]
        return None if lat is None or lng is None else Point(lat, lng)

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return an object of both degrees, as numbers."""
        lat, lng = columns[f"{field.name}__lat"], columns[f"{field.name}__lng"]
        point = converting.json_object(lat=sa.func.trim_scale(lat), lng=sa.func.trim_scale(lng))
        return converting.when(lat.is_not(None), point)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return an object of both degrees, as numbers."""
        return None if value is None else {"lat": float(value[0]), "lng": float(value[1])}

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return both degrees with a comma between."""
        return "" if value is None else f"{value[0]:f}, {value[1]:f}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return that it can be asked whether there is one; its parts are numbers."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for degrees."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object of both degrees."""
        return {
            "type": "object",
            "properties": {
                "lat": {"type": "number", "minimum": -90, "maximum": 90},
                "lng": {"type": "number", "minimum": -180, "maximum": 180},
            },
            "required": ["lat", "lng"],
            "additionalProperties": False,
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a text with two degrees becomes a point."""
        found = r"^\s*([+-]?\d{1,3}(?:\.\d{1,6})?)\s*[,; ]\s*([+-]?\d{1,3}(?:\.\d{1,6})?)\s*$"

        def degrees(column: sa.ColumnElement[Any], place: int) -> sa.ColumnElement[Any]:
            groups = sa.func.regexp_match(
                converting.plain(column), found, type_=sa.ARRAY(sa.Text())
            )
            return sa.cast(groups[place], sa.Numeric(9, 6))

        def is_point(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            return sa.and_(
                degrees(column, 1).between(-90, 90), degrees(column, 2).between(-180, 180)
            )

        def part(place: int) -> converting.Change:
            return lambda column: converting.when(is_point(column), degrees(column, place))

        def whole(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            both = [sa.cast(degrees(column, place), sa.Text) for place in (1, 2)]
            return converting.when(is_point(column), both[0].concat(",").concat(both[1]))

        from_text = converting.conversion(whole, is_point, {"lat": part(1), "lng": part(2)})
        return {**dict.fromkeys(converting.TEXTS, from_text), "geo": converting.same()}


def _not_a_point(text: str) -> FieldError:
    return FieldError(
        say(
            "“{value}” is not a point. Write north and east, like 30.274085, 120.15507.",
            "“{value}”不是坐标，请依次填写纬度和经度，如 30.274085, 120.15507。",
            value=shown(text),
        ),
        "not-a-point",
    )


def _degrees(raw: object, most: int, context: ParseContext) -> Decimal | None:
    number = read_number(raw, strict=context.strict)
    if number is None:
        return None
    if abs(number) > most:
        raise FieldError(
            say(
                "{value} is outside -{most} to {most} degrees.",
                "{value} 不在 -{most} 到 {most} 度之间。",
                value=f"{number:f}",
                most=most,
            ),
            "out-of-range",
        )
    # Devices give more digits than any of them measures; a tenth of a metre is kept.
    return to_places(round(number, 6), 6, pad=True)
