"""Values that steps give: worked out, read by the field they go to, and checked by its rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.automation.context import RuleContext
from app.definitions.automation import Given
from app.definitions.catalog import Entity, Field
from app.expressions import Checked
from app.records.acting import checked_value
from app.records.giving import given_value, written_context


def value_of(context: RuleContext, given: Given, field: Field | None = None) -> Any:
    """Return a given value as a Python value; what is written is read by *field*.

    Raises:
        FieldError: it is nothing the field can take.
    """
    work = context.work

    def evaluate(checked: Checked) -> Any:
        value = work.rows.closures.of(checked)(context)
        return _fitting(value, checked, field)

    reading = written_context(work.release.catalog.app)
    value = given_value(given, field, evaluate, reading)
    if field is None or field.type.name == "lines":
        return value
    return checked_value(field, value, work.reading(strict=True))


def values_of(context: RuleContext, entity: Entity, given: Mapping[str, Given]) -> dict[str, Any]:
    """Return the values a step gives to fields of *entity*."""
    return {name: value_of(context, one, entity.fields.get(name)) for name, one in given.items()}


def _fitting(value: Any, checked: Checked, field: Field | None) -> Any:
    """Return a worked-out value in the form the field keeps it in."""
    if value is None or field is None:
        return value
    if field.type.name == "any_link" and isinstance(value, int) and checked.type.entities:
        return (checked.type.entities[0], value)
    if field.type.many and not isinstance(value, list | tuple):
        return [value]
    return value
