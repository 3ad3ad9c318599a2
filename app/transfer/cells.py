"""What stands in the cells of an export, worked out a column at a time.

How a field becomes a cell is decided once for an export; what is left for each value is as little
as its type allows. Cells are texts, numbers, days and moments by the clock of whoever asks; None is
empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from app.definitions.catalog import Field
from app.fields.base import FieldError, FieldLike, FieldType, ParseContext
from app.fields.worked_out import as_result, result_of
from app.records.taking import Taken
from app.texts import say

#: The values of a block, by their place, made the cells of one column.
Convert = Callable[[Sequence[Sequence[Any]]], Sequence[Any]]
_YES, _NO = say("Yes", "是"), say("No", "否")
#: Types whose values are cells as they are.
_NUMBERS = frozenset({"integer", "decimal", "money", "percent"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a path, its heading, and what stands in its cells."""

    path: str
    heading: str
    convert: Convert


@dataclass(frozen=True, slots=True)
class Spoken:
    """For whom cells are written."""

    language: str = "en"
    time_zone: str = "UTC"

    @property
    def joint(self) -> str:
        """What stands between several."""
        return "、" if self.language == "zh" else ", "


def column_of(taken: Taken, spoken: Spoken) -> Column:
    """Return one column of an export."""
    words = [field.label.in_language(spoken.language) for field in taken.fields]
    if taken.part:
        parts = {one.name: one.label for one in taken.field.type.parts(taken.field)}
        words.append(parts[taken.part].in_language(spoken.language))
    return Column(taken.path, " · ".join(words), _convert(taken, spoken))


def _convert(taken: Taken, spoken: Spoken) -> Convert:
    place = taken.place
    if taken.kind == "title":
        return lambda columns: columns[place]
    if taken.kind == "titles":
        return _each(place, partial(_titles, joint=spoken.joint))
    plain = partial(_plain, spoken=spoken, zone=ZoneInfo(spoken.time_zone))
    if taken.kind == "mask" or taken.part:
        return _each(place, plain)
    return _value(taken, spoken, plain)


def _value(taken: Taken, spoken: Spoken, plain: Callable[[Any], Any]) -> Convert:
    """Return how the values of a field, as the database has them, become cells."""
    field, place = taken.field, taken.place
    type_: FieldType = field.type
    seen: FieldLike = field
    if type_.name in ("formula", "rollup", "through"):
        type_, seen = _result(field)
    elif taken.kind == "value" or type(type_).from_columns is not FieldType.from_columns:
        return _of_several(taken, spoken, plain)
    shown = _shower(type_, seen, spoken, plain)
    if field.type.name == "through":
        # It comes as the API writes it.
        return _each(place, lambda value: shown(_parsed(type_, seen, value)))
    if field.is_worked_out and (type_.many or type_.name in ("integer", "duration")):
        return _each(place, lambda value: shown(as_result(type_, value)))
    if type_.name in _NUMBERS or type_.name == "date":
        return lambda columns: columns[place]
    if type_.name == "datetime":
        return _moments(place, ZoneInfo(spoken.time_zone))
    if type_.name == "boolean":
        words = {True: _YES.in_language(spoken.language), False: _NO.in_language(spoken.language)}
        return _each(place, words.get)
    if type(type_).display is FieldType.display:
        return lambda columns: columns[place]
    if type_.name in ("choice", "stage"):
        # The same few words again and again.
        shown = _remembering(shown)
    return _each(place, shown)


def _result(field: Field) -> tuple[FieldType, FieldLike]:
    """Return the type of what is worked out, and the field as one of that type."""
    type_, seen = result_of(field)
    if currency := field.settings.get("currency"):
        return type_, replace(seen, settings={**seen.settings, "currency": currency})
    return type_, seen


def _parsed(type_: FieldType, seen: FieldLike, value: Any) -> Any:
    try:
        return type_.parse(seen, value, ParseContext(strict=True))
    except FieldError:
        # An option that is no more, say.
        return str(value)


def _moments(place: int, zone: ZoneInfo) -> Convert:
    """Return moments by the clock of whoever asks: tables know no zones."""

    def convert(columns: Sequence[Sequence[Any]]) -> list[Any]:
        return [
            None if one is None else one.astimezone(zone).replace(tzinfo=None, microsecond=0)
            for one in columns[place]
        ]

    return convert


def _of_several(taken: Taken, spoken: Spoken, plain: Callable[[Any], Any]) -> Convert:
    """Return the cells of a field whose type reads its value from its columns."""
    field = taken.field
    read, shown = field.type.reader(field), _shower(field.type, field, spoken, plain)
    names, places = tuple(taken.places), tuple(taken.places.values())

    def convert(columns: Sequence[Sequence[Any]]) -> list[Any]:
        rows = zip(*(columns[place] for place in places), strict=True)
        return [shown(read(dict(zip(names, row, strict=True)))) for row in rows]

    return convert


def _shower(
    type_: FieldType, seen: FieldLike, spoken: Spoken, plain: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    display, language, zone = type_.display, spoken.language, spoken.time_zone

    def shown(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, int | float | Decimal | date):
            return plain(value)
        return display(seen, value, language, zone) or None

    return shown


def _remembering(shown: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, Any] = {}

    def remembered(value: Any) -> Any:
        if value not in known:
            known[value] = shown(value)
        return known[value]

    return remembered


def _each(place: int, shown: Callable[[Any], Any]) -> Convert:
    return lambda columns: [None if one is None else shown(one) for one in columns[place]]


def _titles(linked: Any, joint: str) -> str | None:
    several = linked if isinstance(linked, list) else [linked]
    return joint.join(str(one.get("title") or one.get("name") or "") for one in several) or None


def _plain(value: Any, spoken: Spoken, zone: ZoneInfo) -> Any:
    """Return a value whose type says nothing of how it is shown."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return (_YES if value else _NO).in_language(spoken.language)
    if isinstance(value, datetime):
        # Tables know no zones: it is the clock of whoever asks.
        return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if value is None or isinstance(value, int | float | Decimal | date):
        return value
    if isinstance(value, list | tuple):
        return spoken.joint.join(_item(one) for one in value) or None
    return _item(value)


def _item(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one not in (None, ""))
    return str(value)
