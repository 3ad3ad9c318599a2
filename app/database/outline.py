"""The outline of a catalog: what the next plan has to know about the one applied before.

Kept with every version as JSON, so that a plan needs neither to read old YAML again nor to trust
that today's Trellis would read it the same way. Plain data: dictionaries, lists, texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.database.diff_limits import limits_of, rules_of
from app.database.facts import Facts, gather_facts
from app.database.indexes import checks_of, foreign_keys_of, indexes_of
from app.database.physical import (
    columns_of,
    constant_default,
    is_required,
    is_stored,
    is_worked_out,
)
from app.definitions.catalog import Catalog, Entity, Field, Rule

Outline = Mapping[str, Any]
"""``{"entities": {name: {...}}, "roles": [...], "admins": [...]}``; see `outline_of`."""

EMPTY: Outline = {"entities": {}, "roles": [], "admins": []}


def outline_of(catalog: Catalog, previous: tuple[Catalog, Outline] | None = None) -> Outline:
    """Return the outline of *catalog*; entities unchanged since *previous* are taken from there."""
    facts = gather_facts(catalog)
    known = _unchanged(catalog, facts, *previous) if previous else {}
    entities = {
        name: known[name] if name in known else _entity(entity, facts)
        for name, entity in catalog.entities.items()
    }
    return {
        "entities": entities,
        "roles": sorted(catalog.roles),
        "admins": sorted(role.name for role in catalog.roles.values() if role.admin),
    }


def _unchanged(
    catalog: Catalog, facts: Facts, old_catalog: Catalog, old: Outline
) -> dict[str, Any]:
    """Return the outlines that hold for the new catalog as well: same object, same surroundings."""
    old_facts = gather_facts(old_catalog)
    if any(facts.tables.get(name) != table for name, table in old_facts.tables.items()):
        # Links may lead to tables of other names.
        return {}
    return {
        name: old["entities"][name]
        for name, entity in catalog.entities.items()
        if old_catalog.entities.get(name) is entity
        and old_facts.roll_ups.get(name) == facts.roll_ups.get(name)
    }


def _entity(entity: Entity, facts: Facts) -> dict[str, Any]:
    columns = columns_of(entity)
    own = [field for field in entity.fields.values() if field.name in columns or not field.built_in]
    return {
        "table": entity.table,
        "lines_of": list(entity.lines_of) if entity.lines_of else None,
        "columns": {
            column.name: {
                "type": column.type_text,
                "field": column.field,
                "not_null": column.not_null,
                "default": column.default,
                "references": column.references,
            }
            for column in columns.values()
        },
        "fields": {field.name: _field(field) for field in own},
        "indexes": {
            index.name: {"columns": list(index.columns), "unique": index.unique}
            for index in indexes_of(entity, columns, facts)
        },
        "keys": {key.name: key.column for key in foreign_keys_of(entity, columns, facts)},
        "checks": {
            check.name: {"column": check.column, "condition": check.condition}
            for check in checks_of(entity, columns, facts)
        },
        "rules": [check.must.text for check in entity.checks],
        "refusing": rules_of(entity),
        "rights": _rights(entity),
        "inherit": sorted(link for link, _ in entity.inherit),
    }


def _field(field: Field) -> dict[str, Any]:
    default = constant_default(field)
    return {
        "type": field.type.name,
        "stored": is_stored(field),
        "worked_out": is_worked_out(field),
        "required": is_required(field),
        "limits": limits_of(field),
        "removed": field.removed,
        "default": None if default is None else repr(sorted(default.items())),
        "options": [option.name for option in field.options],
        "becomes": {o.name: o.becomes for o in field.options if o.becomes is not None},
        "formula": _formula(field),
    }


def _formula(field: Field) -> str | None:
    """Return what the stored values follow from, as text; None where people write them."""
    if field.expression is not None:
        return field.expression.text
    rollup = field.rollup
    if rollup is None:
        return None
    asked = [
        each.text if each is not None else "-" for each in (rollup.value, rollup.by, rollup.where)
    ]
    return " ".join([rollup.function, f"{rollup.entity}.{rollup.link}", *asked])


def _rights(entity: Entity) -> dict[str, Any]:
    """Return, by role, each right as a word and each field's right."""
    return {
        role: {
            "rights": {
                right: f"{_rule(access.scope)}/{_rule(rule)}"
                for right, rule in sorted(access.rights.items())
                if not rule.is_none
            },
            "fields": dict(sorted(access.fields.items())),
            "else": access.other_fields,
        }
        for role, access in sorted(entity.access.items())
    }


def _rule(rule: Rule) -> str:
    if rule.is_none:
        return "none"
    return " or ".join([*sorted(rule.scopes), *(each.text for each in rule.conditions)])


def main_column(outline_entity: Mapping[str, Any], field: str) -> Mapping[str, Any] | None:
    """Return the main column of a field in an outline, or None where it has none."""
    found: Mapping[str, Any] | None = outline_entity["columns"].get(field)
    return found


def columns_of_field(outline_entity: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return all columns of a field in an outline, by name."""
    return {
        name: column
        for name, column in outline_entity["columns"].items()
        if column["field"] == field
    }
