"""Records that may be the same thing, and merging them, as OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.api.openapi_schemas import ID

_IDS = {"type": "array", "items": ID, "minItems": 1, "maxItems": 1000}
_MERGE = {
    "type": "object",
    "required": ["keep", "gone"],
    "properties": {
        "keep": ID,
        "gone": _IDS,
        "values": {"type": "object"},
        "take": {
            "type": "object",
            "description": "By field: the record whose value stays, or `all` for a field of "
            "several values.",
            "additionalProperties": {"oneOf": [ID, {"const": "all"}]},
        },
        "versions": {
            "type": "object",
            "description": "Versions by record: refused with 409 where one was changed since.",
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
    },
    "additionalProperties": False,
}
_PARAMETERS = [
    {
        "name": "ids",
        "in": "query",
        "required": True,
        "description": "Two to ten records, separated by commas.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}(,[0-9]{1,18}){1,9}$"},
        "example": "1,2",
    },
    {
        "name": "keep",
        "in": "query",
        "description": "The record that stays; without it, the one most hangs on.",
        "schema": ID,
    },
]
_BY_RECORD = {"type": "object", "description": "By record."}
SIDE_BY_SIDE = {
    "type": "object",
    "required": ["keep", "records", "fields", "same", "hanging"],
    "properties": {
        "keep": ID,
        "records": {
            "type": "array",
            "items": {"type": "object", "properties": {"id": ID, "version": {"type": "integer"}}},
        },
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "values": _BY_RECORD,
                    "proposed": {"oneOf": [ID, {"const": "all"}]},
                    "joins": {"type": "boolean"},
                },
            },
        },
        "same": {"type": "array", "items": {"type": "string"}},
        "hanging": {"type": "object", "description": "Records that link there, by entity."},
    },
}


def merge_paths(
    base: str,
    told: Callable[..., dict[str, Any]],
    answer: Callable[[str, dict[str, Any]], dict[str, Any]],
    one: dict[str, Any],
    errors: tuple[int, ...],
) -> dict[str, Any]:
    """Return how records are compared and merged."""
    seen = {"200": answer("Field by field", SIDE_BY_SIDE)}
    return {
        f"{base}/merge": {
            "get": told(
                "side_by_side", "Records before they are merged", seen,
                parameters=_PARAMETERS, errors=(400, 401, 403, 404, 422, 500, 503),
            ),
            "post": told("merge", "Make several records one", one, body=_MERGE, errors=errors),
        }
    }  # fmt: skip
