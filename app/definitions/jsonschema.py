"""JSON Schema of the configuration files, for editors: completion, help and errors while typing.

An editor knows a file's kind by its place: `entities/*.yaml` is an `entity`, and so on. What only
several files together show is for `trellis check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from app.definitions.action_schemas import StepSchema
from app.definitions.app_file import AppSchema
from app.definitions.config_tests import TestSchema
from app.definitions.dashboards import SCHEMAS as DASHBOARD_SCHEMAS
from app.definitions.field_schemas import FieldSchemas
from app.definitions.gather import KINDS
from app.definitions.imports import ImportSchema
from app.definitions.integrations import IntegrationSchema
from app.definitions.lifecycles import LifecycleSchema
from app.definitions.schemas import OptionListsSchema, RolesSchema, entity_schema
from app.definitions.shape import Definition, object_schema
from app.definitions.shapes import WORKFLOWS
from app.fields.base import FieldTypes

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: Which files an editor should check with the schema of a kind.
FILES: Mapping[str, str] = {
    "app": "app.yaml",
    "roles": "roles.yaml",
    "options": "options.yaml",
    "entity": "entities/*.yaml",
    "workflow": "workflows/*.yaml",
    "test": "tests/*.yaml",
    "dashboard": "dashboards/*.yaml",
    "import": "imports/*.yaml",
    "integration": "integrations/*.yaml",
}


def kind_of(name: str) -> str | None:
    """Return the kind of a file by its path in the folder; None where it has no schema."""
    name = re.sub(r"^packs/[^/]+/", "", name)
    return next((kind for kind, path in FILES.items() if fnmatchcase(name, path)), None)


def json_schema(kind: str, types: FieldTypes) -> dict[str, Any]:
    """Return the JSON Schema of one kind of file; *kind* is a key of ``FILES``."""
    made = _MAKERS[kind](types)
    title = f"Trellis configuration: {FILES[kind]}"
    return {"$schema": DIALECT, "title": title, **made}


def json_schemas(types: FieldTypes) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of all kinds of files, by kind."""
    return {kind: json_schema(kind, types) for kind in FILES}


def _of(schema: Callable[[], Definition]) -> Callable[[FieldTypes], dict[str, Any]]:
    return lambda _types: object_schema(schema())


def _entity(types: FieldTypes) -> dict[str, Any]:
    schemas = FieldSchemas(types)
    made = object_schema(entity_schema(schemas))
    made["oneOf"] = [{"required": ["entity"]}, {"required": ["extend"]}]
    made["$defs"] = _fields(schemas)
    return made


def _fields(schemas: FieldSchemas) -> dict[str, Any]:
    """Return a field as a choice by its type: each type has settings of its own."""
    found: dict[str, Any] = {}
    branches = []
    for name in schemas.types.names():
        one = object_schema(schemas.schema(name))
        one["properties"] = {"type": {"const": name}, **one["properties"]}
        one["description"] = schemas.types[name].help
        found[f"field_{name}"] = one
        branches.append(
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/field_{name}"},
            }
        )
    found["field"] = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(schemas.types.names()), "description": "Its type."}},
        "allOf": branches,
    }
    return found


def _workflow(types: FieldTypes) -> dict[str, Any]:
    schemas = FieldSchemas(types)
    made = {"lifecycle": object_schema(LifecycleSchema())}
    for kind in KINDS["workflows"]:
        if kind in WORKFLOWS:
            made[kind] = object_schema(WORKFLOWS[kind](schemas))
    return {
        "anyOf": [{"type": "object", "required": [kind]} for kind in KINDS["workflows"]],
        "allOf": [
            {"if": {"required": [kind]}, "then": {"$ref": f"#/$defs/{kind}"}} for kind in made
        ],
        "$defs": {**_fields(schemas), **made, "step": object_schema(StepSchema())},
    }


def _dashboard(_types: FieldTypes) -> dict[str, Any]:
    made = {kind: object_schema(schema()) for kind, schema in DASHBOARD_SCHEMAS.items()}
    return {
        "anyOf": [{"type": "object", "required": [kind]} for kind in made],
        "allOf": [
            {"if": {"required": [kind]}, "then": {"$ref": f"#/$defs/{kind}"}} for kind in made
        ],
        "$defs": made,
    }


_MAKERS: Mapping[str, Callable[[FieldTypes], dict[str, Any]]] = {
    "app": _of(AppSchema),
    "roles": _of(RolesSchema),
    "options": _of(OptionListsSchema),
    "entity": _entity,
    "workflow": _workflow,
    "test": _of(TestSchema),
    "import": _of(ImportSchema),
    "integration": _of(IntegrationSchema),
    "dashboard": _dashboard,
}
