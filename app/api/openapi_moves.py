"""The moves of records as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import object_of, ref
from app.definitions.catalog import Entity


def move_schemas() -> dict[str, Any]:
    """Return what a move looks like."""
    names = {"type": "array", "items": {"type": "string"}}
    return {
        "Move": {
            "type": "object",
            "required": [
                "field", "from", "to", "label", "final", "needs", "missing", "allowed", "why",
                "parts", "lifecycle",
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
                "parts": {
                    "type": "array",
                    "description": "What its condition asks for, where that is why.",
                    "items": object_of(text={"type": "string"}, met={"type": "boolean"}),
                },
                "lifecycle": {"type": "string", "description": "Which one says so."},
            },
        },
        "Stay": {
            "type": "object",
            "required": ["field", "stage", "entered_at", "left_at", "user"],
            "additionalProperties": False,
            "properties": {
                "field": {"type": "string"},
                "stage": {"type": "string"},
                "entered_at": {"type": "string", "format": "date-time"},
                "left_at": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "description": "Empty: it is there now.",
                },
                "user": {"type": ["integer", "null"], "description": "Who moved it on."},
            },
        },
    }  # fmt: skip


def move_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the addresses of moves and stages; without a stage field there are none."""
    base, tag = f"/api/v1/{entity.name}/{{id}}", entity.label.in_language(language)

    def told(word: str, summary: str, schema: str) -> dict[str, Any]:
        answers = {"200": json_answer(summary, rows_of(ref(schema)))}
        name = f"{word}_{entity.name}"
        return {"get": operation(name, tag, summary, answers, parameters=[NUMBER])}

    return {
        f"{base}/moves": told("moves", "Where it may move to, and why not elsewhere", "Move"),
        f"{base}/stages": told("stages", "How long it was in which stage", "Stay"),
    }
