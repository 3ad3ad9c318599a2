"""Pairs that may be the same thing, scans for them, and asking by a word, as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import NUMBER, json_answer, operation
from app.api.openapi_schemas import ID, object_of, ref
from app.duplicates.checking import LONGEST, MOST, SHORTEST
from app.duplicates.desk import PAGES

_TAG = "Duplicates"
_TEXT = {"type": "string"}
_MAY_BE_TEXT = {"type": ["string", "null"]}
_MAY_BE_NUMBER = {"type": ["integer", "null"]}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}


def duplicate_schemas() -> dict[str, Any]:
    """Return a pair, a scan, and what is there already."""
    reason = object_of(
        kind={"enum": ["phone", "email", "same", "name", "host", "sound", "alike"]},
        fields={"type": "array", "items": _TEXT, "description": "The field of each record."},
    )
    pair = object_of(
        id=ID,
        score={"type": "number", "minimum": 0, "maximum": 1},
        records={"type": "array", "items": object_of(entity=_TEXT, id=ID, title=_TEXT)},
        reasons={"type": "array", "items": reason},
        found_at=_MOMENT,
    )
    scan = object_of(
        id=_MAY_BE_NUMBER,
        state={"enum": ["waiting", "running", "done", "failed", None]},
        step=_MAY_BE_NUMBER,
        steps=_MAY_BE_NUMBER,
        found=_MAY_BE_NUMBER,
        made_at=_MOMENT,
        ended_at=_MOMENT,
    )
    known = object_of(
        entity=_MAY_BE_TEXT,
        id={**_MAY_BE_NUMBER, "description": "None for a record you may not see."},
        title=_MAY_BE_TEXT,
        asked={**_TEXT, "description": "The entity whose rule found it."},
        field={**_TEXT, "description": "The field of that entity."},
        same={"type": "boolean", "description": "Whether it is equal, not only alike."},
    )
    return {"DuplicatePair": pair, "DuplicateScan": scan, "KnownRecord": known}


def duplicate_paths() -> dict[str, Any]:
    """Return the addresses."""
    base = "/api/v1/duplicates"
    scan = json_answer("How it stands", ref("DuplicateScan"))
    rows = {"type": "array", "items": ref("DuplicatePair")}
    page = object_of(rows=rows, count={"type": "integer", "description": "Up to 1,000."})
    of_group = object_of(
        score={"type": "number", "minimum": 0, "maximum": 1},
        records={"type": "array", "items": object_of(entity=_TEXT, id=ID, title=_TEXT)},
        pairs={"type": "array", "items": ref("DuplicatePair")},
    )
    groups = object_of(rows={"type": "array", "items": of_group}, count={"type": "integer"})
    asked = [
        {"name": "entity", "in": "query", "schema": _TEXT},
        {
            "name": "page",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": PAGES},
        },
    ]
    known = object_of(rows={"type": "array", "items": ref("KnownRecord")})
    return {
        f"{base}/": {
            "get": operation(
                "duplicates", _TAG, "Pairs that may be the same thing, the surest first",
                {"200": json_answer("The pairs both of which may be read", page)},
                parameters=asked,
                errors=(400, 401, 500, 503),
            )
        },
        f"{base}/groups": {
            "get": operation(
                "duplicate_groups", _TAG, "The same, pairs that hang together as one group",
                {"200": json_answer("The groups, the surest first", groups)},
                parameters=asked,
                errors=(400, 401, 500, 503),
            )
        },
        f"{base}/apart": {
            "post": operation(
                "keep_all_apart", _TAG, "Remember that each of some pairs is two things",
                {"200": json_answer("Done", object_of(apart={"type": "boolean"}))},
                body={"type": "object", "additionalProperties": False, "required": ["pairs"],
                      "properties": {
                          "pairs": {"type": "array", "items": ID, "minItems": 1},
                          "apart": {"type": "boolean"},
                      }},
                errors=(400, 401, 403, 404, 413, 415, 422, 500, 503),
            )
        },
        f"{base}/{{id}}/apart": {
            "post": operation(
                "keep_apart", _TAG, "Remember that a pair is two things, or forget it",
                {"200": json_answer("Done", object_of(apart={"type": "boolean"}))},
                parameters=[NUMBER],
                body={"type": "object", "properties": {"apart": {"type": "boolean"}},
                      "additionalProperties": False},
                errors=(400, 401, 403, 404, 413, 415, 422, 500, 503),
            )
        },
        f"{base}/scan": {
            "get": operation("scan", _TAG, "The look through all records asked for last",
                             {"200": scan}, errors=(400, 401, 500, 503)),
            "post": operation("begin_scan", _TAG, "Have all records looked through",
                              {"202": scan}, errors=(400, 401, 403, 500, 503)),
        },
        f"{base}/check": {
            "get": operation(
                "check_duplicates", _TAG,
                f"Whether something is there already; {MOST} times an hour",
                {"200": json_answer("What saving it would tell", known)},
                parameters=[
                    {"name": "q", "in": "query", "required": True,
                     "schema": {**_TEXT, "minLength": SHORTEST, "maxLength": LONGEST}},
                ],
                errors=(400, 401, 403, 429, 500, 503),
            )
        },
    }  # fmt: skip
