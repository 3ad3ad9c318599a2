"""Exports as OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.transfer.exporting import FORMS, MOST_AT_ONCE


def export_paths(base: str, told: Any, query: Any, asked: Sequence[Any]) -> dict[str, Any]:
    """Return the address of a list as a file; *asked* are the parameters of the list."""
    forms = {"type": "string", "enum": list(FORMS), "default": "csv"}
    files = {type_: {"schema": {"type": "string"}} for type_ in FORMS.values()}
    text = f"A file to be saved, of at most {MOST_AT_ONCE:,} rows."
    languages = {"type": "string", "enum": ["en", "zh"]}
    return {
        f"{base}/export": {
            "get": told(
                "export",
                "The list as a file",
                {"200": {"description": text, "content": files}},
                parameters=[
                    query("format", "The kind of file.", forms),
                    query("language", "Of headings and labels.", languages),
                    *asked,
                ],
            )
        }
    }
