"""What a field type is: everything about one kind of value lives in one class.

A type knows its settings, its columns, how a person's input becomes a value, what it looks like in
JSON, in a form and in a list, and what it may be changed into. It knows no connection and no web.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import sqlalchemy as sa

from app.fields import masking
from app.texts import Label

if TYPE_CHECKING:
    from app.expressions.types import Type
    from app.fields.settings import Said, Setting


class FieldLike(Protocol):
    """The part of ``definitions.catalog.Field`` a type may look at."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> Label: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def mask(self) -> str | None: ...
    @property
    def options(self) -> Sequence[OptionLike]: ...


class OptionLike(Protocol):
    """One option of a choice, see ``definitions.catalog.Option``."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> Label: ...
    @property
    def color(self) -> str | None: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def removed(self) -> bool: ...
    @property
    def final(self) -> bool: ...


class FieldError(Exception):
    """A value a person gave cannot be taken; carries one sentence in every language."""

    def __init__(self, sentence: Label, code: str = "bad-value") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.code = code


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity's table.

    ``name`` is the field's name, or ``field__part`` for a part. Columns are always nullable in the
    database unless ``not_null``: ``required`` is added by plan and apply as a validated check.
    """

    name: str
    type: sa.types.TypeEngine[Any]
    not_null: bool = False
    default: str | None = None  #: a constant SQL literal, for example ``'{}'``
    #: for links: the entity whose table it references, by id
    references: str | None = None
    on_delete: str | None = None
    #: SQL check over the column, beside what the type guarantees, for example no NaN
    check: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]] | None = None


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What a value needs to know to be read: language and time zone of the person, and the lists.

    ``today``/``now`` are the business clock's. ``base_currency`` and ``currencies`` are app.yaml's.
    """

    language: str = "en"
    time_zone: str = "UTC"
    country: str = "CN"
    currencies: tuple[str, ...] = ("CNY",)
    #: True when the value comes as JSON; False when it comes as text from a form or a file
    strict: bool = False
    #: the business day, so that a date written without a year can be read
    today: date | None = None
    #: True where a refusal names options by their labels: for people who fill in a form or a file
    for_people: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to filter by a field, as the filter builder shows it.

    ``template`` is the expression it writes, with ``{field}``, ``{value}`` and, for ``two``,
    ``{other}``. ``value`` says what is asked for: ``one`` value of the field's own kind, ``many``
    of them (a list in the expression), ``two``, a whole ``number``, a ``period`` or ``none``.
    """

    name: str
    label: Label
    template: str
    takes_value: bool = True
    value: str = "one"


