"""Values and kinds of fields as a plan writes them."""

from __future__ import annotations

from collections.abc import Sequence

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


def kind_words(field: Field | None) -> str:
    """Return what the field is: ``text``, ``link to customer``, ``number 0-100``."""
    if field is None:
        return "built in"
    words = field.type.name
    target = field.settings.get("to")
    if isinstance(target, str):
        words += f" to {target}"
    low, high = field.settings.get("min"), field.settings.get("max")
    if low is not None and high is not None:
        words += f" {low}-{high}"
    elif high is not None:
        words += f" up to {high}"
    elif low is not None:
        words += f" from {low}"
    return words
