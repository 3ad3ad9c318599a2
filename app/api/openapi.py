"""The API of the live catalog as OpenAPI 3.1, as one person may use it."""

from __future__ import annotations

from typing import Any

from app.access.policy import Policy
from app.definitions.catalog import Catalog, Entity, Field

_ERROR = {"$ref": "#/components/responses/Error"}
_ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def describe_api(catalog: Catalog, policy: Policy, language: str) -> dict[str, Any]:
    """Return the OpenAPI document of everything *policy* may do."""
    entities = [
        entity
        for entity in catalog.entities.values()
        if entity.lines_of is None and policy.may("read", entity.name)
    ]
    paths: dict[str, Any] = dict(_general_paths())
    schemas: dict[str, Any] = {}
    for entity in entities:
        schemas |= _schemas(catalog, entity, policy, language)
        paths |= _entity_paths(entity, policy, language)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": catalog.app.name,
            "version": catalog.fingerprint[:12],
            "description": "The API of this installation, from its configuration.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of POST /api/v1/security/login, or an API key.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "trellis"},
            },
            "schemas": {**_common_schemas(), **schemas},
            "responses": {"Error": _json("What is wrong", {"$ref": "#/components/schemas/Error"})},
        },
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _common_schemas() -> dict[str, Any]:
    messages = {"type": "array", "items": {"type": "string"}}
    return {
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "fields": {"type": "object", "additionalProperties": messages},
                        "conflict": {"type": "object"},
                        "number": {"type": "string"},
                    },
                }
            },
        }
    }


def _schemas(
    catalog: Catalog, entity: Entity, policy: Policy, language: str
) -> dict[str, dict[str, Any]]:
    """Return what a record looks like when read, and what may be written."""
    readable = policy.readable(entity.name)
    writable = set(policy.writable(entity.name))
    # `owner` is written by those who may transfer.
    if policy.may("transfer", entity.name) and "owner" in entity.fields:
        writable.add("owner")
    read = {name: _property(catalog, entity, name, policy, language) for name in readable}
    write = {name: dict(read[name]) for name in readable if name in writable}
    required = [
        name
        for name in write
        if entity.fields[name].required is True and entity.fields[name].default is None
    ]
    return {
        entity.name: {"type": "object", "properties": read},
        f"{entity.name}.write": {
            "type": "object",
            "properties": write,
            "additionalProperties": False,
            **({"required": required} if required else {}),
        },
        f"{entity.name}.change": {
            "type": "object",
            "properties": write,
            "additionalProperties": False,
        },
    }


def _property(
    catalog: Catalog, entity: Entity, name: str, policy: Policy, language: str
) -> dict[str, Any]:
    field = entity.fields[name]
    if field.type.name == "lines":
        return _lines(catalog, entity, field, policy, language)
    described = dict(field.type.json_schema(field))
    described["title"] = field.label.in_language(language)
    if field.help:
        described["description"] = field.help.in_language(language)
    if policy.field_right(entity.name, name) == "masked":
        return {"type": ["string", "array", "object", "null"], "title": described["title"]}
    return _or_null(described)


def _lines(
    catalog: Catalog, entity: Entity, field: Field, policy: Policy, language: str
) -> dict[str, Any]:
    lines = catalog.entities[f"{entity.name}.{field.name}"]
    properties = {
        name: _property(catalog, lines, name, policy, language)
        for name in policy.readable(lines.name)
    }
    return {
        "type": ["array", "null"],
        "title": field.label.in_language(language),
        "items": {"type": "object", "properties": {"id": _or_null(dict(_ID)), **properties}},
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(kind, list) and "null" not in kind:
        schema["type"] = [*kind, "null"]
    elif kind is None and ("anyOf" in schema or "oneOf" in schema):
        word = "anyOf" if "anyOf" in schema else "oneOf"
        schema[word] = [*schema[word], {"type": "null"}]
    return schema


def _query(name: str, description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema or {"type": "string"},
    }


_NUMBER = {"name": "id", "in": "path", "required": True, "schema": _ID}
_EXPAND = _query("expand", "Links to open: `customer`, `customer.level`.")
_FIELDS = _query("fields", "Names, separated by commas; all that may be read without it.")
_FILTER = _query("filter", "A condition: `level == 'a' and amount > 1000`.")
_SEARCH = _query("search", "Words to find.")
_VIEW = _query("view", "A saved view.")
_LIMIT = _query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100})
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The record's ETag; 412 if it was changed since.",
    "schema": {"type": "string"},
}


