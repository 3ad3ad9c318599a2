"""Files on records as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.access.policy import Policy
from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, ref
from app.definitions.catalog import Entity
from app.records.attaching import MOST

_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_FILE = {"name": "file", "in": "path", "required": True, "schema": ID}
_NUMBERS = {
    "type": "object",
    "required": ["files"],
    "properties": {"files": {"type": "array", "items": ID, "minItems": 1, "maxItems": MOST}},
    "additionalProperties": False,
}


def attachment_schemas() -> dict[str, Any]:
    """Return what a file on a record looks like."""
    text = {"type": "string"}
    names = ["id", "name", "type", "size", "uploaded_by", "uploaded_at"]
    return {
        "Attachment": {
            "type": "object",
            "required": names,
            "additionalProperties": False,
            "properties": {
                "id": {**ID, "description": "Fetched at `/api/v1/files/{id}`."},
                "name": text,
                "type": text,
                "size": {"type": "integer", "minimum": 0, "description": "In bytes."},
                "uploaded_by": {"type": ["integer", "null"]},
                "uploaded_at": {"type": "string", "format": "date-time"},
            },
        }
    }


def attachment_paths(entity: Entity, policy: Policy, language: str) -> dict[str, Any]:
    """Return the addresses of the files on an entity's records."""
    tag, base = entity.label.in_language(language), f"/api/v1/{entity.name}/{{id}}/attachments"
    there = rows_of(ref("Attachment"))
    listed = operation(
        f"attachments_{entity.name}",
        tag,
        "The files on it",
        {"200": json_answer("Its files", there)},
        parameters=[NUMBER],
    )
    if not policy.may("update", entity.name):
        return {base: {"get": listed}}
    attach = operation(
        f"attach_{entity.name}",
        tag,
        "Attach files that were uploaded",
        {"201": json_answer("All files on it now", there)},
        parameters=[NUMBER],
        body=_NUMBERS,
        errors=_WRITE,
    )
    detach = operation(
        f"detach_{entity.name}",
        tag,
        "Take a file off",
        {"204": {"description": "It is off"}},
        parameters=[NUMBER, _FILE],
        errors=_WRITE,
    )
    return {
        base: {"get": listed, "post": attach},
        f"{base}/{{file}}": {"delete": detach},
    }
