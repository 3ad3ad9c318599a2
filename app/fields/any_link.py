"""Links to one record of one of several entities."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

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
from app.fields.reading import read_line, shown, suggestion, wrong_kind
from app.fields.relations import ON_DELETE, read_id
from app.fields.settings import (
    Names,
    Setting,
    Word,
)
from app.texts import Label, say

_TARGET = re.compile(r"([a-z][a-z0-9_]*)\s*[:/#]\s*(\d{1,19})\Z", re.ASCII)


class Target(NamedTuple):
    """The value of an ``any_link``: which record of which entity."""

    entity: str
    id: int


class AnyLink(FieldType):
    """One record of one of several entities."""

    name: ClassVar[str] = "any_link"
    label: ClassVar[Label] = say("Any link", "任意关联")
    help: ClassVar[str] = (
        "One record of one of several entities. Through it the fields of all of them can be asked; "
        "what a target lacks is empty."
    )
    control: ClassVar[str] = "any_link"
    example: ClassVar[str] = "about: {type: any_link, to: [customer, lead], required: yes}"
    example_json: ClassVar[Any] = {"entity": "customer", "id": 4711}

    def settings(self) -> dict[str, Setting]:
        """Return the targets and what a deletion does."""
        return {
            "to": Names("The entities it may link to.", required=True),
            "on_delete": Word(
                "What happens when the other record is deleted, as for `link`.", among=ON_DELETE
            ),
        }

    def bind(self, settings: Mapping[str, Any], numbers: Mapping[str, int]) -> Mapping[str, Any]:
        """Return the settings with the targets' numbers, by which the database knows them."""
        known = {name: numbers[name] for name in settings["to"] if name in numbers}
        return {**settings, "numbers": known}

    def targets(self, field: FieldLike) -> tuple[str, ...]:
        """Return the entities it may link to."""
        return tuple(field.settings["to"])

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return the record's number and its entity's."""
        return (
            Column(field.name, sa.BigInteger()),
            Column(f"{field.name}__entity", sa.SmallInteger()),
        )

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it is a record of one of several entities."""
        return record_type(*self.targets(field))

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Target | None:
        """Return entity and number; as text ``customer:4711``."""
        entity: object = None
        if isinstance(raw, Mapping):
            if set(raw) - {"title"} != {"entity", "id"}:
                raise wrong_kind(raw, "`entity` and `id`", "`entity` 和 `id`")
            entity, raw = raw["entity"], raw["id"]
        elif raw is None or isinstance(raw, str):
            text = read_line(raw, strict=context.strict)
            if text is None:
                return None
            found = _TARGET.match(text)
            if context.strict or not found:
                raise wrong_kind(raw, "`entity` and `id`", "`entity` 和 `id`")
            entity, raw = found.groups()
        else:
            raise wrong_kind(raw, "`entity` and `id`", "`entity` 和 `id`")
        if not isinstance(entity, str) or entity not in self.targets(field):
            raise FieldError(
                say(
                    "This field does not link to “{entity}”.{hint}",
                    "本字段不能关联“{entity}”。{hint}",
                    entity=shown(str(entity)),
                    hint=suggestion(str(entity), self.targets(field)),
                ),
                "unknown-entity",
            )
        number = read_id(raw, strict=context.strict)
        return None if number is None else Target(entity, number)

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return both numbers."""
        numbers = field.settings["numbers"]
        entity = None if value is None else numbers[value[0]]
        return {field.name: value and value[1], f"{field.name}__entity": entity}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Target | None:
        """Return entity and number."""
        if row[field.name] is None:
            return None
        names = {number: name for name, number in field.settings["numbers"].items()}
        return Target(names[row[f"{field.name}__entity"]], row[field.name])

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return an object of both."""
        number = columns[field.name]
        entity = columns[f"{field.name}__entity"]
        names = [
            (entity == converting.constant(entity_number), converting.constant(name))
            for name, entity_number in field.settings["numbers"].items()
        ]
        both = converting.json_object(entity=sa.case(*names), id=number)
        return converting.when(number.is_not(None), both)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return an object of both."""
        return None if value is None else {"entity": value[0], "id": value[1]}

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return entity and number; whoever knows the title shows that."""
        return "" if value is None else f"{value[0]} #{value[1]}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by it."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: a record is found by its own title."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object of both."""
        return {
            "type": "object",
            "properties": {
                "entity": {"enum": list(self.targets(field))},
                "id": {"type": "integer", "minimum": 1},
                "title": {"type": "string", "readOnly": True},
            },
            "required": ["entity", "id"],
            "additionalProperties": False,
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that it stays itself; that every record's entity is still a target is checked."""
        return {"any_link": converting.same()}
