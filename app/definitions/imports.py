"""Saved mappings of imports, `imports/`: which column of a file goes where, and what becomes of it.

What a column is cleaned with is only named here; `transfer.cleaning` does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import marshmallow as ma

from app.definitions.automation import Given
from app.definitions.binding import has_field, refuse_field
from app.definitions.catalog import Field, Place
from app.definitions.complaints import Complaint
from app.definitions.document import Document
from app.definitions.import_words import MODES, RULES
from app.definitions.names import label_from_name
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.rules import is_name
from app.definitions.scope import USER, CatalogScope, my_type
from app.definitions.shape import Definition, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_values import Site, bind_given
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions.types import Kind, Type
from app.fields.settings import Name, Plain, Switch, Word, Written, refuse, written
from app.texts import Label

#: How records that are linked, and people, are told.
TOLD_BY = ("title", "code", "id", "name", "login", "email")
#: The steps by which a value is cleaned.
CLEANING = (
    "trim", "collapse", "half_width", "full_width", "upper", "lower", "title", "digits", "phone",
    "money", "number", "date", "day_first", "month_first", "blank", "plain",
)  # fmt: skip
#: Built-in fields a file may bring; who may is decided when it is imported.
BROUGHT = ("owner", "tags", "created_at", "created_by")
#: Columns that are passed over.
LEFT_OUT = "-"


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """Where one column goes, and what becomes of its values."""

    column: str
    #: ``name``, ``address.city``, or ``contact.name`` of a second record
    path: str
    clean: tuple[str, ...] = ("trim",)
    map: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Given | None = None
    by: str | None = None
    default: Given | None = None
    split: str | None = None
    take: int = 1
    join: tuple[str, ...] = ()
    between: str = " "
    #: a linked record that is not there is made, by its title
    create: bool = False
    #: values, once cleaned, by which the row is passed over; "empty" is a cell without any
    skip_if: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A saved mapping."""

    name: str
    entity: str
    label: Label
    columns: tuple[ImportColumn, ...]
    #: each tells a record: one field, or several together
    match: tuple[tuple[str, ...], ...] = ()
    mode: str = "upsert"
    rules: str = "off"
    place: Place | None = None


class MatchKeys(Value):
    """Fields that tell a record, each alone; a list within the list goes together."""

    takes = "a field, or a list of fields and of lists of fields"

    def read(self, value: Any, key: str) -> tuple[tuple[str, ...], ...]:
        listed = value if isinstance(value, list) else [value]
        keys = [one if isinstance(one, list) else [one] for one in listed]
        if not all(one and all(isinstance(name, str) for name in one) for one in keys):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple(tuple(one) for one in keys)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a name, or a list of names and lists of names."""
        names = {"type": "array", "items": {"type": "string"}}
        either = {"anyOf": [{"type": "string"}, names]}
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": either}]}


class CleaningSteps(Texts):
    """What is done to a text before its field reads it, in this order."""

    takes = "steps among " + ", ".join(f"`{word}`" for word in CLEANING)

    def read(self, value: Any, key: str) -> tuple[str, ...]:
        steps = super().read(value, key)
        for step in steps:
            if step not in CLEANING:
                hint = did_you_mean(nearest(step, CLEANING), CLEANING)
                raise refuse(f"`{key}` cannot be `{step}`. {hint}", Code.unknown_word)
        return steps


class TakenPart(Value):
    """Which part of a text that is cut: 1 is the first, -1 the last; `all` makes a list."""

    takes = "a number such as `1` or `-1`, or `all`"

    def read(self, value: Any, key: str) -> int:
        text = str(value)
        if text == "all":
            return 0
        if not text.removeprefix("-").isdigit() or int(text) == 0:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.")
        return int(text)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a number or `all`."""
        return {"anyOf": [{"type": "integer"}, {"const": "all"}]}


class Replaced(Value):
    """What is written in the file, each with what becomes of it."""

    takes = "a table: what is written in the file, and what becomes of it"

    def read(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict) or any(isinstance(one, dict) for one in value.values()):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.not_a_table)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a table."""
        return {"type": "object"}


class ColumnSchema(Definition):
    """Where a column goes, when more is to be said than the field."""

    noun = "The column"
    example = """
