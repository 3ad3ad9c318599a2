"""The schemas of the entity part: what an author may write, key by key.

One marshmallow schema per definition. The help texts here are the reference in
``docs/reference/keys.md`` and the descriptions editors show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.definitions.catalog import RIGHTS
from app.definitions.complaints import Complaint, complain
from app.definitions.names import RESERVED_FIELDS, RESERVED_LINE_FIELDS, RESERVED_ROLES
from app.definitions.options import OptionsSetting
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Definition, Items, Labels, Part, Table, Value, read_setting
from app.definitions.words import Condition, Right, Scope, SortKeys, Texts
from app.fields.base import FieldTypes
from app.fields.masking import MASKS
from app.fields.settings import (
    ExactNumber,
    ExpressionText,
    Name,
    Names,
    Plain,
    Setting,
    Switch,
    Word,
    Written,
    refuse,
    written,
)


class FieldSchema(Definition):
    """The settings every field has, whatever its type."""

    noun = "a field"

    label = Labels("What people read; without one it is made from the name.")
    help = Labels("A sentence below the field in the form.")
    placeholder = Labels("Shown in the empty control.")
    required = Condition("It must be filled: `yes`, or a condition.")
    default = Written(
        "The value of a new record; `=` before an expression.",
        takes="a value or `=` and an expression",
    )
    readonly = Condition("It cannot be typed into: `yes`, or a condition.")
    show = ExpressionText("The condition under which the form shows it.")
    search = Switch("The search box finds records by it.")
    index = Switch("The database keeps an index on it, for filters that are used often.")
    unique = Switch("No two records have the same value; empty ones may repeat.")
    personal = Switch("It is personal data, listed as such and anonymised on request.")
    mask = Word("What a role sees that has it `masked`.", among=MASKS)
    was = Names("Its former name: the data moves along.")
    removed = Switch("It is hidden everywhere and its data is kept.")


class FieldSchemas:
    """The schema of a field by its type, built when first asked for."""

    def __init__(self, types: FieldTypes) -> None:
        self.types = types
        self._schemas: dict[str, Definition] = {}
        self._own: dict[str, dict[str, Setting]] = {}
        self._defaults: dict[str, dict[str, Any]] = {}

    def schema(self, type_name: str) -> Definition:
        """Return the schema of fields of a type, without the `type` key itself."""
        if type_name not in self._schemas:
            own = self.own(type_name)
            made = type(f"{type_name}_field", (FieldSchema,), {**own, "noun": "a field"})
            self._schemas[type_name] = made()
        return self._schemas[type_name]

    def own(self, type_name: str) -> Mapping[str, Setting]:
        """Return the settings of the type alone."""
        if type_name not in self._own:
            own: dict[str, Any] = dict(self.types[type_name].settings())
            if "options" in own:
                own["options"] = OptionsSetting(
                    own["options"].help, required=own["options"].required
                )
            if type_name == "lines":
                own.update(self._lines())
            self._own[type_name] = own
        return self._own[type_name]

    def defaults(self, type_name: str) -> Mapping[str, Any]:
        """Return what the type's settings are when they are not written."""
        if type_name not in self._defaults:
            self._defaults[type_name] = {
                name: None if setting.load_default is ma.missing else setting.load_default
                for name, setting in self.own(type_name).items()
            }
        return self._defaults[type_name]

    def _lines(self) -> dict[str, Setting]:
        return {
            "fields": Table(
                FieldPart(self),
                "The fields of a row, by name.",
                noun="a field",
                reserved=RESERVED_LINE_FIELDS,
                required=True,
            ),
            "checks": Items(
                Part(CheckSchema(), "One check."), "Conditions every row must meet.", noun="a check"
            ),
            "unique": Items(
                Texts("Fields that together do not repeat."),
                "Fields whose values do not repeat within the record.",
            ),
            "totals": Texts("The fields that are added up below the table."),
        }


