"""The moves of records as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ref
from app.definitions.catalog import Entity


def move_schemas() -> dict[str, Any]:
    """Return what a move looks like."""
    names = {"type": "array", "items": {"type": "string"}}
    return {
        "Move": {
            "type": "object",
            "required": [
                "field", "from", "to", "label", "final", "needs", "missing", "allowed", "why",
            ],
            "additionalProperties": False,
            "properties": {
                "field": {"type": "string", "description": "The field that holds the stage."},
                "from": {"type": ["string", "null"]},
                "to": {"type": "string", "description": "The value to send."},
                "label": {"type": "string", "description": "What a button says."},
                "final": {"type": "boolean", "description": "Nothing comes after it."},
                "needs": {**names, "description": "Fields that must be filled."},
                "missing": {**names, "description": "Those of them that are empty."},
                "allowed": {"type": "boolean", "description": "With what is missing filled in."},
                "why": {"type": ["string", "null"], "description": "Why it is not allowed."},
            },
        }
    }  # fmt: skip


def move_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the address of an entity's moves; without a stage there are none."""
    told = operation(
        f"moves_{entity.name}",
        entity.label.in_language(language),
        "Where it may move to, and why not elsewhere",
        {"200": json_answer("Its moves", rows_of(ref("Move")))},
        parameters=[NUMBER],
    )
    return {f"/api/v1/{entity.name}/{{id}}/moves": {"get": told}}
