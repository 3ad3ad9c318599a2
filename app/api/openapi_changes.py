"""Changes of many records as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation, rows_of
from app.api.openapi_schemas import ID, ref
from app.definitions.catalog import Entity
from app.records.doings import RIGHTS

_TAG = "Changes"
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
_NUMBER = {"type": ["integer", "null"], "minimum": 0}
_IDS = {"type": "array", "items": ID, "maxItems": 10_000}
_LISTS = {"type": "object", "additionalProperties": {"type": "array"}}
_AFTER = {
    "name": "after",
    "in": "query",
    "description": "`next` of the page before.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,5}[.][0-9]{1,18}$"},
}


def change_schemas() -> dict[str, Any]:
    """Return what a change of many records looks like."""
    counted = {"type": "integer", "minimum": 0}
    shown = {
        "id": ID,
        "kind": {"enum": [*RIGHTS, "undo", "button"]},
        "entity": {"type": ["string", "null"]},
        "state": {"enum": ["waiting", "running", "cancelled", "done", "failed"]},
        "total": counted,
        "done": {**counted, "description": "Records that were seen to."},
        "changed": counted,
        "unchanged": {**counted, "description": "Those that were so already."},
        "skipped": counted,
        "why": {"type": "object", "description": "Skipped ones by why: right, check, gone …"},
        "change_set": _NUMBER,
        "problem": {"type": ["object", "null"]},
        "begun_at": {"type": "string"},
        "ended_at": {"type": ["string", "null"]},
    }
    reason = {
        "type": "object",
        "properties": {"field": {"type": ["string", "null"]}, "say": {"type": "string"}},
    }
    skipped = {
        "entity": {"type": "string"},
        "id": ID,
        "title": {"type": ["string", "null"]},
        "why": {"enum": ["gone", "right", "check", "edited", "needed", "lost"]},
        "reasons": {"type": "array", "items": reason},
    }
    changed = {
        "entity": {"type": "string"},
        "id": ID,
        "title": {"type": ["string", "null"]},
        "what": {"enum": ["created", "deleted", "restored", "changed"]},
        "changes": {"type": "object", "description": "`before` and `after` by field."},
        "state": {
            "enum": ["left", "undone", "edited", "gone", "right"],
            "description": "How it stands to what the change set left: `left` can be undone.",
        },
        "in_bin": {"type": "boolean"},
    }
    told = {
        "id": ID,
        "happened_at": {"type": "string", "format": "date-time"},
        "user": _NUMBER,
        "origin": {"type": "string"},
        "kind": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "records": {"type": "object", "additionalProperties": counted},
        "is_more": {"type": "boolean", "description": "There are more than were counted."},
        "undoes": {**_NUMBER, "description": "The change set this one takes back."},
        "undone": {**counted, "description": "Records that were taken back."},
        "undone_by": {**_NUMBER, "description": "The newest that takes this one back."},
    }
    return {
        "ChangeSet": {"type": "object", "required": list(told), "properties": told},
        "ChangedRecord": {"type": "object", "required": list(changed), "properties": changed},
        "ChangeRun": {"type": "object", "required": list(shown), "properties": shown},
        "SkippedRecord": {"type": "object", "required": list(skipped), "properties": skipped},
    }


def bulk_paths(entity: Entity, language: str) -> dict[str, Any]:
    """Return the addresses by which many records are changed, and a line of history undone."""
    listed = {
        "type": "object",
        "additionalProperties": False,
        "description": "All records of a list.",
        "properties": {
            "filter": {"type": "string"},
            "where": {"type": "object"},
            "view": {"type": "string"},
            "search": {"type": "string"},
            "without": _IDS,
        },
    }
    sent = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "action": {
                "enum": [*RIGHTS, "press"],
                "default": "update",
                "description": "`press`: a rule's button, with `rule` and `input`.",
            },
            "ids": _IDS,
            "all": listed,
            "values": {"type": "object"},
            "add": {**_LISTS, "description": "What to add to fields of several values."},
            "remove": _LISTS,
            "owner": {"type": ["integer", "null"], "description": "Who takes them over."},
            "along": {"type": "array", "items": {"type": "string"}},
            "rule": {"type": "string", "description": "`press`: the rule with the button."},
            "input": {"type": "object", "description": "`press`: what it asks, told to each."},
            "note": {"type": ["string", "null"], "maxLength": 500},
        },
    }
    done = {
        "200": json_answer("It is done", ref("ChangeRun")),
        "202": json_answer("The workers are at it", ref("ChangeRun")),
    }
    tag = entity.label.in_language(language)
    told = operation(
        f"bulk_{entity.name}", tag, "Change many records as one change set", done,
        body=sent, errors=_WRITE,
    )  # fmt: skip
    return {f"/api/v1/{entity.name}/bulk": {"post": told}} | _undo_path(entity, language)


def _undo_path(entity: Entity, language: str) -> dict[str, Any]:
    """Return the address by which one line of a record's history is taken back."""
    line = {"type": "object", "required": ["line"], "additionalProperties": False,
            "properties": {"line": ID}}  # fmt: skip
    told = operation(
        f"undo_{entity.name}", entity.label.in_language(language), "Take back one line of history",
        {"200": json_answer("What became of it", ref("ChangeRun"))},
        parameters=[NUMBER], body=line, errors=_WRITE,
    )  # fmt: skip
    return {f"/api/v1/{entity.name}/{{id}}/undo": {"post": told}}