field: level
clean: [half_width, trim]
map: {重点: a, 普通: b}
else: c
"""

    field = Plain("The field: `name`, a part (`address.city`), or `contact.name`.", required=True)
    clean = CleaningSteps("What is done to the text first, in this order; `trim` without it.")
    map = Replaced("What is written in the file, and what becomes of it.")
    by = Word("How a linked record or a person is told.", among=TOLD_BY)
    default = Written("In place of an empty value; `=me` and the like are worked out.")
    split = Plain("Cut the text at this.")
    take = TakenPart("The part that is taken after the cut: 1 is the first, -1 the last, or `all`.")
    join = Texts("Other columns whose texts are put behind.")
    between = Plain("What stands between them; a blank without it.")
    create = Switch("A linked record that is not there is made, with the text as its title.")
    skip_if = Texts("Values by which the row is passed over; `empty` is a cell with nothing in it.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse what has no use without another key."""
        del values
        for key, needs in (("take", "split"), ("between", "join")):
            if key in data and needs not in data:
                complaint = Complaint(f"`{key}` says nothing without `{needs}`.", Code.missing_key)
                raise ma.ValidationError({key: [complaint]})


add_keys(ColumnSchema, {"else": Written("In place of a value that is not in `map`, or not found.")})


class Columns(Value):
    """The columns of the file by their headings."""

    takes = "headings, each with a field or with settings"
    of = Part(ColumnSchema(), "A column.")

    def read(self, value: Any, key: str) -> dict[str, dict[str, Any]]:
        if not isinstance(value, dict) or not value:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        found: dict[str, dict[str, Any]] = {}
        messages: dict[str, Any] = {}
        for heading, inner in value.items():
            if isinstance(inner, str):
                found[heading] = {"field": inner}
                continue
            try:
                found[heading] = ColumnSchema().read(inner, f"The column `{heading}`")
            except ma.ValidationError as error:
                messages[heading] = error.messages
        if messages:
            raise ma.ValidationError(messages)
        return found

    def json_schema(self) -> dict[str, Any]:
        """Return that each is a field, or settings."""
        either = {"anyOf": [{"type": "string"}, self.of.json_schema()]}
        return {"type": "object", "additionalProperties": either}


class ImportSchema(Definition):
    """A saved mapping: what the columns of a file become."""

    noun = "the import"
    example = """
import: old-crm
into: customer
match: [code]
mode: upsert
rules: silent
columns:
  客户名称: name
  电话: {field: phones, clean: [half_width, phone]}
  级别: {field: level, map: {重点: a, 普通: b}, else: c}
  负责人: {field: owner, by: email, else: =me}
  联系人: contact.name
"""

    into = Name("The entity.", required=True)
    label = Labels("What people read; without one it is made from the name.")
    match = MatchKeys("What tells a record: fields, each alone; a list in the list goes together.")
    mode = Word(
        "What becomes of a row whose record is there: `create` refuses it, `update` changes it "
        "(and refuses new ones), `upsert` changes it or makes a new one, `fill` fills what is "
        "empty, `skip` leaves it alone.",
        "upsert",
        among=MODES,
    )
    rules = Word(
        "Whether rules fire: `run`, `silent` (fields are set, nothing is sent) or `off`.",
        "off",
        among=RULES,
    )
    columns = Columns("The columns by their headings; others are left out.", required=True)


add_keys(ImportSchema, {"import": Plain("Its name.", required=True)})


def bind_imports(
    shop: Workshop, written_: list[tuple[Document, dict[str, Any]]]
) -> Mapping[str, ImportMapping]:
    """Return the saved mappings by name; what is wrong with one is noted in the workshop."""
    made = (bind_import(shop, document, values) for document, values in written_)
    return MappingProxyType({one.name: one for one in made if one is not None})


def bind_import(
    shop: Workshop, document: Document, values: Mapping[str, Any]
) -> ImportMapping | None:
    """Return one mapping; None where its entity is none."""
    name, entity = values["import"], values["into"]
    is_name(shop, document, "import", name)
    draft = shop.drafts.get(entity)
    if draft is None or draft.lines_of:
        shop.unknown_entity(document, ("into",), entity, f"`{entity}` is not an entity.")
        return None
    return _Binding(shop, document, draft).bind(name, values)


