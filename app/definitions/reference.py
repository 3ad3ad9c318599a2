"""Write docs/reference/keys.md, the reference of every key: `python -m app.definitions.reference`.

Everything in it comes from the schemas and the field types themselves, so it cannot become untrue;
a test compares the page with what this module would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import marshmallow as ma

from app.definitions.action_schemas import Steps, StepSchema, WaitSchema, WaitValue
from app.definitions.app_file import AppSchema
from app.definitions.config_tests import Expected, ExpectSchema
from app.definitions.field_schemas import FieldSchema, FieldSchemas
from app.definitions.imports import Columns
from app.definitions.lifecycles import LifecycleSchema
from app.definitions.names import (
    RESERVED_ENTITIES,
    RESERVED_FIELDS,
    RESERVED_LINE_FIELDS,
    RESERVED_OPTIONS,
    RESERVED_ROLES,
)
from app.definitions.options import OptionSchema, OptionsSetting
from app.definitions.schemas import Access, OptionListsSchema, RolesSchema, entity_schema
from app.definitions.shape import Definition, Items, Part, Table
from app.definitions.shapes import WORKFLOWS
from app.definitions.templates import TemplateSchema
from app.fields.base import FieldType, FieldTypes
from app.fields.settings import Setting

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "keys.md"

_HEAD = """# Reference: every key and field type

<!-- Written by `python -m app.definitions.reference`; do not edit. -->

What may stand in `app.yaml`, `roles.yaml`, `options.yaml`, `entities/`, `workflows/`, `imports/`,
`integrations/`, `dashboards/`, `tests/` and in the heads of `templates/`, key by key. The guide to
read first is [language.md](../language.md). A key in **bold** must be there.
"""

_TITLES: Mapping[str, str] = {
    "rule": "A rule",
    "approval": "An approval",
    "pool": "A pool",
    "quota": "A quota",
    "test": "A test",
    "import": "A saved import",
    "integration": "An integration",
    "dashboard": "A dashboard",
    "target": "A target",
}


def keys_page(types: FieldTypes) -> str:
    """Return the whole page."""
    schemas = FieldSchemas(types)
    roots: list[tuple[str, Definition]] = [
        ("app.yaml", AppSchema()),
        ("roles.yaml", RolesSchema()),
        ("options.yaml", OptionListsSchema()),
        ("An entity", entity_schema(schemas)),
        ("A lifecycle", LifecycleSchema()),
        *((_TITLES[kind], make(schemas)) for kind, make in WORKFLOWS.items()),
        ("The head of a template", TemplateSchema()),
    ]
    parts = [_HEAD]
    for title, root in roots:
        parts.append(f"## {title}\n")
        parts += _definition(root, set())
        if title == "An entity":
            parts.append("### A field: what every one may have\n")
            parts += _definition(_with_type(), set(), nested=False)
    parts.append("## Field types\n")
    parts += [_field_type(schemas, types[name]) for name in types.names()]
    parts.append(_reserved())
    return "\n".join(parts)


def _with_type() -> Definition:
    type_key = Setting("The field's type; see below.", required=True)
    type_key.takes = "the name of a field type"
    return type("every_field", (FieldSchema,), {"type": type_key})()  # type: ignore[no-any-return]


def _definition(schema: Definition, seen: set[type], nested: bool = True) -> Iterator[str]:
    """Yield a table of the schema's keys, its example, and the definitions in it."""
    seen.add(type(schema))
    yield _table(schema.fields)
    if schema.example:
        yield f"```yaml\n{schema.example.strip()}\n```\n"
    if not nested:
        return
    for name, setting in schema.fields.items():
        for inner, what in _inner(setting):
            if type(inner) in seen:
                continue
            yield f"### `{name}`{what}\n"
            yield from _definition(inner, seen)


def _inner(setting: Any) -> Iterator[tuple[Definition, str]]:
    if isinstance(setting, Part):
        yield setting.schema, ""
    elif isinstance(setting, Steps):
        yield StepSchema(), ": a step"
    elif isinstance(setting, WaitValue):
        yield WaitSchema(), ": until something holds"
    elif isinstance(setting, Expected):
        yield ExpectSchema(), ": what must be so"
    elif isinstance(setting, Columns):
        yield setting.of.schema, ": a column"
    elif isinstance(setting, Access):
        yield from ((one, f": {one.noun}") for one in _schemas_of(setting))
    elif isinstance(setting, Table | Items):
        yield from ((one, f": {one.noun}") for one in _schemas_of(setting))
        if isinstance(setting.of, OptionsSetting):
            yield OptionSchema(), ": an option"


def _schemas_of(setting: Table | Items) -> Iterator[Definition]:
    if isinstance(setting.of, Part):
        yield setting.of.schema


def _table(settings: Mapping[str, Any]) -> str:
    lines = ["| key | takes | what it is for |", "|---|---|---|"]
    for name, setting in settings.items():
        shown = f"**`{name}`**" if setting.required else f"`{name}`"
        lines.append(f"| {shown} | {_cell(_takes(setting))} | {_cell(_help(setting))} |")
    return "\n".join(lines) + "\n"


def _takes(setting: Any) -> str:
    takes = str(getattr(setting, "takes", "a value"))
    if isinstance(setting, Table):
        return "names, each with its settings" if isinstance(setting.of, Part) else setting.takes
    return takes


def _help(setting: Any) -> str:
    text = str(getattr(setting, "help", ""))
    default = setting.load_default
    if default is ma.missing or default is None or default is False or default == ():
        return text
    shown = "yes" if default is True else default
    return f"{text} Without it: `{shown}`."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _field_type(schemas: FieldSchemas, field_type: FieldType) -> str:
    own = schemas.own(field_type.name)
    words = f"{field_type.label.in_language('en')}. {field_type.help}".strip()
    parts = [f"### `{field_type.name}`\n", f"{words}\n"]
    if field_type.example:
        parts.append(f"```yaml\n{field_type.example.strip()}\n```\n")
    if field_type.example_json is not None:
        value = json.dumps(field_type.example_json, ensure_ascii=False)
        parts.append(f"In the API: `{value}`\n")
    if own:
        parts.append(_table(own))
    return "\n".join(parts)


def _reserved() -> str:
    groups: Iterable[tuple[str, Mapping[str, str]]] = (
        ("Fields", RESERVED_FIELDS),
        ("Fields of lines", RESERVED_LINE_FIELDS),
        ("Entities", RESERVED_ENTITIES),
        ("Roles", RESERVED_ROLES),
        ("Options and stages", RESERVED_OPTIONS),
    )
    lines = ["## Names that are taken\n", "| of | names |", "|---|---|"]
    for what, names in groups:
        lines.append(f"| {what} | {', '.join(f'`{name}`' for name in sorted(names))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    from app.fields.registry import builtin_types

    types = FieldTypes({one.name: one for one in builtin_types()})
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(keys_page(types), "utf-8")


if __name__ == "__main__":
    main()
