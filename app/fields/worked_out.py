"""Values that nobody writes: formulas, roll-ups, and what is read through a link.

Such a field has the columns, JSON, display and operators of another field type, its *result*. The
definitions check the expression and keep the type it has in ``field.value``; `result_of` makes the
result of it, with what the author said in the settings ``result`` (another type of the same kind),
``places`` and ``currency``. Nothing else has to be resolved or stored.

============== ==========================================================================
kind           result
============== ==========================================================================
text           ``longtext`` without bound, shown like ``text``
number         ``integer`` for a count or if said, else ``decimal``
money percent  themselves; money has one column, an amount in the record's currency
boolean date datetime time duration   themselves
choice         ``choice``, its options by their names unless the field has ``options``
record         ``link``, ``user``, ``department``, or ``any_link`` for several entities
many           ``links`` of records, else ``tags`` (a list of texts)
============== ==========================================================================

A result never has a foreign key or a check: what it is worked out from has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal as Exact
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.moments import Duration as Length
from app.expressions.types import ANY, Kind, Type
from app.fields.any_link import AnyLink
from app.fields.base import (
    Column,
    FieldError,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
    Part,
)
from app.fields.choices import OPTIONS_TAKE, Boolean, Choice
from app.fields.moments import Date, Datetime, Duration, Time
from app.fields.money import Money
from app.fields.numbers import Decimal, Integer, Percent, round_half_up
from app.fields.relations import Department, Link, User
from app.fields.settings import (
    ExpressionText,
    Name,
    Plain,
    Setting,
    Switch,
    WholeNumber,
    Word,
    Written,
)
from app.fields.several import Links
from app.fields.text import Longtext
from app.fields.words import Tags
from app.texts import Label, say

#: What ``result:`` may say.
RESULTS: Mapping[str, FieldType] = {
    one.name: one
    for one in (
        Integer(),
        Decimal(),
        Money(),
        Percent(),
        Boolean(),
        Date(),
        Datetime(),
        Time(),
        Duration(),
    )
} | {"text": Longtext()}
#: What a roll-up can work out.
ROLLUPS = ("count", "sum", "avg", "lowest", "highest", "latest", "earliest", "list")
_BY_KIND: Mapping[Kind, FieldType] = {
    Kind.text: RESULTS["text"],
    Kind.number: RESULTS["decimal"],
    Kind.choice: Choice(),
    Kind.any: RESULTS["text"],
    Kind.parts: RESULTS["text"],
    **{
        Kind(name): one
        for name, one in RESULTS.items()
        if name in Kind.__members__ and name != "text"
    },
}
_SINGLE: Mapping[str, FieldType] = {"user": User(), "department": Department()}
_LINK, _LINKS, _ANY_LINK, _TAGS = Link(), Links(), AnyLink(), Tags()
_UNBOUND = {"max": None, "min": None}


@dataclass(frozen=True, slots=True)
class ResultField:
    """A worked-out field seen as a field of its result's type."""

    name: str
    label: Label
    settings: Mapping[str, Any]
    mask: str | None = None
    options: Sequence[OptionLike] = ()


@dataclass(frozen=True, slots=True)
class NamedOption:
    """An option of which only the name is known."""

    name: str
    parent: str | None = None
    color: str | None = None
    removed: bool = False
    final: bool = False

    @property
    def label(self) -> Label:
        """The name."""
        return Label({"en": self.name})


def result_of(field: FieldLike) -> tuple[FieldType, ResultField]:
    """Return the type a worked-out field's values have, and the field seen as one of that type."""
    value: Type = getattr(field, "value", None) or ANY
    said = field.settings.get("result")
    type_ = RESULTS.get(str(said)) or _type_for(value)
    if field.settings.get("count") and said is None:
        type_ = RESULTS["integer"]
    settings = {**_UNBOUND, **_settings_for(type_, value)}
    if field.settings.get("places") is not None:
        settings["places"] = field.settings["places"]
    if "numbers" in field.settings:
        settings["numbers"] = field.settings["numbers"]
    options: Sequence[OptionLike] = field.options
    if type_.name == "choice" and not options:
        options = tuple(NamedOption(name, value.parents.get(name)) for name in value.options)
    return type_, ResultField(field.name, field.label, settings, field.mask, options)


