"""Requests of persons as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import json_answer, operation
from app.api.openapi_schemas import ID, object_of, ref

_TAG = "Personal data"
_ERRORS = (400, 401, 403, 404, 413, 415, 422, 500, 503)
_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time"}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
_RECORDS = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": ID, "minItems": 1},
    "description": "Numbers by entity.",
    "minProperties": 1,
}
_WHY = {**_TEXT, "minLength": 1, "maxLength": 1000, "description": "Stands in the register."}


def personal_schemas() -> dict[str, Any]:
    """Return what is found of a person, and a line of the register."""
    record = object_of(
        entity=_TEXT,
        id=ID,
        title=_TEXT,
        in_bin={"type": "boolean"},
        by={"type": "array", "items": _TEXT, "description": "Fields, or `history`, `text`."},
        held={"type": ["string", "null"], "description": "Why it stays as it is."},
    )
    export = object_of(
        happened_at=_MOMENT,
        user={"type": ["integer", "null"]},
        entity=_TEXT,
        rows={"type": "integer"},
    )
    act = object_of(
        id=ID,
        kind={"enum": ["found", "exported", "corrected", "anonymised", "held", "released"]},
        user={"type": ["integer", "null"]},
        happened_at=_MOMENT,
        why=_TEXT,
        records={"type": "object", "additionalProperties": {"type": "array", "items": ID}},
        counts=_COUNTS,
    )
    found = object_of(
        records={"type": "array", "items": record},
        mentions={"type": "array", "items": record},
        elsewhere={**_COUNTS, "description": "Rows beside the records, by place."},
        exports={"type": "array", "items": export},
    )
    return {"Person": found, "PersonAct": act}


def personal_paths() -> dict[str, Any]:
    """Return the addresses of the desk for requests of persons."""

    def act(name: str, summary: str, answer: dict[str, Any], **body: Any) -> dict[str, Any]:
        needed = [key for key in ("text", "records", "why", "values") if key in body]
        schema = {
            "type": "object",
            "required": needed,
            "properties": body,
            "additionalProperties": False,
        }
        return {
            "post": operation(
                f"person_{name}", _TAG, summary, {"200": answer}, body=schema, errors=_ERRORS
            )
        }

    def count(word: str) -> dict[str, Any]:
        return json_answer("Done", object_of(**{word: {"type": "integer"}}))

    base, chosen = "/api/v1/personal", {"records": _RECORDS, "why": _WHY}
    zip_answer = {
        "description": "A zip: a page to read, lines of JSON, files",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
    rows = {"type": "array", "items": ref("PersonAct")}
    page = object_of(rows=rows, next={"type": ["integer", "null"]})
    moment = {"type": "string", "format": "date-time"}
    read = object_of(
        user=ID,
        entity={"type": "string"},
        id={"type": ["integer", "null"], "description": "Empty: lists."},
        times={"type": "integer"},
        rows={"type": "integer", "description": "Records that were shown."},
        first_at=moment,
        last_at=moment,
    )
    after = {"name": "after", "in": "query", "schema": ID, "description": "`next` of the page."}
    return {
        f"{base}/find": act(
            "find",
            "Everything about a person, by name, telephone number or e-mail address",
            json_answer("What was found", ref("Person")),
            text={**_TEXT, "minLength": 2, "maxLength": 200},
            deeply={"type": "boolean", "description": "Texts and history as well."},
        ),
        f"{base}/export": act("export", "Everything kept about a person", zip_answer, **chosen),
        f"{base}/correct": act(
            "correct",
            "Change a record as its person asked for",
            count("corrected"),
            **chosen,
            values={"type": "object", "minProperties": 1},
        ),
        f"{base}/anonymise": act(
            "anonymise",
            "Take a person out of records, for good",
            json_answer("How much of what", object_of(anonymised=_COUNTS)),
            **chosen,
            files={"type": "boolean", "default": True},
        ),
        f"{base}/hold": act("hold", "Keep records as they are", count("held"), **chosen),
        f"{base}/release": act("release", "Hold records no more", count("released"), **chosen),
        f"{base}/reads": {
            "get": operation(
                "person_reads",
                _TAG,
                "Who read personal data unmasked, by day, the latest first",
                {"200": json_answer("The lines", object_of(rows={"type": "array", "items": read}))},
                parameters=[
                    {"name": "entity", "in": "query", "schema": {"type": "string"}},
                    {"name": "id", "in": "query", "schema": ID},
                ],
                errors=(400, 401, 403, 404, 422, 500, 503),
            )
        },
        f"{base}/acts": {
            "get": operation(
                "person_acts",
                _TAG,
                "What was done for persons, the newest first",
                {"200": json_answer("The register", page)},
                parameters=[after],
                errors=(400, 401, 403, 422, 500, 503),
            )
        },
    }