def change_paths() -> dict[str, Any]:
    """Return the addresses of change sets and of runs."""
    return _set_paths() | _run_paths()


def _set_paths() -> dict[str, Any]:
    base = "/api/v1/changes"
    number = {"type": "integer", "minimum": 1}

    def asked(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": words, "schema": schema}

    sets, records = rows_of(ref("ChangeSet")), rows_of(ref("ChangedRecord"))
    for page in (sets, records):
        page["properties"]["next"] = _NUMBER
    records["properties"]["hidden"] = {"type": "integer", "description": "Out of one's sight."}
    after = asked("after", "`next` of the page before.", number)
    only = {"type": "object", "additionalProperties": _IDS, "description": "Ids by entity."}
    sent = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"only": only, "note": {"type": ["string", "null"], "maxLength": 500}},
    }
    done = {
        "200": json_answer("It is done", ref("ChangeRun")),
        "202": json_answer("The workers are at it", ref("ChangeRun")),
    }
    return {
        f"{base}/": {
            "get": operation(
                "list_changes", _TAG, "Change sets, the newest first",
                {"200": json_answer("Change sets", sets)},
                parameters=[after, asked("by", "Of this person.", number),
                            asked("kind", "Of this kind.", {"type": "string"})],
            )
        },
        f"{base}/{{id}}": {
            "get": operation(
                "get_change", _TAG, "One change set",
                {"200": json_answer("The change set", ref("ChangeSet"))}, parameters=[NUMBER],
            )
        },
        f"{base}/{{id}}/records": {
            "get": operation(
                "change_records", _TAG, "Its records, before and after",
                {"200": json_answer("Records", records)},
                parameters=[NUMBER, after, asked("entity", "Of this entity.", {"type": "string"})],
            )
        },
        f"{base}/{{id}}/undo": {
            "post": operation(
                "undo_change", _TAG, "Take it back, wholly or for chosen records", done,
                parameters=[NUMBER], body=sent, errors=_WRITE,
            )
        },
    }  # fmt: skip


def _run_paths() -> dict[str, Any]:
    base = "/api/v1/changes/runs"
    one: dict[str, Any] = {"parameters": [NUMBER]}
    run = json_answer("The run", ref("ChangeRun"))
    page = rows_of(ref("SkippedRecord"))
    page["properties"]["next"] = {"type": ["string", "null"]}
    runs = {"200": json_answer("The runs", rows_of(ref("ChangeRun")))}
    left_out = {"200": json_answer("Records and why", page)}
    return {
        f"{base}/": {"get": operation("list_runs", _TAG, "One's latest", runs)},
        f"{base}/{{id}}": {"get": operation("get_run", _TAG, "How far it is", {"200": run}, **one)},
        f"{base}/{{id}}/cancel": {
            "post": operation("cancel_run", _TAG, "End it", {"202": run}, errors=_WRITE, **one)
        },
        f"{base}/{{id}}/skipped": {
            "get": operation(
                "run_skipped", _TAG, "Who was left out, and why", left_out,
                parameters=[NUMBER, _AFTER],
            )
        },
    }  # fmt: skip