def _type_for(value: Type) -> FieldType:
    if value.kind is Kind.record:
        return _ANY_LINK if value.is_any_link else _SINGLE.get(value.entities[0], _LINK)
    if value.kind is Kind.many:
        is_records = value.item is not None and value.item.kind is Kind.record
        return _LINKS if is_records else _TAGS
    return _BY_KIND.get(value.kind, RESULTS["text"])


def _settings_for(type_: FieldType, value: Type) -> dict[str, Any]:
    if type_.name == "links" and value.item is not None:
        return {"to": value.item.entities[0] if value.item.entities else ""}
    if type_.name == "link":
        return {"to": value.entities[0], "target_tree": value.tree}
    if type_.name == "any_link":
        return {"to": value.entities}
    if type_.name in ("decimal", "money", "percent"):
        return {"places": type_.default_places}  # type: ignore[attr-defined]
    return {}


class WorkedOut(FieldType):
    """Base of the three: everything but writing is done by the result's type."""

    writable: ClassVar[bool] = False
    control: ClassVar[str] = "read"

    def bind(self, settings: Mapping[str, Any], numbers: Mapping[str, int]) -> Mapping[str, Any]:
        """Return the settings with the entities' numbers, for a result that is an ``any_link``."""
        return {**settings, "numbers": dict(numbers)}

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the result's columns, without its foreign keys, checks and defaults."""
        type_, seen = result_of(field)
        return tuple(
            replace(
                column, references=None, on_delete=None, check=None, not_null=False, default=None
            )
            for column in type_.columns(seen)
        )

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return the type of the expression."""
        return getattr(field, "value", None) or ANY

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return the result's parts."""
        type_, seen = result_of(field)
        return type_.parts(seen)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Refuse: nobody writes what is worked out."""
        raise FieldError(
            say("This is worked out and cannot be set.", "此项自动计算，不能填写。"), "not-writable"
        )

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the values of the result's columns for what an expression gave."""
        type_, seen = result_of(field)
        return type_.to_columns(seen, as_result(type_, value))

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the result."""
        type_, seen = result_of(field)
        return as_result(type_, type_.from_columns(seen, row))

    def reader(self, field: FieldLike) -> Callable[[Mapping[str, Any]], Any]:
        """Return ``from_columns`` for many rows, the result's type worked out once."""
        type_, seen = result_of(field)
        read, convert = type_.reader(seen), _conversion(type_)

        def result(row: Mapping[str, Any]) -> Any:
            value = read(row)
            return None if value is None else convert(type_, value)

        return result

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return the result as the API gives it."""
        type_, seen = result_of(field)
        return type_.json_column(seen, columns)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the result as the API gives it."""
        type_, seen = result_of(field)
        return type_.to_json(seen, as_result(type_, value))

    def json_writer(self, field: FieldLike) -> Callable[[Any], Any]:
        """Return ``to_json`` for many values, the result's type worked out once."""
        type_, seen = result_of(field)
        convert, write = _conversion(type_), type_.json_writer(seen)

        def written(value: Any) -> Any:
            if value is None:
                return None
            result = convert(type_, value)
            return result if write is None else write(result)

        return written

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the result as a person reads it."""
        type_, seen = result_of(field)
        currency = field.settings.get("currency")
        if currency:
            seen = replace(seen, settings={**seen.settings, "currency": currency})
        return type_.display(seen, as_result(type_, value), language, time_zone, row)

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the result, masked."""
        type_, seen = result_of(field)
        return type_.mask(seen, column)

    def masked(self, field: FieldLike, value: Any) -> Any:
        """Return the result, masked."""
        type_, seen = result_of(field)
        return type_.masked(seen, value)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by the result."""
        type_, seen = result_of(field)
        return type_.operators(seen)

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return the text by which the result is found."""
        type_, seen = result_of(field)
        return type_.search_text(seen, as_result(type_, value))

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return the result's schema, which nobody writes."""
        type_, seen = result_of(field)
        return {**type_.json_schema(seen), "readOnly": True}


