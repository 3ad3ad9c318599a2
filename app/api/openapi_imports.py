"""Imports as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, ref
from app.definitions.import_words import MODES, RULES

_TAG = "Imports"
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_COUNTS = {"type": "object", "description": "Rows by what became of them."}
_COLUMNS = {
    "type": "object",
    "additionalProperties": {"type": ["string", "object"]},
    "description": "Heading → field; `-` leaves a column out. An object has `field` and how it is "
    "read, with the keys of a saved mapping: `clean map else default by split take join between "
    "create skip_if`.",
}
_SHAPE: dict[str, Any] = {
    "member": {"type": "string", "description": "The file within an archive."},
    "sheet": {"type": "string"},
    "encoding": {"type": "string"},
    "delimiter": {"type": "string", "description": "One of `,` `;` `|` and `tab`."},
    "quote": {"enum": ['"', "'", "none"], "description": "What stands around values."},
    "header": {
        "type": ["string", "integer"],
        "description": "The row of the headings, or `none`.",
    },
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
        "all_or_nothing": {"type": "boolean"},
        "match": _MATCH,
        "columns": _COLUMNS,
        "ways": {"type": "object", "description": "How columns are read, where it was chosen."},
        "shape": {"type": "object", "description": "How the file is read."},
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
            "all_or_nothing": {
                "type": "boolean",
                "description": "One row that cannot go in ends the import, and nothing of it is "
                "kept; for up to 20,000 rows.",
            },
            "shape": {
                "type": "object",
                "properties": _SHAPE,
                "description": "Reads the file otherwise; its columns are matched anew.",
            },
        },
    }
    parts = {
        "file": {"type": "string", "format": "binary"},
        "entity": {"type": "string"},
        **_SHAPE,
        "plan": {"type": "string", "description": "What PATCH takes, as JSON."},
    }
    sent = {"type": "object", "required": ["file", "entity"], "properties": parts}
    told = {"200": json_answer("The import", ref("Import"))}
    begun = {"202": json_answer("The import", ref("Import"))}
    found = {
        "type": "object",
        "properties": {
            "counts": _COUNTS,
            "samples": {
                "type": "object",
                "description": "Some rows of each outcome, with `changes`: each field before and "
                "after. `alike`: rows that look like a record, or another row, and by what.",
            },
            "alike": {"type": "integer", "description": "Rows that rules would only warn about."},
            "is_compared": {
                "type": "boolean",
                "description": "Whether there was time to compare all names by likeness.",
            },
            "faults": {"type": "array"},
        },
    }

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

    correct = operation(
        "correct_import",
        _TAG,
        "Send mended rows that were left out; they are imported as the first were",
        {"201": json_answer("The new import", ref("Import"))},
        errors=_WRITE,
        **one,
    )
    file_alone = {"type": "object", "required": ["file"], "properties": {"file": parts["file"]}}
    correct["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": {"schema": file_alone}},
    }

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
        f"{base}/{{id}}/columns": {
            "get": operation(
                "import_columns",
                _TAG,
                "The columns of the file, and what of the first rows cannot be read",
                {"200": json_answer("Columns and other ways to read the file", {"type": "object"})},
                **one,
            )
        },
        f"{base}/{{id}}/mapping": {
            "get": operation(
                "import_mapping",
                _TAG,
                "How the file is read, as a file of the configuration; nothing is written",
                {"200": json_answer("The file and its text", {"type": "object"})},
                errors=(400, 401, 403, 404, 422, 500, 503),
                parameters=[
                    NUMBER,
                    {
                        "name": "name",
                        "in": "query",
                        "schema": {"type": "string"},
                        "description": "Small letters, digits and _.",
                    },
                ],
            )
        },
        f"{base}/{{id}}/corrected": {"post": correct},
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