@dataclass(frozen=True, slots=True)
class Part:
    """What may stand behind a dot after the field: ``address.city``, ``stage.final``.

    ``column`` names the part's own column; a part without one is worked out by ``sql`` from the
    field's columns, by name.
    """

    name: str
    label: Label
    type: Type
    column: str | None = None
    sql: Callable[[Mapping[str, sa.ColumnElement[Any]]], sa.ColumnElement[Any]] | None = None
    #: True where ``sql`` asks for the time, so that it cannot be indexed or stored
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """How values of another type become values of this one, in SQL.

    ``convert`` gives the new value (NULL where it cannot be); ``fits`` is true where nothing is
    lost (empty always fits). Both take the old main column, and neither ever raises, whatever the
    column holds. ``parts`` gives the field's other columns, by the part's name; the ones not named
    stay empty.
    """

    convert: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]
    fits: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]
    parts: Mapping[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = field(
        default_factory=dict
    )


class FieldType:
    """Base of all field types; a built-in and a plugin's look the same.

    A type object holds no state: one instance serves every field. What differs between fields is in
    ``field.settings``, read by the type's own ``settings`` schema.
    """

    name: ClassVar[str]
    label: ClassVar[Label]
    #: One paragraph for the generated reference.
    help: ClassVar[str] = ""
    #: False for what is worked out (formula, rollup, through, serial, clock): nobody writes it.
    writable: ClassVar[bool] = True
    #: True where the value is kept in columns of the entity's own table.
    stored: ClassVar[bool] = True
    #: How the form shows it: the name of a control macro, for example ``text`` or ``link``.
    control: ClassVar[str] = "text"
    #: ``start`` or ``end``: numbers stand right.
    align: ClassVar[str] = "start"

    #: True where a value is a list of several.
    many: ClassVar[bool] = False
    #: How the field is written in YAML, for the generated reference.
    example: ClassVar[str] = ""
    #: A value as the API gives it, for the generated reference.
    example_json: ClassVar[Any] = None

    def settings(self) -> dict[str, Setting]:
        """Return the settings of this type alone, beside those every field has."""
        return {}

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give what is wrong between settings that are right one by one: (setting, sentence)."""
        yield from ()

    def bind(self, settings: Mapping[str, Any], numbers: Mapping[str, int]) -> Mapping[str, Any]:
        """Return the settings with what only a database knows: the entities' numbers, by name."""
        del numbers
        return settings

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entities whose records a value names; none for a value of its own."""
        del field
        return ()

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return what may stand behind a dot after the field."""
        del field
        return ()

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the columns of a field, the main one first and named like the field."""
        raise NotImplementedError

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return what expressions take the field for."""
        raise NotImplementedError

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return the value for what came from JSON, a form or a file; None for empty.

        Checks everything one value alone can be checked for (range, length, pattern, options). An
        empty list is None too.

        Raises:
            FieldError: with a sentence for the person who wrote it.
        """
        raise NotImplementedError

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the values of all the field's columns."""
        return {field.name: value}

    def writer(self, field: FieldLike) -> Callable[[Any], dict[str, Any]]:
        """Return ``to_columns`` for many values: what does not change between them is known."""
        return partial(self.to_columns, field)

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the value from a row that holds all the field's columns; None for empty."""
        return row[field.name]

    def reader(self, field: FieldLike) -> Callable[[Mapping[str, Any]], Any]:
        """Return ``from_columns`` for many rows: what does not change from row to row is known."""
        return partial(self.from_columns, field)

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return the SQL of the value as the API gives it, for row_to_json.

        Exact numbers are cast to text; structures are built with json functions.
        """
        return columns[field.name]

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return what orjson is given; equal to what ``json_column`` builds."""
        return value

    def json_writer(self, field: FieldLike) -> Callable[[Any], Any] | None:
        """Return ``to_json`` for many values; None where they are given as they are."""
        is_plain = type(self).to_json is FieldType.to_json
        return None if is_plain else partial(self.to_json, field)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the value as a person reads it; an empty text for empty.

        ``row`` holds the record's other values by field name, for money whose currency is another
        field. Of a link it gives the number: whoever knows titles shows those.
        """
        return "" if value is None else str(value)

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the SQL of the value for a role that sees it masked, of the main column.

        It is JSON and page text at once: nothing else is done to it. Empty stays empty.
        """
        return masking.hide(column)

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return a value of the API's JSON as ``mask`` would give it, for history and events."""
        return masking.HIDDEN if value not in (None, []) else None

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by it, the usual one first; none if it cannot be filtered."""
        return ()

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the text by which search finds the record, normalised by the caller."""
        return "" if value is None else str(value)

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return the JSON Schema of the value, for OpenAPI."""
        return {}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return, by the name of the old type, how its values become this field's.

        ``time_zone`` is the business's: a date and a moment become each other there.
        """
        return {}


@dataclass(frozen=True, slots=True)
class FieldTypes:
    """The field types of one process, built-ins and plugins' together, by name."""

    by_name: Mapping[str, FieldType] = field(default_factory=dict)

    def __getitem__(self, name: str) -> FieldType:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def names(self) -> tuple[str, ...]:
        return tuple(self.by_name)