def _operation(
    entity: Entity,
    language: str,
    word: str,
    summary: str,
    answers: dict[str, Any],
    parameters: list[Any] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{word}_{entity.name}",
        "tags": [entity.label.in_language(language)],
        "summary": summary,
        "responses": {**answers, "4XX": _ERROR, "5XX": _ERROR},
    }
    if parameters:
        found["parameters"] = parameters
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def _entity_paths(entity: Entity, policy: Policy, language: str) -> dict[str, Any]:
    name = entity.name
    record = {"$ref": f"#/components/schemas/{name}"}
    page = {
        "type": "object",
        "required": ["rows", "next", "previous"],
        "properties": {
            "rows": {"type": "array", "items": record},
            "next": {"type": ["string", "null"]},
            "previous": {"type": ["string", "null"]},
            "count": {"type": "integer"},
            "capped": {"type": "boolean"},
            "estimated": {"type": "boolean"},
        },
    }
    asked = [_FIELDS, _FILTER, _query("sort", "`-amount,name`"), _LIMIT, _EXPAND, _VIEW, _SEARCH]
    asked += [
        _query("after", "The `next` of the page before."),
        _query("before", "The `previous` of the page behind."),
        _query("count", "How to count.", {"enum": ["exact", "capped", "none"]}),
    ]

    def say(word: str, summary: str, answers: dict[str, Any], *rest: Any) -> dict[str, Any]:
        return _operation(entity, language, word, summary, answers, *rest)

    one = {"200": _json("The record", record)}
    many = {"200": _json("A page", page)}
    lists: dict[str, Any] = {"get": say("list", "One page of a list", many, asked)}
    single: dict[str, Any] = {
        "get": say("get", "One record", one, [_NUMBER, _FIELDS, _EXPAND]),
    }
    paths: dict[str, Any] = {f"/api/v1/{name}/": lists, f"/api/v1/{name}/{{id}}": single}
    if policy.may("create", name) and name != "user":
        sent = {"$ref": f"#/components/schemas/{name}.write"}
        made = {"201": _json("The new record", record)}
        lists["post"] = say("create", "Write a new record", made, None, sent)
    if policy.may("update", name):
        sent = {"$ref": f"#/components/schemas/{name}.change"}
        single["patch"] = say("update", "Change a record", one, [_NUMBER, _MATCH], sent)
    if policy.may("delete", name):
        gone = {"204": {"description": "It is in the bin"}}
        single["delete"] = say("delete", "Put a record into the bin", gone, [_NUMBER, _MATCH])
    if policy.may("history", name):
        rows = {"type": "object", "properties": {"rows": {"type": "array"}}}
        told = {"200": _json("Its lines", rows)}
        paths[f"/api/v1/{name}/{{id}}/history"] = {
            "get": say("history", "Who changed what, when", told, [_NUMBER, _LIMIT])
        }
    figures = {"200": _json("The figures", {"type": "object"})}
    paths[f"/api/v1/{name}/aggregate"] = {
        "get": say(
            "aggregate",
            "Figures by group",
            figures,
            [
                _query("group_by", "Up to three: `stage`, `month(created_at)`."),
                _query("measures", "`count,sum(amount)`"),
                _FILTER,
                _VIEW,
                _SEARCH,
            ],
        )
    }
    if policy.may("create", name) or policy.may("update", name) or policy.may("delete", name):
        paths[f"/api/v1/{name}/batch"] = {
            "post": say(
                "batch",
                "Many writes at once",
                {"200": _json("What became of each", {"type": "object"})},
                None,
                _batch(),
            )
        }
    return paths


def _batch() -> dict[str, Any]:
    operation = {
        "type": "object",
        "required": ["action"],
        "properties": {
            "action": {"enum": ["create", "update", "upsert", "delete"]},
            "id": _ID,
            "version": {"type": "integer", "minimum": 1},
            "values": {"type": "object"},
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["operations"],
        "properties": {
            "operations": {"type": "array", "items": operation, "minItems": 1, "maxItems": 1000},
            "mode": {"enum": ["all", "each"]},
            "key": {"type": "string"},
        },
        "additionalProperties": False,
    }


def _general_paths() -> dict[str, Any]:
    def get(word: str, summary: str, parameters: list[Any] | None = None) -> dict[str, Any]:
        return {
            "get": {
                "operationId": word,
                "tags": ["General"],
                "summary": summary,
                **({"parameters": parameters} if parameters else {}),
                "responses": {"200": _json("Found", {"type": "object"}), "4XX": _ERROR},
            }
        }

    words = _query("q", "Words to find.", {"type": "string", "maxLength": 200})
    return {
        "/api/v1/me": get("me", "Who I am"),
        "/api/v1/meta": get("meta", "Entities, fields and rights"),
        "/api/v1/search": get("search", "Find records of any kind", [words, _LIMIT]),
    }
