"""A release: one applied catalog with its tables, as a process serves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from app.database.system import entity as entity_table
from app.database.tables import Tables, build_tables
from app.definitions.catalog import Catalog, Entity


@dataclass(frozen=True, slots=True)
class Release:
    """What everything that serves one request works with; it never changes."""

    catalog: Catalog
    tables: Tables
    #: the number in trellis.config_version; 0 for none
    version_number: int
    #: entity name -> number, for history, search, shares, any_link
    numbers: Mapping[str, int]
    #: number -> entity name
    names: Mapping[int, str] = field(default_factory=dict)
    #: the catalog as it was loaded, so that the next load can take over what did not change
    loaded: Catalog | None = None


def read_numbers(connection: sa.Connection) -> dict[str, int]:
    """Return the number of every entity by name."""
    query = sa.select(entity_table.c.name, entity_table.c.number)
    return dict(connection.execute(query).all())


def make_release(
    catalog: Catalog, version: int, numbers: Mapping[str, int], previous: Release | None = None
) -> Release:
    """Return the release of *catalog*; unchanged entities keep their objects and tables."""
    entities = {
        name: _bound(entity, numbers, previous) for name, entity in catalog.entities.items()
    }
    bound = replace(catalog, entities=entities)
    known = {name: numbers[name] for name in entities if name in numbers}
    return Release(
        catalog=bound,
        tables=build_tables(bound, previous.tables if previous else None),
        version_number=version,
        numbers=known,
        names={number: name for name, number in known.items()},
        loaded=catalog,
    )


def _bound(entity: Entity, numbers: Mapping[str, int], previous: Release | None) -> Entity:
    """Return the entity with its number: the very object of *previous* if nothing changed."""
    number = numbers.get(entity.name, 0)
    if previous is not None and previous.loaded is not None:
        before = previous.catalog.entities.get(entity.name)
        is_same = previous.loaded.entities.get(entity.name) is entity
        if before is not None and is_same and before.number == number:
            return before
    # Fields that keep an entity's number in a column of theirs are told the numbers.
    fields = {
        name: field if settings is field.settings else replace(field, settings=settings)
        for name, field in entity.fields.items()
        for settings in [field.type.bind(field.settings, numbers)]
    }
    return replace(entity, number=number, fields=fields)