class FieldPart(Value):
    """A field: its type tells which settings it has."""

    takes = "a field: `{type: …}`"

    def __init__(self, schemas: FieldSchemas) -> None:
        self.schemas = schemas
        super().__init__("The field.")

    def read(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refuse(
                f"The field `{key}` is {written(value)}; it must be {self.takes}.",
                Code.wrong_shape,
            )
        rest = dict(value)
        type_name = rest.pop("type", None)
        if type_name is None:
            raise ma.ValidationError(
                {
                    "type": [
                        Complaint(
                            f"The field `{key}` has no `type`.",
                            Code.missing_key,
                            "Add it, for example `type: text`.",
                        )
                    ]
                }
            )
        types = self.schemas.types
        if not isinstance(type_name, str) or type_name not in types:
            close = nearest(str(type_name), types.names())
            raise ma.ValidationError(
                {
                    "type": [
                        Complaint(
                            f"{written(type_name)} is not a field type.",
                            Code.unknown_field_type,
                            did_you_mean(close, types.names(), "Types"),
                            close,
                        )
                    ]
                }
            )
        values = self.schemas.schema(type_name).read(rest, f"The field `{key}`")
        values["type"] = type_name
        return values

    def json_schema(self) -> dict[str, Any]:
        """Return where editors find the field types."""
        return {"$ref": "#/$defs/field"}


class CheckSchema(Definition):
    """A condition a record must meet."""

    noun = "a check"

    if_ = ExpressionText("When it is asked; always, without.")
    must = ExpressionText("What must be true.", required=True)
    message = Labels("What is said when it is not.")
    then = Word("`refuse` the record, or only `warn`.", "refuse", among=("refuse", "warn"))


# `if` and `for` are words of Python, so their settings get their names here.
def _with_python_words(schema: type[Definition], **settings: Setting) -> None:
    for name in settings:
        schema._declared_fields.pop(name, None)
    schema._declared_fields.update(
        {name.rstrip("_"): setting for name, setting in settings.items()}
    )


_with_python_words(CheckSchema, if_=ExpressionText("When it is asked; without it, always."))


class DuplicateSchema(Definition):
    """Records that may be the same thing twice."""

    noun = "a duplicate rule"

    same = Names("Fields of which one equal value is enough.")
    similar = Name("A field whose texts are compared for likeness.")
    at_least = ExactNumber("How alike, from 0 to 1; without it 0.85.")
    also_in = Texts("Fields of other entities to look in: `lead.mobile`.")
    then = Word("`warn`, or `refuse` the record.", "warn", among=("warn", "refuse"))

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for one way to compare, and a share for likeness."""
        del data
        if ("same" in values) == ("similar" in values):
            raise complain(
                Code.conflicting_keys,
                "A duplicate rule has either `same` or `similar`.",
                "Write `same: [phones]`, or `similar: name`.",
            )
        share = values.get("at_least")
        if share is not None and not 0 < share <= 1:
            raise ma.ValidationError(
                {
                    "at_least": [
                        Complaint(
                            f"`at_least` is {share}; it must be above 0 and at most 1.",
                            Code.out_of_range,
                        )
                    ]
                }
            )


class RoleAccessSchema(Definition):
    """What one role may do with the entity."""

    noun = "a role's access"

    scope = Scope("Which records.")


for _right in RIGHTS:
    RoleAccessSchema._declared_fields[_right] = Right(
        f"Whether, or which, records may be: `{_right}`."
    )


class FieldRights(Value):
    """Rights on fields by role."""

    takes = "fields with a right per role: `{credit: {sales: hidden}}`"

    def read(self, value: Any, key: str) -> Any:
        if not isinstance(value, dict):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        messages: dict[str, Any] = {}
        for field, by_role in value.items():
            if not isinstance(by_role, dict):
                messages[field] = [
                    Complaint(
                        f"`{field}` is {written(by_role)}; it must name a right per role.",
                        Code.wrong_shape,
                        "Write `{sales: hidden}`.",
                    )
                ]
                continue
            for role, right in by_role.items():
                if right not in FIELD_RIGHTS:
                    close = nearest(str(right), FIELD_RIGHTS)
                    messages.setdefault(field, {})[role] = [
                        Complaint(
                            f"{written(right)} is not a right on a field.",
                            Code.unknown_word,
                            did_you_mean(close, FIELD_RIGHTS),
                            close,
                        )
                    ]
        if messages:
            raise ma.ValidationError(messages)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return the rights by field and role."""
        rights = {"type": "object", "additionalProperties": {"enum": list(FIELD_RIGHTS)}}
        return {"type": "object", "additionalProperties": rights}


FIELD_RIGHTS = ("hidden", "masked", "read", "edit")


class Access(Table):
    """Rights by role, with `inherit` and `fields` beside the roles."""

    takes = "rights by role"

    def __init__(self) -> None:
        super().__init__(
            Part(RoleAccessSchema(), "A role's access."),
            "Who may do what, by role; what is not said here comes from roles.yaml.",
            noun="the role",
        )
        self.fields = FieldRights("Rights on fields, by field and role; `else` for all others.")
        self.inherit = Names("Entities whose record, once visible, makes this one visible too.")
        self.inherit.name = "inherit"

    def read_one(self, name: str, inner: Any) -> Any:
        """Return a role's rights, the fields' rights, or the entities inherited from."""
        if name == "fields":
            return self.fields.read(inner, name)
        if name == "inherit":
            return read_setting(self.inherit, inner, name)
        if isinstance(inner, str):
            raise refuse(
                f"The role `{name}` is {written(inner)}; it must be rights such as "
                "`{scope: own, update: yes}`.",
                Code.wrong_shape,
            )
        return super().read_one(name, inner)

    def json_schema(self) -> dict[str, Any]:
        """Return the rights by role with the two keys that are no roles."""
        schema = super().json_schema()
        schema["properties"] = {
            "fields": self.fields.json_schema() | {"description": self.fields.help},
            "inherit": self.inherit.json_schema() | {"description": self.inherit.help},
        }
        return schema


class ListSchema(Definition):
    """The list of records."""

    noun = "`list`"

    columns = Texts("The fields shown, in order; a part as `address.city`.")
    sort = SortKeys("By which field, `-` before it for downwards.")
    filters = Texts("The fields offered as filters.")


class ViewSchema(Definition):
    """A list with a condition of its own."""

    noun = "a view"

    label = Labels("Its name in the list of views.")
    where = ExpressionText("The records in it.")
    columns = Texts("The fields shown; without them those of the list.")
    sort = SortKeys("By which field; without it as the list.")


_with_python_words(ViewSchema, for_=Names("The roles that see it; without it all."))


class BoardSchema(Definition):
    """Cards in columns."""

    noun = "`board`"

    by = Name("The choice or stage whose options are the columns.", required=True)
    cards = Texts("The fields on a card below the title.")


class CalendarSchema(Definition):
    """Records on a calendar."""

    noun = "`calendar`"

    to = Name("The field in which it ends.")
    all_day = Name("The switch for whole days; `yes` where every one is.")


_with_python_words(CalendarSchema, from_=Name("The field in which it begins.", required=True))


class FormRows(Value):
    """Rows of a form: a field alone, or up to four side by side."""

    takes = "a list of fields; `[a, b]` puts two side by side"

    def read(self, value: Any, key: str) -> tuple[tuple[str, ...], ...]:
        if not isinstance(value, list):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        rows: list[tuple[str, ...]] = []
        for index, row in enumerate(value):
            names = row if isinstance(row, list) else [row]
            if not names or len(names) > 4 or not all(isinstance(name, str) for name in names):
                raise ma.ValidationError(
                    {
                        index: [
                            Complaint(  # type: ignore[dict-item]
                                f"A row of a form is {written(row)}; it must be one to four fields.",
                                Code.wrong_shape,
                            )
                        ]
                    }
                )
            rows.append(tuple(names))
        return tuple(rows)

    def json_schema(self) -> dict[str, Any]:
        """Return a list of names and of short lists of names."""
        row = {"type": "array", "items": {"type": "string"}, "maxItems": 4}
        return {"type": "array", "items": {"anyOf": [{"type": "string"}, row]}}


class SectionSchema(Definition):
    """A part of the form."""

    noun = "a section"

    section = Labels("Its heading.")
    show = ExpressionText("The condition under which it is shown.")


SectionSchema._declared_fields["fields"] = FormRows("Its fields, row by row.", required=True)


class ScreensSchema(Definition):
    """How the records look."""

    noun = "`screens`"

    list = Part(ListSchema(), "The list.")
    views = Table(
        Part(ViewSchema(), "A view."), "Saved lists for everybody, by name.", noun="the view"
    )
    board = Part(BoardSchema(), "Cards in columns.")
    form = Items(
        Part(SectionSchema(), "A section."), "The form, section by section.", noun="A section"
    )
    related = Texts("The lists below a record: the entity and its link, `contact.customer`.")
    calendar = Part(CalendarSchema(), "The records on a calendar.")
    tree = Name("The link to the record above; shows the list as a tree.")


class EntitySchema(Definition):
    """A kind of record."""

    noun = "the entity"

    entity = Plain("Its name.")
    extend = Plain("The entity to add to, instead of `entity`.")
    label = Labels("What people read; without one it is made from the name.")
    plural = Labels("The name of many of them; without one the label.")
    icon = Plain("The name of an icon of Tabler's set, for example `building`.")
    title = Name("The field or formula that names a record in lists and links.")
    owned = Switch("A record has an owner.", default=True)
    single = Switch("There is exactly one record.")
    was = Names("Its former name: the data moves along.")
    checks = Items(
        Part(CheckSchema(), "A check."), "Conditions every record must meet.", noun="A check"
    )
    unique = Items(Texts("Fields."), "Fields that together do not repeat: `[[name, city]]`.")
    duplicates = Items(
        Part(DuplicateSchema(), "A rule."),
        "How to find the same thing twice.",
        noun="A duplicate rule",
    )
    access = Access()
    screens = Part(ScreensSchema(), "Lists, views, the board and the form.")


def entity_schema(schemas: FieldSchemas) -> Definition:
    """Return the schema of an entity whose fields may have these types."""
    fields = Table(
        FieldPart(schemas), "Its fields, by name.", noun="a field", reserved=RESERVED_FIELDS
    )
    return type("entity_of_types", (EntitySchema,), {"fields": fields})()  # type: ignore[no-any-return]


class RoleSchema(Definition):
    """Who people are, and what they may do by default."""

    noun = "a role"

    label = Labels("What people read.")
    scope = Scope("Which records, in every entity that says nothing else.")
    may = Names("What may be done with them.", among=RIGHTS)
    admin = Switch("May everything, the configuration included.")
    home = Plain("The page shown after signing in: a dashboard, or an entity.")
    was = Names("Its former name.")


_with_python_words(
    RoleSchema, is_=Name("The role it builds on: what is not said here is as there.")
)


class RolesSchema(Definition):
    """roles.yaml."""

    noun = "roles.yaml"

    roles = Table(
        Part(RoleSchema(), "A role."),
        "The roles, by name.",
        noun="a role",
        reserved=RESERVED_ROLES,
        required=True,
    )


class OptionListsSchema(Definition):
    """options.yaml."""

    noun = "options.yaml"

    options = Table(
        OptionsSetting("A list of options."),
        "Lists of options that several fields share.",
        noun="a list of options",
        required=True,
    )
