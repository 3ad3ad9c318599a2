"""The types that values in expressions have.

A ``Type`` says what may be done with a value; it knows nothing of columns, forms or storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """What sort of value it is."""

    text = "text"
    number = "number"
    money = "money"
    percent = "percent"
    boolean = "boolean"
    date = "date"
    datetime = "datetime"
    time = "time"
    duration = "duration"
    choice = "choice"
    record = "record"
    many = "many"
    parts = "parts"
    period = "period"
    empty = "empty"
    any = "any"


@dataclass(frozen=True)
class Type:
    """The type of a value: its kind and what belongs to that kind."""

    kind: Kind
    #: Of a choice or stage: the options in their order, removed ones included.
    options: tuple[str, ...] = ()
    #: Of a record: the entities it may belong to; several for an ``any_link``.
    entities: tuple[str, ...] = ()
    #: Of many values: the type of each.
    item: "Type | None" = None
    #: What may stand behind a dot, links' fields aside: ``city`` of an address, ``since`` of a
    #: stage, ``base`` of money in several currencies.
    parts: Mapping[str, "Type"] = field(default_factory=dict, compare=False)
    #: Of a choice whose options are a tree: each option's parent.
    parents: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: Of a link to an entity that is a tree: that entity's field which names the parent.
    tree: str = ""
    #: Of a duration: ``calendar`` (whole days, months), ``elapsed`` (seconds) or ``working``.
    unit: str = ""
    #: The value is never empty: ``id``, ``created_at`` and their like.
    filled: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return WORDS[self.kind]

    @property
    def is_number(self) -> bool:
        """Whether it can be calculated with."""
        return self.kind in NUMBERS

    @property
    def is_any_link(self) -> bool:
        """Whether it is a record of one of several entities."""
        return self.kind is Kind.record and len(self.entities) != 1


WORDS: Mapping[Kind, str] = {
    Kind.text: "a text",
    Kind.number: "a number",
    Kind.money: "an amount of money",
    Kind.percent: "a percentage",
    Kind.boolean: "yes or no",
    Kind.date: "a date",
    Kind.datetime: "a date with time",
    Kind.time: "a time of day",
    Kind.duration: "a duration",
    Kind.choice: "a choice",
    Kind.record: "a record",
    Kind.many: "many values",
    Kind.parts: "a value of several parts",
    Kind.period: "a period",
    Kind.empty: "empty",
    Kind.any: "any value",
}

NUMBERS = frozenset({Kind.number, Kind.money, Kind.percent})
DAYS = frozenset({Kind.date, Kind.datetime})

TEXT = Type(Kind.text)
NUMBER = Type(Kind.number)
MONEY = Type(Kind.money)
PERCENT = Type(Kind.percent)
BOOLEAN = Type(Kind.boolean)
DATE = Type(Kind.date)
DATETIME = Type(Kind.datetime)
TIME = Type(Kind.time)
CALENDAR_DURATION = Type(Kind.duration, unit="calendar")
DURATION = Type(Kind.duration, unit="elapsed")
WORKING_DURATION = Type(Kind.duration, unit="working")
PERIOD = Type(Kind.period)
EMPTY = Type(Kind.empty)
ANY = Type(Kind.any)


def record_type(*entities: str, tree: str = "") -> Type:
    """Return the type of a record of one of *entities*."""
    return Type(Kind.record, entities=entities, tree=tree)


def many(item: Type) -> Type:
    """Return the type of many values of one type."""
    return Type(Kind.many, item=item)


def bare(type_: Type) -> Type:
    """Return *type_* without parts and without the promise to be filled: a result, not a field."""
    return replace(type_, parts={}, filled=False)


def merge(one: Type, other: Type) -> Type | None:
    """Return the type that holds values of both types, or None when there is none."""
    kinds = {one.kind, other.kind}
    if one.kind is Kind.empty or other.kind is Kind.any:
        return other
    if other.kind is Kind.empty or one.kind is Kind.any:
        return one
    if len(kinds) > 1:
        return _merge_kinds(kinds)
    if one.kind is Kind.choice:
        return bare(one) if one.options == other.options else TEXT
    if one.kind is Kind.record:
        entities = one.entities + tuple(e for e in other.entities if e not in one.entities)
        # Records of different entities have no common value to store or compare.
        return bare(one) if entities == one.entities else None
    if one.kind is Kind.duration:
        units = {one.unit, other.unit}
        if len(units) > 1:
            return None if "working" in units else DURATION
    if one.kind is Kind.many:
        item = merge(one.item or ANY, other.item or ANY)
        return many(item) if item else None
    return bare(one)


def _merge_kinds(kinds: set[Kind]) -> Type | None:
    if kinds <= {Kind.number, Kind.money}:
        return MONEY
    if kinds == DAYS:
        return DATETIME
    if kinds == {Kind.choice, Kind.text}:
        return TEXT
    if kinds == {Kind.number, Kind.percent}:
        return NUMBER
    return None
