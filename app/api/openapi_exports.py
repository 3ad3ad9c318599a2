"""Exports as OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.api.openapi_schemas import ref
from app.transfer.exporting import MOST_AT_ONCE
from app.transfer.sheets import FORMS

_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)


def export_paths(base: str, told: Any, query: Any, asked: Sequence[Any]) -> dict[str, Any]:
    """Return the address of a list as a file; *asked* are the parameters of the list."""
    forms = {"type": "string", "enum": list(FORMS), "default": "csv"}
    files = {type_: {"schema": {"type": "string"}} for type_, _ in FORMS.values()}
    begun = {"application/json": {"schema": ref("Export")}}
    text = f"A file to be saved, of at most {MOST_AT_ONCE:,} rows."
    languages = {"type": "string", "enum": ["en", "zh"]}
    parameters = [
        query("format", "The kind of file.", forms),
        query("language", "Of headings and labels.", languages),
        query("related", "What belongs to the records: `lines`, `contact`.", {"type": "string"}),
        query("raw", "CSV for programs: texts as they are.", {"type": "string", "enum": ["yes"]}),
        *asked,
    ]
    return {
        f"{base}/export": {
            "get": told(
                "export",
                "The list as a file",
                {"200": {"description": text, "content": files}},
                parameters=parameters,
            ),
            "post": told(
                "begin_export",
                "The list as a file, in the background, however long",
                {"202": {"description": "The export; `Location` says where", "content": begun}},
                parameters=parameters,
                errors=_WRITE,
            ),
        }
    }
