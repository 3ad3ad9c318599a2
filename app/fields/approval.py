"""Where a record stands in its approval: a field that records have whose entity has an approval.

Nobody writes it but the approvals themselves, so there is no way to declare one: `built_in` makes
it, and it is not among the types a configuration may name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import sqlalchemy as sa

from app.expressions.types import Kind, Type
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
    Part,
)
from app.texts import Label, say

#: In the order in which a record goes through them.
STATES: Mapping[str, Label] = {
    "draft": say("not submitted", "未提交"),
    "waiting": say("waiting", "审批中"),
    "approved": say("approved", "已通过"),
    "rejected": say("rejected", "已拒绝"),
    "withdrawn": say("withdrawn", "已撤回"),
}

COLORS: Mapping[str, str] = {
    "draft": "gray",
    "waiting": "yellow",
    "approved": "green",
    "rejected": "red",
    "withdrawn": "gray",
}


class ApprovalType(FieldType):
    """Where a record stands in its approval."""

    name: ClassVar[str] = "approval"
    label: ClassVar[Label] = say("Approval", "审批")
    writable: ClassVar[bool] = False
    control: ClassVar[str] = "approval"
    example_json: ClassVar[Any] = {"state": "waiting"}

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the state, which is never empty."""
        return (Column(field.name, sa.Text(), not_null=True, default="'draft'"),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it has parts."""
        return Type(Kind.parts, parts={part.name: part.type for part in self.parts(field)})

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return the state."""
        states = Type(Kind.choice, options=tuple(STATES), filled=True)
        return (Part("state", say("state", "状态"), states, field.name),)

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Read what history kept; people are refused before it comes to this.

        Raises:
            FieldError: it is no state of an approval.
        """
        state = raw.get("state") if isinstance(raw, Mapping) else raw
        if state not in STATES:
            raise FieldError(
                say(
                    "An approval is decided, not written: submit the record for approval.",
                    "审批状态不能填写，请提交审批。",
                ),
                "not-writable",
            )
        return {"state": state}

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the column; what has no approval yet is a draft."""
        return {field.name: value["state"] if isinstance(value, Mapping) else value or "draft"}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object with the state."""
        return {"state": row[field.name] or "draft"}

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return an object with the state."""
        return converting.json_object(state=columns[field.name])

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return an object with the state."""
        return None if value is None else {"state": value["state"]}

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the state's word."""
        return "" if value is None else STATES[value["state"]].in_language(language)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return the ways to filter by the state."""
        return tuple(
            replace(one, template=one.template.replace("{field}", "{field}.state"))
            for one in filters.CHOICES
        )

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for a state."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object nobody writes."""
        return {
            "type": "object",
            "readOnly": True,
            "properties": {"state": {"enum": list(STATES)}},
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that it stays itself."""
        return {"approval": converting.same()}
