"""Imports as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, ref
from app.definitions.imports import MODES, RULES

_TAG = "Imports"
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_COUNTS = {"type": "object", "description": "Rows by what became of them."}
_COLUMNS = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "Heading → field; `-` leaves a column out.",
}
_MATCH = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string"}},
    "description": "What tells a record that is there already; each list alone is enough.",
}


def import_schemas() -> dict[str, Any]:
    """Return what an import looks like."""
    number = {"type": ["integer", "null"], "minimum": 0}
    shown = {
        "id": ID,
        "entity": {"type": "string"},
        "file": {"type": "string"},
        "state": {"enum": ["draft", "waiting", "running", "paused", "cancelled", "done", "failed"]},
        "total": number,
        "done": {"type": "integer", "minimum": 0},
        "counts": _COUNTS,
        "change_set": number,
        "mode": {"enum": list(MODES)},
        "rules": {"enum": list(RULES)},
        "match": _MATCH,
        "columns": _COLUMNS,
        "problem": {"type": ["object", "null"]},
    }
    return {"Import": {"type": "object", "required": list(shown), "properties": shown}}


def import_paths() -> dict[str, Any]:
    """Return the addresses of imports."""
    base = "/api/v1/imports"
    one: dict[str, Any] = {"parameters": [NUMBER]}
    plan = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "columns": _COLUMNS,
            "mapping": {"type": "string", "description": "A saved mapping of the configuration."},
            "match": _MATCH,
            "mode": {"enum": list(MODES)},
            "rules": {"enum": list(RULES)},
            "always": {"type": "object", "description": "Values of every new record."},
        },
    }
    parts = {
        "file": {"type": "string", "format": "binary"},
        "entity": {"type": "string"},
        "sheet": {"type": "string"},
        "plan": {"type": "string", "description": "What PATCH takes, as JSON."},
    }
    sent = {"type": "object", "required": ["file", "entity"], "properties": parts}
    told = {"200": json_answer("The import", ref("Import"))}
    begun = {"202": json_answer("The import", ref("Import"))}
    found = {"type": "object", "properties": {"counts": _COUNTS, "faults": {"type": "array"}}}

    begin = operation(
        "begin_import",
        _TAG,
        "Send a file; nothing is imported yet",
        {"201": json_answer("The import", ref("Import"))},
        errors=_WRITE,
    )
    begin["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": {"schema": sent}},
    }

    def act(word: str, summary: str) -> dict[str, Any]:
        return {"post": operation(f"{word}_import", _TAG, summary, begun, errors=_WRITE, **one)}

    return {
        f"{base}/": {
            "get": operation(
                "list_imports",
                _TAG,
                "One's latest imports",
                {"200": json_answer("The imports", rows_of(ref("Import")))},
            ),
            "post": begin,
        },
        f"{base}/{{id}}": {
            "get": operation("get_import", _TAG, "How far it is", told, **one),
            "patch": operation(
                "change_import",
                _TAG,
                "Choose what it is to do, before it begins",
                told,
                body=plan,
                errors=_WRITE,
                **one,
            ),
        },
        f"{base}/{{id}}/dry-run": {
            "post": operation(
                "try_import",
                _TAG,
                "What would become of the rows",
                {"200": json_answer("Counts, samples and every problem", found)},
                errors=_WRITE,
                **one,
            )
        },
        f"{base}/{{id}}/start": act("start", "Begin, or go on after a pause"),
        f"{base}/{{id}}/pause": act("pause", "Stop after the rows it is at"),
        f"{base}/{{id}}/cancel": act("cancel", "End it; what was written stays"),
        f"{base}/{{id}}/errors": {
            "get": operation(
                "import_errors",
                _TAG,
                "The rows that were left out, as a file",
                {"200": {"description": "A workbook or CSV, with the reasons in a last column"}},
                **one,
            )
        },
    }
