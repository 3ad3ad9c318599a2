"""Values that a configuration gives to fields: as written, worked out, or by a table.

What is written is read by the field it goes to, as a form's input is, on the company's clock and in
its first language; a rule's steps and the stages of lifecycles mean the same by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.definitions.automation import Given
from app.definitions.business_calendar import country_of
from app.definitions.catalog import App, Field
from app.expressions import Checked
from app.fields.base import ParseContext


def written_context(app: App) -> ParseContext:
    """Return how what is written in a configuration is read."""
    return ParseContext(
        language=app.languages[0],
        time_zone=app.time_zone,
        country=country_of(app.calendar),
        currencies=app.currencies,
    )


def given_value(
    given: Given,
    field: Field | None,
    evaluate: Callable[[Checked], Any],
    context: ParseContext,
) -> Any:
    """Return a given value as a Python value.

    Args:
        field: reads what is written; without one it stays as written.
        evaluate: works an expression out.

    Raises:
        FieldError: what is written is nothing the field can take.
    """
    if given.checked is not None:
        return evaluate(given.checked)
    if given.by is not None:
        key = evaluate(given.by)
        found = given.table.get(str(key)) if key is not None else None
        found = found or given.table.get("else")
        return given_value(found, field, evaluate, context) if found is not None else None
    if given.raw is None or field is None:
        return given.raw
    return field.type.parse(field, given.raw, context)
