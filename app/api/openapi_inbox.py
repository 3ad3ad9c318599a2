"""The inbox as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref
from app.notifications.inbox import KINDS
from app.notifications.preferences import MAILS

_TAG = "Inbox"
_WRITE = (400, 401, 403, 404, 413, 415, 422, 500, 503)
_MOMENT = {"type": "string", "format": "date-time"}
_PERHAPS = {"type": ["string", "null"], "format": "date-time"}
_IDS = {"type": "array", "items": ID, "minItems": 1, "maxItems": 1000}


def inbox_schemas() -> dict[str, Any]:
    """Return what a message looks like, and how somebody hears of things."""
    text = {"type": ["string", "null"]}
    number = {"type": ["integer", "null"]}
    message = {
        "id": ID,
        "kind": {"enum": list(KINDS)},
        "text": {"type": "string"},
        "rule": {**number, "description": "The number of the rule, to mute it by."},
        "rule_label": text,
        "entity": {**text, "description": "Of the record, while you may read it."},
        "record": number,
        "title": text,
        "path": {**text, "description": "The page it is about, where that is no record's."},
        "created_at": _MOMENT,
        "shown_at": {**_MOMENT, "description": "Messages are in this order."},
        "read_at": _PERHAPS,
        "snoozed_until": _PERHAPS,
    }
    settings = {
        "mail": {"enum": list(MAILS)},
        "chat": {"type": "boolean", "description": "Whether chat robots may name you."},
        "muted": {"type": "array", "items": {"type": "integer"}},
    }
    return {
        "Message": object_of(**message),
        "Hearing": object_of(**settings),
    }


def inbox_paths() -> dict[str, Any]:
    """Return the addresses of the inbox."""
    base = "/api/v1/inbox"
    settings = {"200": json_answer("How you hear of things", ref("Hearing"))}
    sent = {
        "oneOf": [
            object_of(["ids"], ids=_IDS, until=_MOMENT),
            object_of(["newest"], newest=ID),
        ]
    }
    changed = object_of(["changed"], changed={"type": "integer", "minimum": 0})
    what = {
        "name": "what",
        "in": "path",
        "required": True,
        "schema": {"enum": ["read", "unread", "snooze", "read-all"]},
    }
    chosen = {"mail": {"enum": list(MAILS)}, "chat": {"type": "boolean"}}
    return {
        base: {"get": _listed()},
        f"{base}/unread": {
            "get": operation(
                "inbox_unread",
                _TAG,
                "How many messages are unread, at most 100",
                {
                    "200": json_answer(
                        "The number", object_of(["unread"], unread={"type": "integer"})
                    )
                },
            )
        },
        f"{base}/{{what}}": {
            "post": operation(
                "inbox_mark",
                _TAG,
                "Mark messages read or unread, or put them off",
                {"200": json_answer("How many changed", changed)},
                parameters=[what],
                body=sent,
                errors=_WRITE,
            )
        },
        f"{base}/settings": {
            "get": operation("inbox_settings", _TAG, "How you hear of things", settings),
            "patch": operation(
                "inbox_choose",
                _TAG,
                "Change how you hear of things",
                settings,
                body=object_of([], **chosen),
                errors=_WRITE,
            ),
        },
        f"{base}/muted/{{id}}": {
            "put": operation(
                "inbox_mute",
                _TAG,
                "Hear no more of a rule",
                settings,
                parameters=[NUMBER],
                errors=_WRITE,
            ),
            "delete": operation(
                "inbox_unmute",
                _TAG,
                "Hear of a rule again",
                settings,
                parameters=[NUMBER],
                errors=_WRITE,
            ),
        },
    }


def _listed() -> dict[str, Any]:
    page = rows_of(ref("Message"))
    page["properties"] |= {
        "next": {"type": ["string", "null"], "description": "Send it as `after`."},
        "unread": {"type": "integer", "description": "Of all messages, at most 100."},
    }
    limit = {"type": "integer", "minimum": 1, "maximum": 100}
    return operation(
        "inbox",
        _TAG,
        "Messages, the newest first",
        {"200": json_answer("One page", page)},
        parameters=[
            {"name": "unread", "in": "query", "schema": {"enum": ["yes", "no"]}},
            {"name": "kind", "in": "query", "schema": {"enum": list(KINDS)}},
            {"name": "limit", "in": "query", "schema": limit},
            {"name": "after", "in": "query", "schema": {"type": "string"}},
        ],
    )
