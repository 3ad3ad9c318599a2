"""The timeline of records as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation
from app.api.openapi_schemas import object_of, ref
from app.definitions.catalog import Entity

_TEXT = {"type": "string"}


def timeline_schemas() -> dict[str, Any]:
    """Return what stands on a timeline."""

    def maybe(name: str) -> dict[str, Any]:
        return {"oneOf": [ref(name), {"type": "null"}]}

    return {
        "Happening": object_of(
            kind={
                **_TEXT,
                "description": "change, move, file, approval, comment, email, rule, or the entity"
                " of something written about the record",
            },
            id={"type": "integer"},
            at=_TEXT,
            history=maybe("HistoryLine"),
            comment=maybe("Comment"),
            email={
                "oneOf": [object_of(sender=_TEXT, subject=_TEXT), {"type": "null"}],
                "description": "An e-mail that came about it.",
            },
            firing=maybe("Firing"),
            record={"type": ["object", "null"], "description": "What was written about it."},
        )
    }


def timeline_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the address of a record's timeline."""
    query = [
        {"name": name, "in": "query", "description": text, "schema": schema}
        for name, text, schema in (
            ("kinds", "Only these, with commas between them.", _TEXT),
            ("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 50}),
            ("after", "The `next` of an earlier answer.", _TEXT),
        )
    ]
    rows = {"type": "array", "items": ref("Happening")}
    answer = object_of(rows=rows, next={"type": ["string", "null"]})
    return {
        f"/api/v1/{entity.name}/{{id}}/timeline": {
            "get": operation(
                f"timeline_{entity.name}",
                entity.label.in_language(language),
                "What happened around it, the newest first",
                {"200": json_answer("Its timeline", answer)},
                parameters=[NUMBER, *query],
            )
        }
    }
