"""What can be asked, and what comes back, as OpenAPI paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.access.policy import Policy
from app.api.openapi_duplicates import merge_paths
from app.api.openapi_exports import export_paths
from app.api.openapi_schemas import ID, ref
from app.definitions.catalog import Entity

_ERRORS = {
    400: ("Malformed", "The request cannot be read"),
    401: ("NotSignedIn", "Nobody is signed in, or the token does not count any more"),
    403: ("Forbidden", "This may not be done"),
    404: ("NotFound", "There is no such thing, or it may not be seen"),
    409: ("Conflict", "Somebody else was faster, or the key was used for something else"),
    412: ("PreconditionFailed", "The record was changed since; `conflict` says what differs"),
    413: ("TooLarge", "The request is too large"),
    415: ("UnsupportedMediaType", "The body is not JSON"),
    422: ("InvalidInput", "Values break a rule; `fields` says which"),
    429: ("TooManyRequests", "Too many attempts; Retry-After says when to come back"),
    500: ("General", "A failure of ours, recorded under `number`"),
    503: ("Unavailable", "Not at the moment; Retry-After says when to come back"),
}
_READ = (400, 401, 403, 404, 500, 503)
_WRITE = (*_READ, 409, 412, 413, 415, 422)


def responses() -> dict[str, Any]:
    """Return the errors as components."""
    return {name: json_answer(text, ref("Error")) for name, text in _ERRORS.values()}


def json_answer(description: str, schema: dict[str, Any], **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
    if headers:
        found["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return found


def rows_of(items: dict[str, Any]) -> dict[str, Any]:
    rows = {"type": "array", "items": items}
    return {"type": "object", "required": ["rows"], "properties": {"rows": rows}}


def _query(
    name: str, description: str, schema: dict[str, Any] | None = None, example: str | None = None
) -> dict[str, Any]:
    found = {
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema or {"type": "string"},
    }
    return found if example is None else {**found, "example": example}


NUMBER = {"name": "id", "in": "path", "required": True, "schema": ID}
_EXPAND = _query("expand", "Links to open, separated by commas; also through links.")
_FIELDS = _query("fields", "Names, separated by commas; all that may be read without it.")
_FILTER = _query("filter", "A condition of the expression language.", example="id > 0")
_SEARCH = _query("search", "Words to find.", {"type": "string", "maxLength": 200})
_VIEW = _query("view", "A view of this entity, or the number of a saved one.")
_LIMIT = _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100})
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The record's ETag; 412 if it was changed since. Without it the last one wins.",
    "schema": {"type": "string"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key within a day gives the same answer and writes nothing again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def operation(
    name: str,
    tag: str,
    summary: str,
    answers: dict[str, Any],
    *,
    parameters: Sequence[Any] = (),
    body: dict[str, Any] | None = None,
    errors: Sequence[int] = _READ,
) -> dict[str, Any]:
    told = {
        str(status): {"$ref": f"#/components/responses/{_ERRORS[status][0]}"}
        for status in sorted(errors)
    }
    found: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "responses": {**answers, **told},
    }
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def entity_paths(entity: Entity, policy: Policy, language: str) -> dict[str, Any]:
    """Return the addresses of one entity that *policy* may use."""
    base, tag = f"/api/v1/{entity.name}", entity.label.in_language(language)
    record = ref(entity.name)

    def told(word: str, summary: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
        return operation(f"{word}_{entity.name}", tag, summary, answers, **more)

    def may(*rights: str) -> bool:
        return any(policy.may(right, entity.name) for right in rights)

    one = {"200": json_answer("The record", record, ETag="Its version")}
    gone = {"204": {"description": "Done"}}
    lists: dict[str, Any] = {
        "get": told("list", "One page of a list", _page(record), parameters=_list_parameters())
    }
    single: dict[str, Any] = {
        "get": told("get", "One record", one, parameters=[NUMBER, _FIELDS, _EXPAND])
    }
    paths: dict[str, Any] = {f"{base}/": lists, f"{base}/{{id}}": single}
    if may("create") and entity.name != "user":
        made = {
            "201": json_answer("The new record", record, ETag="Its version", Location="Its address")
        }
        sent = ref(f"{entity.name}.write")
        lists["post"] = told(
            "create", "Write a new record", made, parameters=[_KEY], body=sent, errors=_WRITE
        )
    if may("update"):
        sent = ref(f"{entity.name}.change")
        single["patch"] = told(
            "update",
            "Change a record; what is not sent stays",
            one,
            parameters=[NUMBER, _MATCH, _KEY],
            body=sent,
            errors=_WRITE,
        )
    if may("delete"):
        single["delete"] = told(
            "delete",
            "Put a record into the bin",
            gone,
            parameters=[NUMBER, _MATCH, _KEY],
            errors=(*_READ, 409, 412, 422),
        )
    paths |= _about_one(base, told, may, one, gone)
    paths |= _about_many(base, told, may, one)
    return paths


def _about_one(base: str, told: Any, may: Any, one: dict[str, Any], gone: dict[str, Any]) -> Any:
    paths: dict[str, Any] = {}
    record = f"{base}/{{id}}"
    if may("history"):
        before = _query("before", "The id of a line, to go on behind it.", ID)
        lines = {"200": json_answer("Its lines", rows_of(ref("HistoryLine")))}
        summary = "Who changed what, when; the newest first"
        limit = _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 200})
        paths[f"{record}/history"] = {
            "get": told("history", summary, lines, parameters=[NUMBER, limit, before])
        }
    people = {"200": json_answer("The people", rows_of(ref("Share")))}
    team: dict[str, Any] = {
        "get": told("team", "Whom it is shared with", people, parameters=[NUMBER])
    }
    paths[f"{record}/team"] = team
    if may("share"):
        sent = {
            "type": "object",
            "required": ["users"],
            "properties": {
                "users": {"type": "array", "items": ID, "minItems": 1, "maxItems": 1000},
                "may_edit": {"type": "boolean"},
                "until": {"type": ["string", "null"], "format": "date-time"},
            },
            "additionalProperties": False,
        }
        team["post"] = told(
            "share", "Share it", gone, parameters=[NUMBER], body=sent, errors=_WRITE
        )
        user = {"name": "user", "in": "path", "required": True, "schema": ID}
        paths[f"{record}/team/{{user}}"] = {
            "delete": told("unshare", "Take it back", gone, parameters=[NUMBER, user])
        }
    if may("restore"):
        paths[f"{record}/restore"] = {
            "post": told(
                "restore", "Take it out of the bin", one, parameters=[NUMBER], errors=_WRITE
            )
        }
    return paths


def _about_many(base: str, told: Any, may: Any, one: dict[str, Any]) -> dict[str, Any]:
    figures = [
        _query("group_by", "Up to three, separated by commas; `month(created_at)` groups by it."),
        _query("measures", "Also `sum(…)`, `avg(…)`, `min(…)`, `max(…)`.", example="count"),
        _FILTER,
        _VIEW,
        _SEARCH,
    ]
    groups = {"200": json_answer("One object for each group", rows_of({"type": "object"}))}
    paths: dict[str, Any] = {
        f"{base}/aggregate": {
            "get": told("aggregate", "Figures by group", groups, parameters=figures)
        }
    }
    if may("export"):
        asked = [_FIELDS, _FILTER, _VIEW, _SEARCH, _query("sort", "`-amount,name`.")]
        paths |= export_paths(base, told, _query, asked)
    if may("create", "update", "delete"):
        outcomes = {"200": json_answer("What became of each", rows_of(ref("Outcome")))}
        said: dict[str, Any] = {"parameters": [_KEY], "body": _BATCH, "errors": _WRITE}
        paths[f"{base}/batch"] = {"post": told("batch", "Many writes at once", outcomes, **said)}
    if may("restore"):
        asked = [_FIELDS, _LIMIT, _query("after", "`next` of the page before."), _COUNT]
        paths[f"{base}/bin"] = {
            "get": told("bin", "What is in the bin", _page({"type": "object"}), parameters=asked)
        }
    if may("transfer"):
        changed = {
            "type": "object",
            "required": ["changed"],
            "properties": {"changed": {"type": "integer"}},
        }
        answers = {"200": json_answer("How many changed hands", changed)}
        paths[f"{base}/transfer"] = {
            "post": told("transfer", "Give records away", answers, body=_TRANSFER, errors=_WRITE)
        }
    if may("merge"):
        paths |= merge_paths(base, told, json_answer, one, _WRITE)
    return paths


_COUNT = _query("count", "How to count.", {"enum": ["exact", "capped", "none"]})


def _list_parameters() -> list[dict[str, Any]]:
    return [
        _FIELDS,
        _FILTER,
        _query("sort", "Fields, separated by commas, `-` turns one round.", example="-id"),
        _LIMIT,
        _EXPAND,
        _VIEW,
        _SEARCH,
        _query("after", "The `next` of the page before."),
        _query("before", "The `previous` of the page behind."),
        _COUNT,
    ]


def _page(record: dict[str, Any]) -> dict[str, Any]:
    page = {
        "type": "object",
        "required": ["rows", "next", "previous"],
        "additionalProperties": False,
        "properties": {
            "rows": {"type": "array", "items": record},
            "next": {"type": ["string", "null"], "description": "Send it as `after`."},
            "previous": {"type": ["string", "null"], "description": "Send it as `before`."},
            "count": {"type": "integer"},
            "capped": {"type": "boolean", "description": "There are more than `count`."},
            "estimated": {"type": "boolean"},
        },
    }
    return {"200": json_answer("A page", page)}


_OPERATION = {
    "type": "object",
    "required": ["action"],
    "properties": {
        "action": {"enum": ["create", "update", "upsert", "delete"]},
        "id": {**ID, "description": "Of update and delete."},
        "version": {
            "type": "integer",
            "minimum": 1,
            "description": "Of update: refused with 409 if the record was changed since.",
        },
        "values": {"type": "object"},
    },
    "additionalProperties": False,
}
_BATCH = {
    "type": "object",
    "required": ["operations"],
    "properties": {
        "operations": {"type": "array", "items": _OPERATION, "minItems": 1, "maxItems": 1000},
        "mode": {"enum": ["all", "each"], "default": "all"},
        "key": {"type": "string", "description": "The unique field that upsert compares."},
    },
    "additionalProperties": False,
    "examples": [{"operations": [{"action": "delete", "id": 7}], "mode": "each"}],
}
_IDS = {"type": "array", "items": ID, "minItems": 1, "maxItems": 1000}
_TRANSFER = {
    "type": "object",
    "required": ["ids", "owner"],
    "properties": {
        "ids": _IDS,
        "owner": {"type": ["integer", "null"], "minimum": 1},
        "along": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"], "maxLength": 500},
    },
    "additionalProperties": False,
}


def general_paths(entities: Sequence[str]) -> dict[str, Any]:
    """Return the addresses that belong to no entity."""
    anything = {"type": "object"}

    def get(word: str, summary: str, schema: dict[str, Any], *parameters: Any) -> dict[str, Any]:
        answers = {"200": json_answer("Found", schema)}
        return {"get": operation(word, "General", summary, answers, parameters=parameters)}

    words = _query("q", "Words to find.", {"type": "string", "maxLength": 200})
    among = _query("entities", "Where: names, separated by commas.")
    if entities:
        among["example"] = entities[0]
    return {
        "/api/v1/me": get("me", "Who I am", anything),
        "/api/v1/meta": get("meta", "Entities, fields and rights", anything),
        "/api/v1/openapi.json": get("openapi", "This document", anything),
        "/api/v1/search": get(
            "search", "Records of any kind", rows_of(ref("Hit")), words, among, _LIMIT
        ),
        **_file_paths(),
        **_sign_in_paths(),
    }


def _file_paths() -> dict[str, Any]:
    binary = {"type": "string", "contentMediaType": "application/octet-stream"}
    upload = operation(
        "upload", "Files", "Keep a file", {"201": json_answer("Kept", ref("File"))}, errors=_WRITE
    )
    form = {"type": "object", "required": ["file"], "properties": {"file": binary}}
    upload["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    content = {"200": {"description": "The content", "content": {"*/*": {"schema": binary}}}}
    download = operation("download", "Files", "A file", content, parameters=[NUMBER])
    return {"/api/v1/files/": {"post": upload}, "/api/v1/files/{id}": {"get": download}}


def _sign_in_paths() -> dict[str, Any]:
    token = {"type": "string"}
    tokens = {
        "type": "object",
        "required": ["access_token"],
        "properties": {"access_token": token, "refresh_token": token},
    }
    credentials = {
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": {"type": "string", "minLength": 1, "maxLength": 1024},
            "password": {"type": "string", "minLength": 1, "maxLength": 1024, "format": "password"},
            "provider": {"enum": ["db"]},
            "refresh": {"type": "boolean", "description": "Also give a refresh token."},
            "otp": {
                "type": "string",
                "minLength": 1,
                "maxLength": 40,
                "description": "Of who has a second factor: a code of the authenticator.",
            },
        },
        "additionalProperties": False,
        "examples": [{"username": "ann", "password": "…", "refresh": True}],
    }
    answers = {"200": json_answer("Signed in", tokens)}
    errors = (400, 401, 403, 413, 415, 422, 429, 500, 503)
    login = operation(
        "login", "Signing in", "Get a token", answers, body=credentials, errors=errors
    )
    refresh = operation(
        "refresh",
        "Signing in",
        "Get another, with the refresh token",
        answers,
        errors=(401, 500, 503),
    )
    return {
        "/api/v1/security/login": {"post": {**login, "security": []}},
        "/api/v1/security/refresh": {"post": refresh},
    }
