"""The catalog: everything config/ says, checked and frozen.

Every other room works from this value. It knows no connection and no web; equal files give an
equal fingerprint. Nothing in it changes after it was built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from app.definitions.automation import Automation
from app.definitions.business_calendar import build_calendar
from app.expressions.calendar import Calendar
from app.expressions.tree import Checked
from app.expressions.types import Type
from app.fields.base import FieldType, FieldTypes
from app.texts import Label

#: Scopes by name, the narrowest first. A condition is a ``Checked`` expression.
ScopeName = Literal["own", "team", "subordinates", "department", "department_tree", "all"]
FieldRight = Literal["hidden", "masked", "read", "edit"]
RIGHTS = (
    "create",
    "read",
    "update",
    "delete",
    "restore",
    "transfer",
    "share",
    "merge",
    "import",
    "export",
    "history",
    "publish",
    "anonymise",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: path in the configuration folder, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice or stage; ``parent`` makes a list a tree."""

    name: str
    label: Label
    color: str | None = None
    parent: str | None = None
    was: tuple[str, ...] = ()
    becomes: str | None = None
    offer: Checked | None = None
    removed: bool = False
    #: stages only
    final: bool = False
    probability: int | None = None


@dataclass(frozen=True, slots=True)
class OptionList:
    """Options in their order, parents before their children."""

    name: str
    options: tuple[Option, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    def find(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows a right holds for: nothing, a scope, a condition, or several of them (any).

    ``scopes`` empty and ``conditions`` empty means no row.
    """

    scopes: frozenset[str] = frozenset()
    conditions: tuple[Checked, ...] = ()

    @property
    def is_none(self) -> bool:
        return not self.scopes and not self.conditions

    @property
    def is_all(self) -> bool:
        return "all" in self.scopes


@dataclass(frozen=True, slots=True)
class EntityAccess:
    """What one role may do with one entity, everything inherited worked in.

    A right holds for a row if ``scope`` and the right's own rule both hold.
    """

    scope: Rule
    rights: Mapping[str, Rule]
    #: rights by field name; a field not named has ``other_fields``
    fields: Mapping[str, FieldRight] = field(default_factory=dict)
    other_fields: FieldRight = "edit"
    #: where it is written: `scope`, a right, or `fields.NAME`; what nobody wrote has none
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    label: Label
    is_: str | None = None
    admin: bool = False
    home: str | None = None
    was: tuple[str, ...] = ()
    place: Place | None = None


RollupFunction = Literal["count", "sum", "avg", "lowest", "highest", "latest", "earliest", "list"]


@dataclass(frozen=True, slots=True)
class Rollup:
    """What a roll-up field asks of the records that link here.

    The expressions are worked out on the record that links; ``record.`` in them is the one here.
    """

    entity: str
    #: the link, any_link or links field of that entity that leads here
    link: str
    function: RollupFunction
    #: what is summed, listed, or taken; None for count
    value: Checked | None = None
    #: ``latest`` and ``earliest``: by what; None where the value itself is compared
    by: Checked | None = None
    where: Checked | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity, compiled."""

    name: str
    label: Label
    type: FieldType
    #: the type's own settings, parsed by its schema; options are resolved to an OptionList name
    settings: Mapping[str, Any] = field(default_factory=dict)
    required: bool | Checked = False
    #: a value as written, a Checked expression, or None
    default: Any = None
    readonly: bool | Checked = False
    show: Checked | None = None
    search: bool = False
    index: bool = False
    unique: bool = False
    personal: bool = False
    mask: str | None = None
    help: Label | None = None
    placeholder: Label | None = None
    was: tuple[str, ...] = ()
    removed: bool = False
    built_in: bool = False
    place: Place | None = None
    #: formula: what it is worked out from
    expression: Checked | None = None
    #: rollup: what it asks
    rollup: Rollup | None = None
    #: what expressions take the field for
    value: Type | None = None
    #: expressions in the type's own settings by setting: a link's ``where``, a clock's ``runs``
    conditions: Mapping[str, Checked] = field(default_factory=dict)
    #: a choice's or stage's options, in order; empty for other types
    options: tuple[Option, ...] = ()

    @property
    def is_worked_out(self) -> bool:
        """True for a formula or roll-up: nobody writes it."""
        return self.expression is not None or self.rollup is not None

    @property
    def is_volatile(self) -> bool:
        """True for a formula that asks for now, today or me: worked out when read, never stored."""
        return (
            self.expression is not None
            and self.expression.is_volatile
            and self.type.name == "formula"
        )


@dataclass(frozen=True, slots=True)
class Check:
    must: Checked
    message: Label
    if_: Checked | None = None
    warn: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """``same``: any of these fields equal; or ``similar`` a field, at least so alike (0 to 1)."""

    same: tuple[str, ...] = ()
    similar: str | None = None
    at_least: float = 0.85
    also_in: tuple[tuple[str, str], ...] = ()
    refuse: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """How a view stands on the work bench."""

    #: the field of the person whose work it is
    of: str
    #: the entity written in place, and its field that points at the row
    log: str | None = None
    log_link: str | None = None
    #: the date moved by putting off; the logged record's field of that name plans it, too
    later: str | None = None
    #: field and value of what is ticked
    done: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    name: str
    label: Label
    where: Checked | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()  #: (field, descending)
    for_: tuple[str, ...] = ()
    bench: Bench | None = None


@dataclass(frozen=True, slots=True)
class Section:
    label: Label | None
    #: rows of one to four field names
    fields: tuple[tuple[str, ...], ...]
    show: Checked | None = None


@dataclass(frozen=True, slots=True)
class Screens:
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    filters: tuple[str, ...] = ()  #: may name a part: ``address.city``
    views: Mapping[str, View] = field(default_factory=dict)
    form: tuple[Section, ...] = ()
    related: tuple[tuple[str, str], ...] = ()  #: (entity, its link field)
    board: Mapping[str, Any] | None = None
    calendar: Mapping[str, Any] | None = None
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record. ``lines`` of a field are an entity of their own, named ``entity.field``.

    The table is ``crm.<table>``; lines live in ``crm.<entity>__<field>`` with ``parent`` and
    ``position`` columns.
    """

    name: str
    label: Label
    fields: Mapping[str, Field]
    table: str
    plural: Label | None = None
    title: str | None = None
    icon: str | None = None
    owned: bool = True
    single: bool = False
    was: tuple[str, ...] = ()
    #: of a lines entity: the entity it stands in and the field's name
    lines_of: tuple[str, str] | None = None
    checks: tuple[Check, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    duplicates: tuple[DuplicateRule, ...] = ()
    #: while it holds, a record is neither anonymised nor removed for good
    keep: Checked | None = None
    #: by role; a role not named here has no row
    access: Mapping[str, EntityAccess] = field(default_factory=dict)
    #: entities whose record makes this one visible: (link field, entity)
    inherit: tuple[tuple[str, str], ...] = ()
    screens: Screens = field(default_factory=Screens)
    #: stored formulas and roll-ups, each after what it reads of the same record
    worked_out: tuple[str, ...] = ()
    #: built-in (``user``, ``department``)
    built_in: bool = False
    place: Place | None = None
    #: the entity's number in trellis.entity; 0 until the catalog is bound to a database
    number: int = 0
    #: names fields once had, each to the field's name now; what a field is called now is not here
    former: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "former", former_names(self.fields))

    def field(self, name: str) -> Field:
        return self.fields[name]


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    label: Label
    has: tuple[str, ...]
    off: bool = False


@dataclass(frozen=True, slots=True)
class App:
    """app.yaml, with its defaults."""

    name: str = "Trellis"
    languages: tuple[str, ...] = ("en", "zh")
    time_zone: str = "UTC"
    currencies: tuple[str, ...] = ("CNY",)
    calendar: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[Module, ...] = ()
    look: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    keep: Mapping[str, Any] = field(default_factory=dict)
    #: ``calendar`` and ``time_zone`` as the one calendar everybody asks
    business_calendar: Calendar = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = build_calendar(self.calendar, self.time_zone)
        object.__setattr__(self, "business_calendar", made)


@dataclass(frozen=True, slots=True)
class Catalog:
    app: App
    roles: Mapping[str, Role]
    options: Mapping[str, OptionList]
    #: lines entities included, under ``entity.field``
    entities: Mapping[str, Entity]
    types: FieldTypes
    #: SHA-256 over what the files mean, in hex; comments and order of files do not count
    fingerprint: str
    #: path relative to the configuration folder -> text
    files: Mapping[str, str] = field(default_factory=dict)
    #: roll-ups by the entity whose records they ask: (entity, field, link of the asked entity)
    rollups_of: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    #: stored formulas that read another record, by that record's entity:
    #: (entity, formula, link field, path read behind it). Lines read ``parent``.
    formulas_through: Mapping[str, tuple[tuple[str, str, str, str], ...]] = field(
        default_factory=dict
    )
    #: rules, lifecycles, approvals, pools, quotas, templates and the configuration's tests
    automation: Automation = field(default_factory=Automation)
    #: saved mappings of files, by name: ``imports.ImportMapping``
    imports: Mapping[str, Any] = field(default_factory=dict)
    #: mailboxes, by name: ``integrations.Mailbox``
    integrations: Mapping[str, Any] = field(default_factory=dict)
    #: other systems, by name: ``connections.Connection``
    connections: Mapping[str, Any] = field(default_factory=dict)
    #: dashboards and targets, by name: ``dashboards.Dashboard`` and ``dashboards.Target``
    dashboards: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Any] = field(default_factory=dict)
    #: parts of the language other rooms compile (templates …), as located data by file
    others: Mapping[str, Any] = field(default_factory=dict)
    #: names entities once had, each to the entity's name now
    former: Mapping[str, str] = field(init=False, repr=False, compare=False)
    #: whether anything at all (an entity, a field, an option) was called otherwise
    has_former: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        former = former_names(self.entities)
        renamed = bool(former) or any(
            entity.former
            or any(option.was for one in entity.fields.values() for option in one.options)
            for entity in self.entities.values()
        )
        object.__setattr__(self, "former", former)
        object.__setattr__(self, "has_former", renamed)


class Renamed(Protocol):
    """What may have been called otherwise."""

    @property
    def was(self) -> tuple[str, ...]: ...


def former_names(named: Mapping[str, Renamed]) -> Mapping[str, str]:
    """Return former names, each to the name now; a name that is in use means what has it now."""
    found: dict[str, str] = {}
    for name, one in named.items():
        for was in one.was:
            if was not in named:
                found.setdefault(was, name)
    return MappingProxyType(found)