class Formula(WorkedOut):
    """A value worked out from the record itself."""

    name: ClassVar[str] = "formula"
    label: ClassVar[Label] = say("Formula", "公式")
    help: ClassVar[str] = (
        "A value worked out from the record, its lines, and what it links to. It is stored and "
        "brought up to date with every write; one that asks for today, now or me is worked out "
        "when it is read."
    )
    example: ClassVar[str] = 'subtotal: {type: formula, formula: "round(price * quantity, 2)"}'
    example_json: ClassVar[Any] = "1234.5"

    def settings(self) -> dict[str, Setting]:
        """Return the expression and how its result is shown."""
        return {
            "formula": ExpressionText("The expression.", required=True),
            "result": Word(
                "The type of the result, where it is not what the expression gives.",
                among=tuple(RESULTS),
            ),
            "options": Written(
                "The options a text is one of, which makes it a choice with their labels.",
                takes=OPTIONS_TAKE,
            ),
            "places": WholeNumber("How many decimals of a number are shown.", least=0, most=12),
            "currency": Plain("The field that holds the currency of an amount, to show its sign."),
        }


class Rollup(WorkedOut):
    """A value worked out from the records that link here."""

    name: ClassVar[str] = "rollup"
    label: ClassVar[Label] = say("Roll-up", "汇总")
    help: ClassVar[str] = (
        "A value worked out from the records that link to this one: how many there are (`count: "
        "yes`), or of one of their fields the `sum`, `avg`, `lowest`, `highest`, the one of the "
        "`latest` or `earliest` record `by` a date, or the `list` of all. Amounts of money are "
        "added in the base currency. It is stored and brought up to date with every write."
    )
    example: ClassVar[str] = (
        "open_amount: {type: rollup, of: opportunity.customer, sum: amount, where: not stage.final}"
    )
    example_json: ClassVar[Any] = "98000.00"

    def settings(self) -> dict[str, Setting]:
        """Return what is worked out of which records."""
        texts: dict[str, Setting] = {
            name: ExpressionText(f"The field, or expression, of which the {words}.")
            for name, words in (
                ("sum", "sum is taken"),
                ("avg", "average is taken"),
                ("lowest", "lowest value is taken"),
                ("highest", "highest value is taken"),
                ("latest", "latest value is taken"),
                ("earliest", "earliest value is taken"),
                ("list", "values are listed, each once"),
            )
        }
        return {
            "of": Name(
                "The other entity and its link to this one: `opportunity.customer`.", required=True
            ),
            "count": Switch("Count the records."),
            **texts,
            "by": ExpressionText("The date that tells which is the latest or earliest."),
            "where": ExpressionText("Which of the records count; all of them if not said."),
            "result": Word(
                "The type of the result, where it is not the one of the field.",
                among=tuple(RESULTS),
            ),
            "places": WholeNumber("How many decimals of a number are shown.", least=0, most=12),
        }


class Through(WorkedOut):
    """A value read through a link."""

    name: ClassVar[str] = "through"
    label: ClassVar[Label] = say("Through", "引用字段")
    help: ClassVar[str] = (
        "A field of the record a link leads to, shown here and never copied. It is empty for "
        "whoever may not read it there."
    )
    stored: ClassVar[bool] = False
    example: ClassVar[str] = "phones: {type: through, from: customer.phones}"
    example_json: ClassVar[Any] = "Acme Ltd."

    def settings(self) -> dict[str, Setting]:
        """Return the way to the field."""
        return {"from": Name("The link and the field behind it: `customer.phones`.", required=True)}

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return none: it is read where it stands."""
        return ()

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return none."""
        return {}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the value, if whoever read the record put it there."""
        return row.get(field.name)


def as_result(type_: FieldType, value: Any) -> Any:
    """Return what an expression gave as a value of the result's type."""
    return None if value is None else _conversion(type_)(type_, value)


def _conversion(type_: FieldType) -> Callable[[FieldType, Any], Any]:
    if isinstance(type_, Integer):
        return _as_whole
    if isinstance(type_, Decimal | Money | Percent):
        return _as_exact
    return _as_it_is


def _as_whole(_: FieldType, value: Any) -> int:
    return value if type(value) is int else int(round_half_up(Exact(value), 0, pad=False))


def _as_exact(_: FieldType, value: Any) -> Exact:
    return value if type(value) is Exact else Exact(value)


def _as_it_is(type_: FieldType, value: Any) -> Any:
    if isinstance(value, Length):
        return timedelta(microseconds=value.total)
    if type_.many:
        return list(value) or None
    return value
