"""Approvals as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref
from app.automation.approvals.lists import WHICH
from app.definitions.catalog import Entity
from app.fields.approval import STATES

_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_TAG = "Approvals"
_TEXT = {"type": ["string", "null"], "maxLength": 2000}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_USER = {"type": ["integer", "null"]}
_NAMES = {"type": "array", "items": {"type": "string"}}


def approval_schemas() -> dict[str, Any]:
    """Return what a run of an approval, its steps and its lines in lists look like."""
    question = {
        "id": ID,
        "round": {"type": "integer", "description": "Goes up when it is sent back."},
        "user": {**_USER, "description": "Who is asked; nobody where a step was not needed."},
        "for_user": {**_USER, "description": "In whose place."},
        "added": {"enum": ["before", "after", None]},
        "state": {
            "enum": [
                "waiting", "approved", "rejected", "sent_back", "delegated", "dropped", "skipped",
            ]
        },
        "reason": {"type": ["string", "null"]},
        "comment": {"type": ["string", "null"]},
        "asked_at": _MOMENT,
        "due_at": _MOMENT,
        "late": {"type": "boolean"},
        "decided_at": _MOMENT,
        "decided_by": _USER,
    }  # fmt: skip
    step = {
        "number": {"type": "integer", "minimum": 0},
        "label": {"type": "string"},
        "state": {
            "enum": [
                "before", "done", "skipped", "now", "next", "rejected", "withdrawn", "never",
            ]
        },
        "need": {"description": "A number, `all` or `in_turn`."},
        "condition": {"type": ["string", "null"]},
        "edit": {**_NAMES, "description": "Fields its approvers may change."},
        "questions": {"type": "array", "items": ref("ApprovalQuestion")},
    }  # fmt: skip
    run = {
        "id": ID,
        "approval": {"type": "string"},
        "entity": {"type": ["string", "null"]},
        "record": ID,
        "state": {"enum": [name for name in STATES if name != "draft"]},
        "step": {"type": "integer", "minimum": 0},
        "submitted_by": _USER,
        "submitted_at": _MOMENT,
    }
    whole = {
        **run,
        "label": {"type": "string"},
        "comment": {"type": ["string", "null"]},
        "ended_at": _MOMENT,
        "ended_by": _USER,
        "may": {**_NAMES, "description": "What the asker may do with it."},
        "steps": {"type": "array", "items": ref("ApprovalStep")},
    }
    line = {
        **run,
        "title": {"type": ["string", "null"]},
        "for_user": _USER,
        "asked_at": _MOMENT,
        "due_at": _MOMENT,
        "late": {"type": "boolean"},
        "answer": {"type": ["string", "null"]},
        "decided_at": _MOMENT,
    }
    return {
        "ApprovalQuestion": object_of(**question),
        "ApprovalStep": object_of(**step),
        "Approval": object_of(**whole),
        "ApprovalLine": object_of(**line),
    }


def approval_paths() -> dict[str, Any]:
    """Return the addresses of approvals whatever the record."""
    lines = rows_of(ref("ApprovalLine"))
    lines["properties"] |= {
        "next": {"type": ["integer", "null"], "description": "Send it as `after`."},
        "count": {"type": "integer", "description": "How many wait for you."},
    }
    asked = [
        {"name": "list", "in": "query", "schema": {"enum": list(WHICH)}},
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100},
        },
        {"name": "after", "in": "query", "schema": ID},
    ]
    base = "/api/v1/approvals"
    listed = operation(
        "approvals",
        _TAG,
        "What waits for you, what you submitted, what you decided",
        {"200": json_answer("One page", lines)},
        parameters=asked,
    )
    one = {"200": json_answer("The approval as it is now", ref("Approval"))}
    paths: dict[str, Any] = {
        base: {"get": listed},
        f"{base}/{{id}}": {
            "get": operation(
                "approval", _TAG, "One approval with its steps", one, parameters=[NUMBER]
            )
        },
    }
    for word, summary, body in _decisions():
        paths[f"{base}/{{id}}/{word}"] = {
            "post": operation(
                f"approval_{word.replace('-', '_')}",
                _TAG,
                summary,
                one,
                parameters=[NUMBER],
                body=body,
                errors=_WRITE,
            )
        }
    return paths


def _decisions() -> list[tuple[str, str, dict[str, Any]]]:
    version = {
        "type": ["integer", "null"],
        "description": "Of the record you looked at: refused with 409 if it was changed since.",
    }
    step = {"type": "integer", "minimum": 0, "maximum": 32_767}
    where = {"enum": ["before", "after"]}
    instead = {**_USER, "description": "Whose answer it is; for administrators."}
    return [
        (
            "approve",
            "Say yes",
            object_of([], comment=_TEXT, values={"type": "object"}, version=version),
        ),
        ("reject", "Say no: it ends the approval", object_of([], comment=_TEXT, version=version)),
        (
            "send-back",
            "Have an earlier step decide again",
            object_of(["step"], step=step, comment=_TEXT),
        ),
        (
            "delegate",
            "Have somebody else answer",
            object_of(["user"], user=ID, instead_of=instead, comment=_TEXT),
        ),
        (
            "add",
            "Have one more person asked, before or after you",
            object_of(["user", "where"], user=ID, where=where, comment=_TEXT),
        ),
        ("withdraw", "Take the record back from approval", object_of([], comment=_TEXT)),
    ]


def record_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the address of a record's approvals; none where its entity has no approval."""
    if "approval" not in entity.fields:
        return {}
    choose = object_of(
        ["step", "label", "among"],
        step={"type": "integer"},
        label={"type": "string"},
        among={"type": "array", "items": ID, "description": "Users."},
    )
    offer = object_of(
        ["approval", "label", "choose"],
        approval={"type": "string"},
        label={"type": "string"},
        choose={"type": "array", "items": choose, "description": "Whose approvers you choose."},
    )
    answer = rows_of(ref("Approval"))
    answer["properties"]["offers"] = {
        "type": "array",
        "items": offer,
        "description": "What it may be submitted to now.",
    }
    chosen = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": ID},
        "description": "Approvers you choose, by the number of their step.",
    }
    body = object_of(
        [],
        approval={"type": ["string", "null"], "description": "Without it the first that fits."},
        chosen=chosen,
        comment=_TEXT,
    )
    tag = entity.label.in_language(language)
    made = {"201": json_answer("The approval", ref("Approval"))}
    return {
        f"/api/v1/{entity.name}/{{id}}/approvals": {
            "get": operation(
                f"approvals_{entity.name}",
                tag,
                "Its approvals, the newest first",
                {"200": json_answer("Its approvals", answer)},
                parameters=[NUMBER],
            ),
            "post": operation(
                f"submit_{entity.name}",
                tag,
                "Submit it for approval",
                made,
                parameters=[NUMBER],
                body=body,
                errors=_WRITE,
            ),
        }
    }
