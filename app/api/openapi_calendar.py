"""One's calendar as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import json_answer, operation
from app.api.openapi_schemas import ID, object_of, ref

_DAY = {"type": "string", "format": "date"}


def calendar_schemas() -> dict[str, Any]:
    """Return what a record on a calendar looks like."""
    moment = {"type": ["string", "null"], "description": "A day, or a moment with its zone."}
    entry = {
        "entity": {"type": "string"},
        "id": ID,
        "title": {"type": ["string", "null"]},
        "field": {"type": "string", "description": "The date it stands by."},
        "begin": moment,
        "end": moment,
        "all_day": {"type": "boolean"},
    }
    return {"CalendarEntry": object_of(**entry)}


def calendar_paths() -> dict[str, Any]:
    """Return the address of the calendar."""
    asked = [
        ("from", _DAY, "The first day; without it today."),
        ("to", _DAY, "The last day, up to 61 days later; without it six days later."),
        ("person", {"type": "string"}, "`me`, `team`, `all` or the number of a person."),
        ("dates", {"type": "string"}, "Which dates, as `task.due_on`, separated by commas."),
    ]
    parameters = [
        {"name": name, "in": "query", "schema": schema, "description": words}
        for name, schema, words in asked
    ]
    rows = {"type": "array", "items": ref("CalendarEntry")}
    more = {
        "type": "array",
        "items": object_of(dates={"type": "string"}, day=_DAY),
        "description": "Days of which not all were given: ask for the list of that entity.",
    }
    found = json_answer("Found", object_of(rows=rows, more=more))
    return {
        "/api/v1/calendar": {
            "get": operation(
                "calendar", "General", "What stands on some days", {"200": found},
                parameters=parameters,
            )
        }
    }  # fmt: skip
