"""What records, errors and the other answers look like, as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from app.access.policy import Policy
from app.definitions.catalog import Catalog, Entity, Field

MOST_ID = 2**63 - 1
ID: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MOST_ID}
_MESSAGES = {"type": "array", "items": {"type": "string"}}


def ref(name: str) -> dict[str, Any]:
    """Return a pointer to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(required: Iterable[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others; None: all are there."""
    return {
        "type": "object",
        "required": list(properties if required is None else required),
        "additionalProperties": False,
        "properties": properties,
    }


def common_schemas() -> dict[str, Any]:
    """Return the schemas every document has. Names of entities are small, these are not."""
    return {
        "Error": {
            "type": "object",
            "required": ["error"],
            "additionalProperties": False,
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "additionalProperties": False,
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "fields": {
                            "type": "object",
                            "description": "Sentences by field.",
                            "additionalProperties": _MESSAGES,
                        },
                        "conflict": ref("Conflict"),
                        "number": {
                            "type": "string",
                            "description": "Under which a failure of ours is in the log.",
                        },
                    },
                }
            },
            "examples": [
                {
                    "error": {
                        "code": "invalid-input",
                        "message": "Some values cannot be saved.",
                        "fields": {"name": ["Fill this in."]},
                    }
                }
            ],
        },
        "Conflict": {
            "type": "object",
            "description": "What somebody else changed since: by field, three values.",
            "required": ["version", "fields"],
            "properties": {
                "version": {"type": "integer"},
                "fields": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["opened", "now", "yours", "clash"],
                        "properties": {
                            "opened": {},
                            "now": {},
                            "yours": {},
                            "clash": {"type": "boolean"},
                        },
                    },
                },
            },
        },
        "Linked": {
            "type": "object",
            "description": "A link that `expand` opened; no title where it may not be read.",
            "required": ["id"],
            "properties": {"id": ID, "title": {"type": ["string", "null"]}},
        },
        "HistoryLine": {
            "type": "object",
            "required": ["id", "action", "version", "happened_at", "changes"],
            "properties": {
                "id": ID,
                "action": {"type": "string"},
                "version": {"type": "integer"},
                "happened_at": {"type": "string", "format": "date-time"},
                "user": _nullable(ID),
                "origin": {"type": "string"},
                "cause": {"type": ["string", "null"]},
                "change_set": _nullable(ID),
                "changes": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["before", "after"],
                        "properties": {"before": {}, "after": {}},
                    },
                },
            },
        },
        "File": {
            "type": "object",
            "required": ["id", "name", "type", "size"],
            "properties": {
                "id": ID,
                "name": {"type": "string"},
                "type": {"type": "string"},
                "size": {"type": "integer"},
            },
        },
        "Outcome": {
            "type": "object",
            "required": ["action", "id"],
            "properties": {
                "action": {"enum": ["create", "update", "upsert", "delete"]},
                "id": _nullable(ID),
                "version": {"type": "integer"},
                "status": {"type": "integer"},
                "error": {"type": "object"},
            },
        },
        "Hit": {
            "type": "object",
            "required": ["entity", "id", "title"],
            "properties": {
                "entity": {"type": "string"},
                "id": ID,
                "title": {"type": ["string", "null"]},
            },
        },
        "Share": {
            "type": "object",
            "required": ["user_id", "may_edit"],
            "properties": {
                "user_id": ID,
                "may_edit": {"type": "boolean"},
                "until": {"type": ["string", "null"]},
                "shared_by": _nullable(ID),
            },
        },
    }


def record_schemas(
    catalog: Catalog, entity: Entity, policy: Policy, language: str
) -> dict[str, dict[str, Any]]:
    """Return what a record looks like when read, and what may be written."""
    fields = entity.fields
    writable = set(policy.writable(entity.name))
    read: dict[str, Any] = {}
    for name in policy.readable(entity.name):
        read[name] = _read(catalog, entity, fields[name], policy, language)
        if name not in writable:
            read[name]["readOnly"] = True
    read["warnings"] = {**_MESSAGES, "readOnly": True, "description": "What only warns."}
    write = {
        name: _written(catalog, entity, fields[name], policy, language)
        for name in policy.readable(entity.name)
        if name in writable
    }
    required = [
        name for name in write if fields[name].required is True and fields[name].default is None
    ]
    closed = {"type": "object", "properties": write, "additionalProperties": False}
    return {
        entity.name: {
            "type": "object",
            "title": entity.label.in_language(language),
            "properties": read,
        },
        f"{entity.name}.write": {**closed, **({"required": required} if required else {})},
        f"{entity.name}.change": {**closed, "minProperties": 1},
    }


def _read(
    catalog: Catalog, entity: Entity, field: Field, policy: Policy, language: str
) -> dict[str, Any]:
    """Return a field as answers hold it: empty, masked, or opened by ``expand`` as well."""
    texts = _texts(field, language)
    if policy.field_right(entity.name, field.name) == "masked":
        return {"type": ["string", "array", "object", "null"], **texts}
    if field.type.name == "lines":
        lines = catalog.entities[f"{entity.name}.{field.name}"]
        properties = {
            name: _read(catalog, lines, lines.fields[name], policy, language)
            for name in policy.readable(lines.name)
        }
        row = {"type": "object", "properties": properties}
        return {"type": ["array", "null"], "items": row, **texts}
    schema = _without_limits(field.type.json_schema(field))
    kind = schema.get("type")
    if field.type.targets(field) and kind == "integer":
        schema = {"anyOf": [schema, ref("Linked"), {"type": "null"}]}
    elif field.type.targets(field) and kind == "array":
        items = {"anyOf": [schema.get("items", {}), ref("Linked")]}
        schema = {"anyOf": [{**schema, "items": items}, {"type": "null"}]}
    elif field.type.name in ("file", "image", "signature"):
        schema = {"anyOf": [schema, ref("File"), {"type": "null"}]}
    elif field.type.name in ("files", "images"):
        items = {"anyOf": [schema.get("items", {}), ref("File")]}
        schema = {"anyOf": [{**schema, "items": items}, {"type": "null"}]}
    else:
        schema = _nullable(schema)
    return {**schema, **texts}


def _written(
    catalog: Catalog, entity: Entity, field: Field, policy: Policy, language: str
) -> dict[str, Any]:
    """Return a field as it may be sent."""
    texts = _texts(field, language)
    if field.type.name != "lines":
        return {**_nullable(deepcopy(dict(field.type.json_schema(field)))), **texts}
    lines = catalog.entities[f"{entity.name}.{field.name}"]
    properties = {
        name: _written(catalog, lines, lines.fields[name], policy, language)
        for name in policy.writable(lines.name)
    }
    required = [name for name in properties if lines.fields[name].required is True]
    row = {
        "type": "object",
        "properties": {"id": _nullable(ID), **properties},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
    return {"type": ["array", "null"], "items": row, **texts}


def _texts(field: Field, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {"title": field.label.in_language(language)}
    if field.help:
        found["description"] = field.help.in_language(language)
    return found


#: Limits of today need not hold for what was written yesterday, and roll-ups have none.
_LIMITS = ("enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "maxItems")


def _without_limits(schema: Any) -> dict[str, Any]:
    found = deepcopy(dict(schema))
    for name in _LIMITS:
        found.pop(name, None)
    if isinstance(found.get("items"), dict):
        found["items"] = _without_limits(found["items"])
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str):
        found = {**schema, "type": [kind, "null"]}
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
        return found
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    if not schema:
        return {}
    return {"anyOf": [schema, {"type": "null"}]}
