"""Exports in the background as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, ref

_TAG = "Exports"
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)


def export_run_schemas() -> dict[str, Any]:
    """Return what an export in the background looks like."""
    moment = {"type": ["string", "null"], "format": "date-time"}
    number = {"type": ["integer", "null"], "minimum": 0}
    shown = {
        "id": ID,
        "kind": {"enum": ["list", "all"]},
        "entity": {"type": ["string", "null"]},
        "file": {"type": "string"},
        "format": {"type": "string"},
        "state": {"enum": ["waiting", "running", "done", "cancelled", "failed", "expired"]},
        "rows": {"type": "integer", "minimum": 0},
        "total": number,
        "size": number,
        "made_at": moment,
        "ended_at": moment,
        "expires_at": moment,
        "problem": {"type": ["object", "null"]},
    }
    return {"Export": {"type": "object", "required": list(shown), "properties": shown}}


def export_run_paths() -> dict[str, Any]:
    """Return the addresses of exports in the background."""
    base = "/api/v1/exports"
    one: dict[str, Any] = {"parameters": [NUMBER]}
    told = {"200": json_answer("The export", ref("Export"))}
    return {
        f"{base}/": {
            "get": operation(
                "list_exports",
                _TAG,
                "One's latest exports",
                {"200": json_answer("The exports", rows_of(ref("Export")))},
            )
        },
        f"{base}/{{id}}": {"get": operation("get_export", _TAG, "How far it is", told, **one)},
        f"{base}/{{id}}/file": {
            "get": operation(
                "export_file",
                _TAG,
                "Its file, to its asker, until it expires",
                {"200": {"description": "The file"}},
                **one,
            )
        },
        f"{base}/{{id}}/cancel": {
            "post": operation(
                "cancel_export",
                _TAG,
                "End it",
                {"202": json_answer("The export", ref("Export"))},
                errors=_WRITE,
                **one,
            )
        },
    }
