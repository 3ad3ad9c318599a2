"""Which entity, field and role of the new catalog is which of the one before.

The same name is the same thing; ``was:`` makes another name the same thing, as long as the old name
is not used for something else; of several that claim it, the first has it. Lines follow the field
they stand in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.database.outline import Outline
from app.definitions.catalog import Catalog, Entity


@dataclass(frozen=True, slots=True)
class Pairs:
    """New names to old ones; a thing without a predecessor is missing."""

    entities: Mapping[str, str]
    fields: Mapping[str, Mapping[str, str]]
    roles: Mapping[str, str]

    def new_entity(self, old: str) -> str | None:
        """Return what the entity is called now, or None if it is gone."""
        return next((new for new, before in self.entities.items() if before == old), None)


def pair(old: Outline, catalog: Catalog) -> Pairs:
    """Return what became of what."""
    entities: dict[str, str] = {}
    fields: dict[str, dict[str, str]] = {}
    known: Mapping[str, Any] = old["entities"]
    # Entities before their lines, since lines are found through their field.
    for entity in sorted(catalog.entities.values(), key=lambda each: each.name.count(".")):
        before = _entity_before(entity, known, catalog, entities, fields)
        if before is not None and before not in entities.values():
            entities[entity.name] = before
            fields[entity.name] = _fields_before(entity, known[before]["fields"])
    old_roles = dict.fromkeys(old["roles"])
    roles: dict[str, str] = {}
    for role in catalog.roles.values():
        before = _before(role.name, role.was, old_roles, catalog.roles, roles)
        if before is not None:
            roles[role.name] = before
    return Pairs(entities, fields, roles)


def _entity_before(
    entity: Entity,
    known: Mapping[str, Any],
    catalog: Catalog,
    entities: Mapping[str, str],
    fields: Mapping[str, Mapping[str, str]],
) -> str | None:
    if entity.lines_of is None:
        return _before(entity.name, entity.was, known, catalog.entities, {})
    parent, field = entity.lines_of
    old_parent = entities.get(parent)
    old_field = fields.get(parent, {}).get(field)
    name = f"{old_parent}.{old_field}"
    return name if name in known else None


def _fields_before(entity: Entity, known: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in entity.fields.values():
        before = _before(field.name, field.was, known, entity.fields, found)
        if before is not None:
            found[field.name] = before
    return found


def _before(
    name: str,
    was: Sequence[str],
    known: Mapping[str, Any],
    new: Mapping[str, Any],
    found: Mapping[str, str],
) -> str | None:
    """Return what *name* was called, unless that is a new name or was found to be another's."""
    if name in known:
        return name
    if not was:
        return None
    taken = {*new, *found.values()}
    # The last name is the newest: a thing may have been renamed more than once.
    return next((old for old in reversed(was) if old in known and old not in taken), None)
