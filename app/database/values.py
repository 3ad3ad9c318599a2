"""Values and kinds of fields as a plan writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import sqlalchemy as sa

from app.database import ddl
from app.database.physical import PhysicalColumn, constant_default
from app.definitions.catalog import Field


def fill_of(field: Field | None, columns: Sequence[PhysicalColumn]) -> dict[str, str]:
    """Return, by column, the SQL of what existing records get where a value is required.

    Only a default that is the same for every record counts; others are asked for at the next save,
    and so is what must differ between records.
    """
    if field is None or field.unique or not any(column.not_null for column in columns):
        return {}
    values = constant_default(field) or {}
    return {
        column.name: ddl.text_of(sa.literal(values[column.name], column.type))
        for column in columns
        if values.get(column.name) is not None
    }


class Kind(TypedDict):
    """What a field is, as a plan tells it; see `AddField`."""

    type_name: str | None
    target: str | None
    low: str | None
    high: str | None


def kind_of(field: Field | None) -> Kind:
    """Return what the field is; all None for what is built in."""
    if field is None:
        return {"type_name": None, "target": None, "low": None, "high": None}
    target, low, high = (field.settings.get(name) for name in ("to", "min", "max"))
    return {
        "type_name": field.type.name,
        "target": target if isinstance(target, str) else None,
        "low": None if low is None else str(low),
        "high": None if high is None else str(high),
    }
