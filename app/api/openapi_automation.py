"""Buttons, the ledger, comments and followers as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import object_of, ref
from app.definitions.catalog import Entity

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_MAYBE_NUMBER = {"type": ["integer", "null"]}
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_RULE = {"name": "rule", "in": "path", "required": True, "schema": _TEXT}


def automation_schemas() -> dict[str, Any]:
    """Return what buttons, firings, comments and followers look like."""
    made = object_of(entity=_TEXT, id={"type": "integer"})
    opened = {"oneOf": [made, {"type": "null"}]}
    asked = object_of(name=_TEXT, label=_TEXT, type=_TEXT, required={"type": "boolean"})
    pressed = {
        "firing": _MAYBE_NUMBER,
        "repeated": {"type": "boolean", "description": "It was done before, under the same key."},
        "open": {**opened, "description": "The record to go on to."},
        "notes": {"type": "array", "items": _TEXT},
    }
    step = object_of(
        step=_TEXT,
        action=_TEXT,
        state=_TEXT,
        at=_MAYBE_TEXT,
        note=_MAYBE_TEXT,
        made=opened,
    )
    error = {"oneOf": [object_of(code=_TEXT, message=_TEXT), {"type": "null"}]}
    button = {
        "rule": _TEXT,
        "label": _TEXT,
        "place": {"enum": ["record", "list"]},
        "ask": {"type": "array", "items": asked},
    }
    part = object_of(text=_TEXT, met={"type": ["boolean", "null"]})
    parts = {
        "type": "array",
        "items": part,
        "description": "What its condition asks for, as far as one may read it.",
    }
    return {
        "Button": object_of(**button),
        "RefusedButton": object_of(**button, parts=parts),
        "Pressed": object_of(**pressed),
        "PressedOne": object_of(
            id={"type": "integer"},
            done={"type": "boolean"},
            error=error,
            **pressed,
        ),
        "Firing": object_of(
            id={"type": "integer"},
            rule=_TEXT,
            label=_TEXT,
            cause=_TEXT,
            entity=_MAYBE_TEXT,
            record=_MAYBE_NUMBER,
            occurrence=_TEXT,
            user=_MAYBE_NUMBER,
            due_at=_MAYBE_TEXT,
            happened_at=_MAYBE_TEXT,
            ended_at=_MAYBE_TEXT,
            state={"enum": ["due", "waiting", "done", "skipped", "failed", "dropped"]},
            reason=_MAYBE_TEXT,
            version=_TEXT,
            next_at=_MAYBE_TEXT,
            steps={"type": "array", "items": step},
        ),
        "Comment": object_of(
            id={"type": "integer"},
            user=_MAYBE_NUMBER,
            text=_TEXT,
            origin=_TEXT,
            rule=_MAYBE_TEXT,
            happened_at=_TEXT,
        ),
        "Follower": object_of(
            user={"type": "integer"},
            since=_TEXT,
            until=_MAYBE_TEXT,
            rule=_MAYBE_TEXT,
        ),
    }


def automation_paths() -> dict[str, Any]:
    """Return the addresses that are no entity's."""
    query = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in (
            ("rule", _TEXT),
            ("user", {"type": "integer"}),
            ("state", _TEXT),
            ("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
            ("before", {"type": "integer"}),
        )
    ]
    told = operation(
        "firings",
        "Automation",
        "What rules did, for administrators",
        {"200": json_answer("Firings", rows_of(ref("Firing")))},
        parameters=query,
    )
    return {"/api/v1/automation/firings": {"get": told}}


def automation_record_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the addresses of an entity's buttons, firings, comments and followers."""
    name, tag = entity.name, entity.label.in_language(language)
    base = f"/api/v1/{name}/{{id}}"
    given = {"type": "object", "description": "What the button asks, by name."}

    page = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
        {"name": "before", "in": "query", "schema": {"type": "integer"}},
    ]
    ids = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1000}
    refused = {"type": "array", "items": ref("RefusedButton")}
    buttons = object_of(rows={"type": "array", "items": ref("Button")}, refused=refused)
    followers = json_answer("Its followers", rows_of(ref("Follower")))
    return {
        f"{base}/actions": {
            "get": operation(
                f"actions_{name}", tag, "The buttons one may press now, and why not others",
                {"200": json_answer("Buttons", buttons)}, parameters=[NUMBER],
            )
        },
        f"{base}/actions/{{rule}}": {
            "post": operation(
                f"act_{name}", tag, "Press a button",
                {"200": json_answer("What became of it", ref("Pressed"))},
                parameters=[NUMBER, _RULE],
                body=object_of([], input=given), errors=_WRITE,
            )
        },
        f"/api/v1/{name}/actions/{{rule}}": {
            "post": operation(
                f"act_on_many_{name}", tag, "Press a button on several records",
                {"200": json_answer("What became of each", rows_of(ref("PressedOne")))},
                parameters=[_RULE], body=object_of(["ids"], ids=ids, input=given),
                errors=_WRITE,
            )
        },
        f"{base}/firings": {
            "get": operation(
                f"firings_{name}", tag, "What rules did about it",
                {"200": json_answer("Firings", rows_of(ref("Firing")))},
                parameters=[NUMBER, *page],
            )
        },
        f"{base}/comments": {
            "get": operation(
                f"comments_{name}", tag, "What was said about it",
                {"200": json_answer("Comments", rows_of(ref("Comment")))}, parameters=[NUMBER],
            ),
            "post": operation(
                f"comment_{name}", tag, "Say something about it",
                {"201": json_answer("Its number", object_of(id={"type": "integer"}))},
                parameters=[NUMBER],
                body=object_of(text={**_TEXT, "minLength": 1, "maxLength": 10_000}),
                errors=_WRITE,
            ),
        },
        f"{base}/followers": {
            "get": operation(
                f"followers_{name}", tag, "Who follows it", {"200": followers},
                parameters=[NUMBER],
            ),
            "put": operation(
                f"follow_{name}", tag, "Follow it", {"200": followers}, parameters=[NUMBER],
            ),
            "delete": operation(
                f"unfollow_{name}", tag, "Follow it no more", {"200": followers},
                parameters=[NUMBER],
            ),
        },
    }  # fmt: skip
