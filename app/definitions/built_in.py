"""What every record has without being asked: its fields, and the entities user and department."""

from __future__ import annotations

from typing import Final

from app.definitions.catalog import Field, Option
from app.fields.approval import COLORS, STATES, ApprovalType
from app.fields.base import FieldTypes
from app.texts import Label, say

#: name, type, label
_OF_EVERY_RECORD = (
    ("id", "integer", say("ID", "编号")),
    ("pool", "text", say("Public sea", "公海")),
    ("created_at", "datetime", say("Created at", "创建时间")),
    ("created_by", "user", say("Created by", "创建人")),
    ("updated_at", "datetime", say("Updated at", "更新时间")),
    ("updated_by", "user", say("Updated by", "更新人")),
    ("deleted_at", "datetime", say("Deleted at", "删除时间")),
    ("deleted_by", "user", say("Deleted by", "删除人")),
    ("version", "integer", say("Version", "版本")),
    ("tags", "tags", say("Tags", "标签")),
)
_OF_OWNED_RECORDS = (
    ("owner", "user", say("Owner", "负责人")),
    ("owner_department", "department", say("Owner's department", "所属部门")),
    ("owner_since", "datetime", say("Owner since", "负责开始时间")),
    ("previous_owner", "user", say("Previous owner", "前负责人")),
)
_OF_ROWS = (
    ("id", "integer", say("ID", "编号")),
    ("position", "integer", say("Position", "序号")),
    ("version", "integer", say("Version", "版本")),
)
#: Of the built-in fields, those a person may write.
WRITABLE = ("owner", "tags")
#: Those that are never empty.
FILLED = ("id", "created_at", "updated_at", "version", "position")


def built_in_fields(types: FieldTypes, *, owned: bool, approved: bool = False) -> dict[str, Field]:
    """Return the fields every record has.

    An owned one has those of its owner too, and one whose entity has an approval, where it stands.
    """
    first, *rest = _OF_EVERY_RECORD
    listed = [first, *(_OF_OWNED_RECORDS if owned else ()), *rest]
    fields = {name: _field(types, name, type_, label) for name, type_, label in listed}
    if approved:
        fields["approval"] = _approval_field()
    return fields


#: One for all: types are compared by identity where a catalog is built upon the one before.
_APPROVAL: Final = ApprovalType()


def _approval_field() -> Field:
    return Field(
        name="approval",
        label=_APPROVAL.label,
        type=_APPROVAL,
        readonly=True,
        built_in=True,
        options=tuple(Option(name, label, COLORS[name]) for name, label in STATES.items()),
    )


def row_fields(types: FieldTypes) -> dict[str, Field]:
    """Return the fields every row of lines has."""
    return {name: _field(types, name, type_, label) for name, type_, label in _OF_ROWS}


def _field(types: FieldTypes, name: str, type_name: str, label: Label) -> Field:
    field_type = types[type_name]
    settings = {
        key: setting.load_default
        for key, setting in field_type.settings().items()
        if not setting.required
    }
    return Field(
        name=name,
        label=label,
        type=field_type,
        settings=settings,
        readonly=name not in WRITABLE,
        built_in=True,
    )
