"""Saved views as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.access.policy import Policy
from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref
from app.definitions.catalog import Entity
from app.records.arrangements import DENSITIES, MOST_COLUMNS, NARROWEST, WIDEST
from app.records.view_drafts import LONGEST_NAME, MOST_USERS

_READ = (400, 401, 403, 404, 500, 503)
_WRITE = (*_READ, 412, 413, 415, 422)


def view_schemas() -> dict[str, Any]:
    """Return what a saved view looks like."""
    text, names = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    settings = object_of(
        [],
        filter={**text, "maxLength": 2_000, "description": "A condition."},
        sort={**text, "maxLength": 300, "description": "`-amount,name`"},
        group={**text, "maxLength": 120, "description": "`stage`, `month(created_at)`"},
        density={"enum": list(DENSITIES)},
        columns={**names, "maxItems": MOST_COLUMNS},
        widths={
            "type": "object",
            "description": "In pixels, by column.",
            "additionalProperties": {"type": "integer", "minimum": NARROWEST, "maximum": WIDEST},
        },
    )
    ids = {"type": "array", "items": ID, "maxItems": MOST_USERS}
    return {
        "ListSettings": settings,
        "SavedView": object_of(
            id=ID,
            name=text,
            user={**ID, "description": "Whose it is."},
            roles={**names, "description": "Whom it is shared with."},
            users=ids,
            version={"type": "integer"},
            may_change={"type": "boolean"},
            settings=ref("ListSettings"),
            left_out={**names, "description": "What of it does not hold for you, in words."},
        ),
        "SavedViewInput": object_of(
            [],
            name={**text, "minLength": 1, "maxLength": LONGEST_NAME},
            settings=ref("ListSettings"),
            roles=names,
            users=ids,
        ),
    }


def view_paths(entity: Entity, policy: Policy, language: str) -> dict[str, Any]:
    """Return the addresses of an entity's saved views."""
    del policy
    name, tag = entity.name, entity.label.in_language(language)
    base = f"/api/v1/{name}/views"
    one = json_answer("The view", ref("SavedView"), ETag="Its version.")
    listed = rows_of(ref("SavedView"))
    listed["properties"]["default"] = {
        "type": ["string", "null"],
        "description": "What your list opens with; `*` is the whole list.",
    }
    default = object_of(
        ["view"],
        view={"type": ["string", "null"]},
        role={"type": ["string", "null"], "description": "For everybody with it, not for you."},
    )
    sent = ref("SavedViewInput")
    return {
        base: {
            "get": operation(
                f"{name}_views", tag, "Saved views", {"200": json_answer("Views", listed)}
            ),
            "post": operation(
                f"{name}_views_create", tag, "Save a view", {"201": one}, body=sent, errors=_WRITE
            ),
        },
        f"{base}/{{id}}": {
            "get": operation(
                f"{name}_view", tag, "One saved view", {"200": one}, parameters=[NUMBER]
            ),
            "patch": operation(
                f"{name}_view_update",
                tag,
                "Change a saved view",
                {"200": one},
                parameters=[NUMBER],
                body=sent,
                errors=_WRITE,
            ),
            "delete": operation(
                f"{name}_view_delete",
                tag,
                "Delete a saved view",
                {"204": {"description": "It is gone"}},
                parameters=[NUMBER],
                errors=_READ,
            ),
        },
        f"{base}/default": {
            "put": operation(
                f"{name}_views_default",
                tag,
                "Choose what a list opens with",
                {"200": json_answer("What was chosen", default)},
                body=default,
                errors=_WRITE,
            )
        },
    }
