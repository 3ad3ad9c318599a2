"""The schemas of the entity part: what an author may write, key by key.

One marshmallow schema per definition. The help texts here are the reference in
``docs/reference/keys.md`` and the descriptions editors show.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.definitions.catalog import RIGHTS
from app.definitions.complaints import Complaint, complain
from app.definitions.field_schemas import CheckSchema, FieldPart, FieldSchemas
from app.definitions.names import RESERVED_FIELDS, RESERVED_ROLES
from app.definitions.options import OptionsSetting
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.screen_schemas import ScreensSchema
from app.definitions.shape import (
    Definition,
    Items,
    Labels,
    Part,
    Table,
    Value,
    add_keys,
    read_setting,
)
from app.definitions.words import Right, Scope, Texts
from app.fields.settings import (
    ExactNumber,
    ExpressionText,
    Name,
    Names,
    Plain,
    Switch,
    Word,
    refuse,
    written,
)


class DuplicateSchema(Definition):
    """Records that may be the same thing twice."""

    noun = "a duplicate rule"
    example = """
same: [phones]
also_in: [lead.mobile]
then: refuse
"""

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
    example = """
scope: own
update: status == 'active'
export: no
"""

    scope = Scope("Which records.")


add_keys(
    RoleAccessSchema,
    {right: Right(f"Whether, or which, records may be: `{right}`.") for right in RIGHTS},
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


class EntitySchema(Definition):
    """A kind of record."""

    noun = "the entity"
    example = """
entity: customer
label: {en: Customer, zh: 客户}
icon: building
title: name
fields:
  name: {type: text, required: yes, max: 200, search: yes}
  level: {type: choice, options: {a: Key, b: Normal}, default: b}
checks:
  - {must: level is not empty, then: warn, message: A customer without a level}
unique: [[name, level]]
access:
  sales: {scope: own, create: yes, update: yes}
  fields:
    level: {sales: read}
"""

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
    keep = ExpressionText(
        "As long as this holds for a record, it is neither anonymised nor removed for good."
    )
    access = Access()
    screens = Part(ScreensSchema(), "Lists, views, the board and the form.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for fields: a file that was saved half-way must not mean to have none."""
        if not values.get("fields") and "entity" in data:
            what = f"The entity `{data['entity']}`"
            raise ma.ValidationError(
                {
                    "fields": [
                        Complaint(
                            f"{what} has no fields.",
                            Code.missing_key,
                            "Add them: `fields: {name: {type: text}}`.",
                        )
                    ]
                }
            )


def entity_schema(schemas: FieldSchemas) -> Definition:
    """Return the schema of an entity whose fields may have these types."""
    fields = Table(
        FieldPart(schemas), "Its fields, by name.", noun="a field", reserved=RESERVED_FIELDS
    )
    return type("entity_of_types", (EntitySchema,), {"fields": fields})()  # type: ignore[no-any-return]


class RoleSchema(Definition):
    """Who people are, and what they may do by default."""

    noun = "a role"
    example = """
label: {en: Sales manager, zh: 销售经理}
is: sales
scope: subordinates
may: [delete, share, merge, import, export]
"""

    label = Labels("What people read.")
    scope = Scope("Which records, in every entity that says nothing else.")
    may = Names("What may be done with them.", among=RIGHTS)
    admin = Switch("May everything, the configuration included.")
    home = Plain("The page shown after signing in: a dashboard, an entity, or `bench`.")
    was = Names("Its former name.")


add_keys(RoleSchema, {"is": Name("The role it builds on: what is not said here is as there.")})


class RolesSchema(Definition):
    """roles.yaml."""

    noun = "roles.yaml"
    example = """
roles:
  sales: {scope: own, may: [create, read, update, transfer]}
  admin: {admin: yes}
"""

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
    example = """
options:
  sources: [online, fair, referral]
  customer_levels: {a: {label: Key, color: red}, b: Normal}
"""

    options = Table(
        OptionsSetting("A list of options."),
        "Lists of options that several fields share.",
        noun="a list of options",
        required=True,
    )
