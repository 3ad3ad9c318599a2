"""Absences and hand-overs as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref

_TAG = "Staff"
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_MOMENT = {"type": "string", "format": "date-time"}
_PERHAPS = {"type": ["string", "null"], "format": "date-time"}
_SOMEBODY = {"type": ["integer", "null"], "minimum": 1}


def staff_schemas() -> dict[str, Any]:
    """Return what an absence is, and what belongs to a person."""
    count = {"type": "integer", "minimum": 0}
    absence = {
        "id": ID, "user_id": ID, "since": _MOMENT, "until": _PERHAPS, "deputy": _SOMEBODY,
    }  # fmt: skip
    left = {
        "records": {"type": "object", "additionalProperties": count},
        "approvals": {**count, "description": "That wait for the person."},
        "people": {**count, "description": "Who report to the person."},
        "departments": {**count, "description": "The person is head of."},
    }
    return {"Absence": object_of(**absence), "Left": object_of(**left)}


def staff_paths() -> dict[str, Any]:
    """Return the addresses of absences and hand-overs."""
    base, over = "/api/v1/absences", "/api/v1/handovers/{id}"
    sent = object_of(
        ["since"], user=_SOMEBODY, since=_MOMENT, until=_PERHAPS, deputy=_SOMEBODY
    )  # fmt: skip
    heirs = {"type": "array", "items": ID, "minItems": 1, "maxItems": 1000}
    given = object_of(
        ["heirs"],
        heirs={**heirs, "description": "In turn; the first stands in for the person."},
        entities={"type": ["array", "null"], "items": {"type": "string"}},
        people={"type": "boolean", "description": "Reports and departments too."},
    )
    made = {"201": json_answer("Noted", object_of(["id"], id=ID))}
    rows = {"200": json_answer("Those that are not over", rows_of(ref("Absence")))}
    left = {"200": json_answer("What there is", ref("Left"))}
    done = {"200": json_answer("What was handed over", ref("Left"))}
    gone = {"204": {"description": "Done"}}
    return {
        base: {
            "get": operation("absences", _TAG, "Who is away, and who stands in", rows),
            "post": operation(
                "add_absence", _TAG, "Note an absence", made, body=sent, errors=_WRITE
            ),
        },
        f"{base}/{{id}}": {
            "delete": operation(
                "drop_absence", _TAG, "Take it back", gone, parameters=[NUMBER], errors=_WRITE
            )
        },
        over: {
            "get": operation(
                "left_by", _TAG, "What belongs to a person", left, parameters=[NUMBER]
            ),
            "post": operation(
                "hand_over", _TAG, "Hand over everything of a person", done,
                parameters=[NUMBER], body=given, errors=_WRITE,
            ),
        },
    }  # fmt: skip
