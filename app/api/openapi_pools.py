"""Public seas as OpenAPI: of entities that have one."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation
from app.api.openapi_schemas import ID, object_of, ref
from app.definitions.catalog import Catalog, Entity

_ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_TEXT = {"type": ["string", "null"]}
_IDS = {"type": "array", "items": ID, "minItems": 1, "maxItems": 500}
_WHERE_TO = {
    "pool": {**_TEXT, "description": "Without it, the first that takes the record."},
    "reason": {**_TEXT, "description": "An option of the public sea's `reasons`."},
}


def pool_schemas() -> dict[str, Any]:
    """Return how a record stands with the public seas, and what became of several."""
    moment = {"type": ["string", "null"], "format": "date-time"}
    event = {
        "type": "object",
        "properties": {
            "pool": {"type": "string"},
            "user_id": {"type": ["integer", "null"]},
            "action": {"enum": ["claim", "release", "recycle", "assign"]},
            "reason": _TEXT,
            "happened_at": {"type": "string", "format": "date-time"},
        },
    }
    names = {"type": "array", "items": {"type": "string"}}
    refusal = {
        "type": "object",
        "required": ["id", "status", "error"],
        "properties": {"id": ID, "status": {"type": "integer"}, "error": {"type": "object"}},
    }
    return {
        "PoolStanding": {
            "type": "object",
            "required": ["pool", "may_claim", "why_not", "may_assign", "release_to"],
            "properties": {
                "pool": {**_TEXT, "description": "The public sea it lies in."},
                "may_claim": {"type": "boolean"},
                "why_not": _TEXT,
                "may_assign": {"type": "boolean"},
                "release_to": names,
                "leaves_at": {**moment, "description": "When it goes there by itself."},
                "leaves_to": _TEXT,
                "hidden": {**names, "description": "Fields closed until it is claimed."},
                "events": {"type": "array", "items": event},
            },
        },
        "PoolDone": {
            "type": "object",
            "required": ["done", "refused"],
            "properties": {
                "done": {"type": "array", "items": ID},
                "refused": {"type": "array", "items": refusal},
            },
        },
    }


def pool_paths(catalog: Catalog, entity: Entity, language: str) -> dict[str, Any]:
    """Return the addresses of an entity's public seas; none where it has none."""
    if not catalog.automation.pools_of(entity.name):
        return {}
    tag, base = entity.label.in_language(language), f"/api/v1/{entity.name}"
    one, gone = f"{base}/{{id}}", {"204": {"description": "Done"}}
    done = {"200": json_answer("What became of each", ref("PoolDone"))}

    def told(word: str, summary: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
        return operation(f"{word}_{entity.name}", tag, summary, answers, errors=_ERRORS, **more)

    record = {"200": json_answer("The record", ref(entity.name), ETag="Its version")}
    standing = {"200": json_answer("How it stands", ref("PoolStanding"))}
    owner = {"owner": ID}
    return {
        f"{one}/pool": {
            "get": told("pool", "How it stands with the public seas", standing, parameters=[NUMBER])
        },
        f"{one}/claim": {
            "post": told("claim", "Take it out of its public sea", record, parameters=[NUMBER])
        },
        f"{one}/release": {
            "post": told(
                "release", "Put it into a public sea", gone, parameters=[NUMBER],
                body=object_of([], **_WHERE_TO),
            )
        },
        f"{one}/assign": {
            "post": told(
                "assign", "Give it to somebody, as who looks after its public sea", gone,
                parameters=[NUMBER], body=object_of(["owner"], **owner),
            )
        },
        f"{base}/claim": {
            "post": told("claim_many", "Claim several", done, body=object_of(["ids"], ids=_IDS))
        },
        f"{base}/release": {
            "post": told(
                "release_many", "Release several", done,
                body=object_of(["ids"], ids=_IDS, **_WHERE_TO),
            )
        },
        f"{base}/assign": {
            "post": told(
                "assign_many", "Give several to somebody", done,
                body=object_of(["ids", "owner"], ids=_IDS, **owner),
            )
        },
    }  # fmt: skip
