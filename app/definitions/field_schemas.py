"""The schema of a field: what every field has, and what its type adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.definitions.complaints import Complaint
from app.definitions.names import RESERVED_LINE_FIELDS
from app.definitions.options import OptionsSetting
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Definition, Items, Labels, Part, Table, Value, add_keys
from app.definitions.words import Condition, Texts
from app.fields.base import FieldTypes
from app.fields.masking import MASKS
from app.fields.settings import (
    ExpressionText,
    Names,
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
    example = """
label: {en: Source, zh: 来源}
help: {en: Where we met., zh: 在哪里认识的。}
required: level == 'a'
search: yes
"""

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
    example = """
if: level == 'a'
must: credit > 0
message: {en: A key customer needs credit., zh: 重点客户需要信用额度。}
then: warn
"""

    must = ExpressionText("What must be true.", required=True)
    message = Labels("What is said when it is not.")
    then = Word("`refuse` the record, or only `warn`.", "refuse", among=("refuse", "warn"))


add_keys(CheckSchema, {"if": ExpressionText("When it is asked; without it, always.")})
