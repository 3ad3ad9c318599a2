"""Links to other records and to people.

A value is the other record's number; that it exists and may be seen is checked by the records room.
What only the definitions know they put into the settings: ``target_tree`` is the field by which the
target entity is a tree (for ``under()``), ``numbers`` the entities' numbers (by ``bind``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import Type, record_type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldError,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.normal import is_blank
from app.fields.reading import read_line, shown, wrong_kind
from app.fields.settings import (
    ExpressionText,
    Name,
    Setting,
    Switch,
    Word,
)
from app.texts import Label, say

#: The greatest number a record can have.
_MOST_ID = 2**63 - 1
_ID = re.compile(r"#?(\d{1,19})\Z", re.ASCII)
ON_DELETE = ("refuse", "clear", "cascade")


def read_id(raw: object, *, strict: bool) -> int | None:
    """Return a record's number; in JSON also out of ``{"id": 5, "title": …}`` as the API gives it.

    Raises:
        FieldError: it is none.
    """
    if isinstance(raw, Mapping) and "id" in raw:
        raw = raw["id"]
    if raw is None:
        return None
    number: int | None = None
    if isinstance(raw, int) and not isinstance(raw, bool):
        number = raw
    elif isinstance(raw, str) and (not strict or is_blank(raw)):
        text = read_line(raw, strict=strict)
        if text is None:
            return None
        found = _ID.match(text)
        number = int(found[1]) if found else None
    else:
        raise wrong_kind(raw, "the number of a record", "记录编号")
    if number is None or not 1 <= number <= _MOST_ID:
        raise FieldError(
            say(
                "“{value}” is not the number of a record.",
                "“{value}”不是记录编号。",
                value=shown(str(raw)),
            ),
            "not-a-record",
        )
    return number


class One(FieldType):
    """Base of the types whose value is one other record."""

    control: ClassVar[str] = "link"

    def settings(self) -> dict[str, Setting]:
        """Return what the picker offers and what a deletion does."""
        return {
            "where": ExpressionText(
                "Which records the picker offers; `record.` is the one at hand."
            ),
            "on_delete": Word(
                "What happens when the other record is deleted: `refuse` it, `clear` the field or "
                "`cascade`; else `refuse` for required fields and `clear` for others.",
                among=ON_DELETE,
            ),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the number, which must be a record's."""
        target = self.targets(field)[0]
        on_delete = field.settings.get("on_delete")
        return (Column(field.name, sa.BigInteger(), references=target, on_delete=on_delete),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a record."""
        return record_type(*self.targets(field), tree=str(field.settings.get("target_tree") or ""))

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> int | None:
        """Return the number."""
        return read_id(raw, strict=context.strict)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the number; whoever knows the title shows that."""
        return "" if value is None else f"#{value}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a record."""
        return (filters.IS, filters.IS_NOT, filters.ANY_OF, *filters.FILLED)

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: a record is found by its own title."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a number; with ``expand`` it is an object."""
        return {"type": "integer", "minimum": 1, "x-entity": self.targets(field)[0]}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that a list of at most one becomes it; to another entity nothing converts."""
        return {
            self.name: converting.same(),
            f"{self.name}s": converting.conversion(converting.one_of_list, converting.has_one),
        }


class Link(One):
    """One record of another entity."""

    name: ClassVar[str] = "link"
    label: ClassVar[Label] = say("Link", "关联")
    help: ClassVar[str] = (
        "One record of another entity. The other entity gets a related list of the records that "
        "link to it. With `tree: yes` and the own entity as target the records are a tree."
    )
    example: ClassVar[str] = "primary_contact: {type: link, to: contact, where: customer == record}"
    example_json: ClassVar[Any] = 4711

    def settings(self) -> dict[str, Setting]:
        """Return the target and what belongs to it."""
        return {
            "to": Name("The entity it links to.", required=True),
            "tree": Switch("The records are a tree by this link; it can have no circles."),
            **super().settings(),
        }

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entity it links to."""
        return (field.settings["to"],)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a record, with those below it where its entity is a tree."""
        has_tree = field.settings.get("tree") or field.settings.get("target_tree")
        own = super().operators(field)
        return (*own[:1], filters.UNDER, *own[1:]) if has_tree else own

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return those of one record; a user field is a link to `user` as well."""
        made = dict(super().conversions(field, time_zone))
        if field.settings["to"] in ("user", "department"):
            made[field.settings["to"]] = converting.same()
        return made


class User(One):
    """A person who signs in."""

    name: ClassVar[str] = "user"
    label: ClassVar[Label] = say("User", "人员")
    help: ClassVar[str] = "A person of the company, one of the entity `user`."
    control: ClassVar[str] = "user"
    example: ClassVar[str] = "consultant: {type: user, default: =me}"
    example_json: ClassVar[Any] = 7

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entity of people."""
        return ("user",)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a person, me among them."""
        return (filters.ME, filters.MY_PEOPLE, *super().operators(field))

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return those of one record."""
        return super().conversions(field, time_zone)


class Department(One):
    """A department."""

    name: ClassVar[str] = "department"
    label: ClassVar[Label] = say("Department", "部门")
    help: ClassVar[str] = "A department of the company, one of the entity `department`."
    control: ClassVar[str] = "department"
    example: ClassVar[str] = "unit: {type: department}"
    example_json: ClassVar[Any] = 3

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entity of departments."""
        return ("department",)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a record of a tree."""
        return record_type("department", tree="parent")

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by a department, those below it among them."""
        return (filters.UNDER, *super().operators(field))
