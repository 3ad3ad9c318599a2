"""Links to several records, people or departments in one field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.expressions.types import Type, many
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.reading import check_count, read_list
from app.fields.relations import Department, Link, One, User, read_id
from app.fields.settings import (
    Setting,
    WholeNumber,
)
from app.texts import Label, say


class Many(FieldType):
    """Base of the types whose value is several other records."""

    many: ClassVar[bool] = True
    control: ClassVar[str] = "links"
    single: ClassVar[One]
    most: ClassVar[int] = 200

    def settings(self) -> dict[str, Setting]:
        """Return those of one, and how many there may be."""
        single = self.single.settings()
        single.pop("tree", None)
        return {
            **single,
            "max": WholeNumber("The greatest number of them.", self.most, least=1, most=2000),
        }

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entity they belong to."""
        return self.single.targets(field)

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the numbers, empty rather than missing."""
        return (Column(field.name, ARRAY(sa.BigInteger()), not_null=True, default="'{}'"),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is many records."""
        return many(self.single.value_type(field))

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> list[int] | None:
        """Return the numbers, each once, in the order given."""
        members = [raw] if isinstance(raw, int | Mapping) else read_list(raw, context)
        ids = (read_id(one, strict=context.strict) for one in members)
        values = list(dict.fromkeys(one for one in ids if one is not None))
        check_count(values, field.settings.get("max", self.most))
        return values or None

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the list."""
        return {field.name: list(value or ())}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the list, or None where it has no member."""
        return row[field.name] or None

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the list."""
        return [] if value is None else list(value)

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the numbers; whoever knows the titles shows those."""
        return ", ".join(f"#{one}" for one in value or ())

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return stars where there is any."""
        return super().mask(field, sa.func.nullif(column, sa.text("'{}'::bigint[]")))

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by one of several."""
        return filters.MANY

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: records are found by their own titles."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a list of numbers."""
        return {"type": "array", "items": self.single.json_schema(field), "uniqueItems": True}

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that one becomes a list of it."""
        empty = sa.text("'{}'::bigint[]")
        listed = converting.conversion(
            lambda column: sa.func.coalesce(converting.list_of_one(sa.BigInteger())(column), empty),
            converting.always,
        )
        ones = [name for name in self.single.conversions(field) if not name.endswith("s")]
        return {**dict.fromkeys(ones, listed), self.name: converting.same()}


class Links(Many):
    """Several records of another entity."""

    name: ClassVar[str] = "links"
    label: ClassVar[Label] = say("Links", "多选关联")
    help: ClassVar[str] = "Several records of another entity. With columns of their own: `lines`."
    single: ClassVar[One] = Link()
    example: ClassVar[str] = "products: {type: links, to: product}"
    example_json: ClassVar[Any] = [4711, 4712]


class Users(Many):
    """Several people."""

    name: ClassVar[str] = "users"
    label: ClassVar[Label] = say("Users", "多选人员")
    help: ClassVar[str] = "Several people of the company."
    control: ClassVar[str] = "users"
    single: ClassVar[One] = User()
    example: ClassVar[str] = "participants: {type: users}"
    example_json: ClassVar[Any] = [7, 9]

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by people, me among them."""
        return (filters.HAS_ME, *super().operators(field))


class Departments(Many):
    """Several departments."""

    name: ClassVar[str] = "departments"
    label: ClassVar[Label] = say("Departments", "多选部门")
    help: ClassVar[str] = "Several departments of the company."
    control: ClassVar[str] = "departments"
    single: ClassVar[One] = Department()
    example: ClassVar[str] = "visible_to: {type: departments}"
    example_json: ClassVar[Any] = [3]
