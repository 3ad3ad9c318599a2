"""How the steps that make, change and delete other records are written."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.definitions.complaints import Complaint, at_key, one_of
from app.definitions.problems import Code, quoted
from app.definitions.shape import Definition, Value
from app.definitions.words import Texts
from app.definitions.workflow_settings import Givens
from app.fields.settings import ExpressionText, Name, Names, Plain, Switch, refuse, written


class Rows(Value):
    """Rows written here, or the name of lines of the record."""

    takes = "a list of rows such as `[{share: 30}, {share: 70}]`, or a field of lines"

    def read(self, value: Any, key: str) -> Any:
        if isinstance(value, str):
            return value
        if not isinstance(value, list) or not value or not all(isinstance(r, dict) for r in value):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        names = list(value[0])
        for index, row in enumerate(value):
            if list(row) != names:
                sentence = f"The rows of `{key}` must have the same keys: {quoted(names)}."
                raise ma.ValidationError({index: [Complaint(sentence, Code.wrong_shape)]})
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is rows or a name."""
        rows = {"type": "array", "items": {"type": "object"}}
        return {"anyOf": [{"type": "string"}, rows]}


class CreateSchema(Definition):
    """A new record."""

    noun = "`create`"
    example = """
entity: customer
name: customer
match: [phones]
copy: [source, address]
set: {name: =record.name}
carry: [timeline, files]
"""

    entity = Name("Of which entity.", required=True)
    set = Givens("The values of its fields.")
    name = Name("What later steps call it: `new.customer`.")
    match = Texts("If there is a record that is equal in these fields, it is taken instead.")
    copy = Texts("Fields that are taken over from the record at hand.")
    each = Rows("One record for each: rows written here, or a field of lines; `each.` is the row.")
    carry = Names("What moves along from the record at hand.", among=("timeline", "files"))
    open = Switch("The new record is shown to whoever pressed the button.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for some value."""
        del data
        if not values.keys() & {"set", "copy"}:
            raise ma.ValidationError(
                {"set": [Complaint("`create` gives no field a value.", Code.missing_key,
                                   "Add `set: {name: =record.name}`.")]}
            )  # fmt: skip


class _Others(Definition):
    """Records that are found by a condition, or the lines of the record at hand."""

    entity = Name("Of which entity; left out with `each`.")
    where = ExpressionText("Which records; `record.` is the one at hand.")
    each = Plain("The field of lines whose rows are meant.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for a condition: everything is never meant."""
        which = one_of(data, ("where", "each"), self.noun)
        if which == "where" and "entity" not in values:
            raise ma.ValidationError(
                {"entity": [Complaint(f"{self.noun} has no `entity`.", Code.missing_key,
                                      "Say which records `where` looks among.")]}
            )  # fmt: skip
        if which == "each" and "entity" in values:
            sentence = "`each` means rows of the record at hand, so `entity` has no place here."
            raise at_key("entity", sentence, Code.conflicting_keys, "Remove it.")


class UpdateSchema(_Others):
    """Changes to other records."""

    noun = "`update`"
    example = """
entity: task
where: about == record and status == 'open'
set: {status: cancelled}
"""

    set = Givens("The values of fields.", required=True)


class DeleteSchema(_Others):
    """Records that go to the bin."""

    noun = "`delete`"
    example = """
entity: task
where: about == record and status == 'open'
"""
