"""The audit, and rights explained, as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation
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
    text = {"type": ["string", "null"]}
    verdict = {"enum": ["yes", "some", "no"], "description": "`some`: fewer than are read."}
    said = {"role": {"type": "string"}, "verdict": verdict, "place": text}
    return {"AuditLine": object_of(**line), "RoleSays": object_of(**said), "Rights": _rights(text)}


def _rights(text: dict[str, Any]) -> dict[str, Any]:
    roles = {"type": "array", "items": ref("RoleSays")}
    right = object_of(
        right={"type": "string"}, verdict={"enum": ["yes", "some", "no"]}, roles=roles
    )
    field = object_of(
        field={"type": "string"},
        right={"enum": ["hidden", "masked", "read"]},
        role=text,
        place={**text, "description": "The file and line that say so."},
    )
    record = object_of(
        sees={"type": "boolean"},
        rights={"type": "array", "items": {"type": "string"}},
        roles=roles,
        shared={"type": "boolean", "description": "Seen only because it is shared."},
        owner={"type": ["integer", "null"]},
    )
    return object_of(
        user=ID,
        entity={"type": "string"},
        rights={"type": "array", "items": right},
        fields={"type": "array", "items": field, "description": "That are not free."},
        record={"oneOf": [record, {"type": "null"}]},
    )


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
        "/api/v1/rights/{id}": _rights_path(),
        "/api/v1/audit": {
            "get": operation(
                "audit",
                "Administration",
                "Sign-ins, and what changed around the data; for administrators",
                {"200": json_answer("The newest first", page)},
                parameters=parameters,
                errors=(400, 401, 403, 422, 500, 503),
            )
        },
    }


def _rights_path() -> dict[str, Any]:
    parameters = [
        NUMBER,
        {"name": "entity", "in": "query", "required": True, "schema": {"type": "string"}},
        {
            "name": "record",
            "in": "query",
            "schema": ID,
            "description": "Whether the person sees it, and why.",
        },
    ]
    return {
        "get": operation(
            "rights_of",
            "Administration",
            "What a person may do, by which role, written where; for administrators",
            {"200": json_answer("The rights", ref("Rights"))},
            parameters=parameters,
            errors=(400, 401, 403, 404, 500, 503),
        )
    }