class _Binding:
    """One mapping, looked at beside its entity."""

    def __init__(self, shop: Workshop, document: Document, draft: Draft) -> None:
        self.shop, self.document, self.draft = shop, document, draft
        roots = {"me": USER, "my": my_type(shop.roles)}
        roots["app"] = Type(Kind.parts, parts=shop.app_values)
        self.site = Site(shop, document, CatalogScope(shop, None, roots))

    def bind(self, name: str, values: Mapping[str, Any]) -> ImportMapping:
        columns = [self._column(heading, one) for heading, one in values["columns"].items()]
        found = tuple(one for one in columns if one is not None)
        match = values.get("match", ())
        paths = {one.path for one in found}
        for key in match:
            for path in key:
                self._check_key(path, paths)
        return ImportMapping(
            name=name,
            entity=self.draft.name,
            label=values.get("label") or label_from_name(name),
            columns=found,
            match=match,
            mode=values.get("mode", "upsert"),
            rules=values.get("rules", "off"),
            place=self.document.place(),
        )

    def _check_key(self, path: str, brought: set[str]) -> None:
        if not has_field(self.draft, self.shop, path):
            refuse_field(
                self.shop, self.draft, self.document, ("match",), path.split(".", maxsplit=1)[0]
            )
        elif path not in brought:
            message = f"No column goes to `{path}`, so no record can be told by it."
            hint = "Add the column, or match by another field."
            self.shop.problem(Code.conflicting_keys, self.document, ("match",), message, hint)

    def _column(self, heading: str, values: Mapping[str, Any]) -> ImportColumn | None:
        dotted = values["field"]
        if dotted == LEFT_OUT:
            skips = values.get("skip_if", ())
            clean = values.get("clean", ("trim",))
            return ImportColumn(heading, LEFT_OUT, clean, skip_if=skips) if skips else None
        here: Path = ("columns", heading)
        inner = self.document.data["columns"][heading]
        where = (*here, "field") if isinstance(inner, dict) else here
        goes_to = self._field(where, dotted)
        if goes_to is None:
            return None
        if values.get("create"):
            self._check_made((*here, "create"), goes_to)
        return ImportColumn(
            column=heading,
            path=dotted,
            clean=values.get("clean", ("trim",)),
            map=values.get("map", {}),
            otherwise=self._given((*here, "else"), values, goes_to),
            by=values.get("by"),
            default=self._given((*here, "default"), values, goes_to),
            split=values.get("split"),
            take=values.get("take", 1),
            join=values.get("join", ()),
            between=values.get("between", " "),
            create=values.get("create", False),
            skip_if=values.get("skip_if", ()),
        )

    def _check_made(self, where: Path, goes_to: Field) -> None:
        """Refuse to make what is no record, or has no title to be written."""
        draft = self.shop.drafts.get(str(goes_to.settings.get("to", "")))
        title = None
        if draft is not None and not draft.lines_of:
            called = (draft.values.get("title"), "name", "title")
            title = next((draft.fields[one] for one in called if one in draft.fields), None)
        if title is None or not title.type.writable:
            message = f"What `{goes_to.name}` names cannot be made by its title alone."
            self.shop.problem(Code.wrong_field_type, self.document, where, message)

    def _field(self, where: Path, dotted: str) -> Field | None:
        """Return the field a column goes to; of this entity, or of one that links here."""
        draft, (first, _, rest) = self.draft, dotted.partition(".")
        if first not in draft.fields and rest and first in self.shop.drafts:
            links = [e for e, _ in self.shop.links_here(draft.name)]
            if first not in links:
                message = f"`{first}` has no link to `{draft.name}`, so a row cannot bring one."
                self.shop.problem(Code.not_a_link, self.document, where, message)
                return None
            draft, first, dotted = self.shop.drafts[first], rest.partition(".")[0], rest
        if not has_field(draft, self.shop, dotted):
            refuse_field(self.shop, draft, self.document, where, first)
            return None
        found = draft.fields[first]
        if not found.type.writable or found.type.name == "lines":
            message = f"`{draft.name}.{first}` cannot be brought by a file."
            self.shop.problem(Code.wrong_field_type, self.document, where, message)
            return None
        if found.built_in and first not in BROUGHT:
            message = f"`{first}` is kept by the system."
            self.shop.problem(Code.wrong_field_type, self.document, where, message)
            return None
        return found

    def _given(self, path: Path, values: Mapping[str, Any], goes_to: Field) -> Given | None:
        key = path[-1]
        if key not in values:
            return None
        wrote = values[key]
        # What names a record or a person is found only when it is imported.
        reads = None if goes_to.type.targets(goes_to) else goes_to
        return bind_given(self.site, path, wrote, reads, None)
