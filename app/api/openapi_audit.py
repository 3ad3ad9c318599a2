"""The audit as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import json_answer, operation
from app.api.openapi_schemas import ID, object_of, ref
from app.security.audit_log import GROUPS

_MOMENT = {"type": "string", "format": "date-time"}


def audit_schemas() -> dict[str, Any]:
    """Return what a line of the audit looks like."""
    line = {
        "id": ID,
        "happened_at": _MOMENT,
        "kind": {"type": "string", "description": "area.thing.action"},
        "user": {"type": ["integer", "null"], "description": "Who did it."},
        "address": {"type": ["string", "null"]},
        "details": {"type": "object", "additionalProperties": True},
    }
    return {"AuditLine": object_of(**line)}


def audit_paths() -> dict[str, Any]:
    """Return the address of the audit."""
    asked = [
        ("group", {"enum": list(GROUPS)}, "Without it: everything but sign-ins."),
        ("user", ID, "Who did it, or whom it is about."),
        ("since", _MOMENT, "From this moment on."),
        ("until", _MOMENT, "Before this moment."),
        ("after", ID, "The `next` of the page above."),
        ("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "How many; 50."),
    ]
    parameters = [
        {"name": name, "in": "query", "schema": schema, "description": words}
        for name, schema, words in asked
    ]
    rows = {"type": "array", "items": ref("AuditLine")}
    page = object_of(rows=rows, next={"type": ["integer", "null"]})
    return {
        "/api/v1/audit": {
            "get": operation(
                "audit",
                "Administration",
                "Sign-ins, and what changed around the data; for administrators",
                {"200": json_answer("The newest first", page)},
                parameters=parameters,
                errors=(400, 401, 403, 422, 500, 503),
            )
        }
    }
