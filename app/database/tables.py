"""The entities' tables as SQLAlchemy sees them, made from the catalog.

`build_tables` is what every statement on records starts from. A table is made when it is first
asked for and taken over from the release before if its entity did not change, so five hundred
entities cost nothing to reload. Which constraint means which fields is answered here, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from app.database import ddl
from app.database.facts import Facts, gather_facts
from app.database.indexes import checks_of, foreign_keys_of, indexes_of
from app.database.physical import PhysicalColumn, columns_of
from app.definitions.catalog import Catalog, Entity


@dataclass(frozen=True, slots=True)
class ConstraintMeaning:
    """What a violated constraint is about, so that a person can be told."""

    entity: str
    fields: tuple[str, ...]
    kind: Literal["unique", "link", "check", "required"]


class Tables(Mapping[str, sa.Table]):
    """Tables by entity name; lines under ``entity.field``."""

    def __init__(self, catalog: Catalog, previous: Tables | None = None) -> None:
        self._catalog = catalog
        self._facts: Facts | None = None
        self._lock = threading.Lock()
        self._made: dict[str, sa.Table] = {}
        self._meanings: dict[str, dict[str, ConstraintMeaning]] = {}
        self._by_table = {entity.table: name for name, entity in catalog.entities.items()}
        if previous is not None:
            self._take_over(previous)

    def _take_over(self, previous: Tables) -> None:
        before = previous._catalog.entities
        for name, table in previous._made.copy().items():
            entity = self._catalog.entities.get(name)
            if entity is not None and entity is before.get(name):
                self._made[name] = table

    def __getitem__(self, name: str) -> sa.Table:
        table = self._made.get(name)
        if table is None:
            entity = self._catalog.entities[name]
            with self._lock:
                table = self._made.get(name)
                if table is None:
                    table = self._made[name] = _build_table(entity)
        return table

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog.entities)

    def __len__(self) -> int:
        return len(self._catalog.entities)

    def __contains__(self, name: object) -> bool:
        return name in self._catalog.entities

    def constraint_meaning(self, constraint: str, table: str) -> ConstraintMeaning | None:
        """Return what a violation of *constraint* on *table* is about.

        Both come from the driver's diagnosis. None for a constraint this catalog does not ask for,
        which happens in the moment another one becomes live.
        """
        entity = self._by_table.get(table)
        if entity is None:
            return None
        meanings = self._meanings.get(entity)
        if meanings is None:
            meanings = self._meanings[entity] = self._all_meanings(self._catalog.entities[entity])
        return meanings.get(constraint)

    def column_meaning(self, column: str, table: str) -> ConstraintMeaning | None:
        """Return what a missing value in *column* of *table* is about."""
        entity = self._by_table.get(table)
        if entity is None:
            return None
        found = columns_of(self._catalog.entities[entity]).get(column)
        return None if found is None else ConstraintMeaning(entity, (found.field,), "required")

    def _all_meanings(self, entity: Entity) -> dict[str, ConstraintMeaning]:
        if self._facts is None:
            self._facts = gather_facts(self._catalog)
        columns = columns_of(entity)
        meanings = {
            index.name: ConstraintMeaning(entity.name, index.fields, "unique")
            for index in indexes_of(entity, columns, self._facts)
            if index.unique
        }
        for key in foreign_keys_of(entity, columns, self._facts):
            meanings[key.name] = ConstraintMeaning(entity.name, (key.field,), "link")
        for check in checks_of(entity, columns, self._facts):
            meanings[check.name] = ConstraintMeaning(entity.name, (check.field,), "check")
        return meanings


def build_tables(catalog: Catalog, previous: Tables | None = None) -> Tables:
    """Return the tables of *catalog*; those of unchanged entities are the ones of *previous*."""
    return Tables(catalog, previous)


def _build_table(entity: Entity) -> sa.Table:
    # Each table has its own MetaData: it can then live on in the next release, and nothing here
    # needs SQLAlchemy to follow foreign keys. Those are written by ``indexes`` and ``ddl``.
    columns = (_column(column) for column in columns_of(entity).values())
    return sa.Table(entity.table, sa.MetaData(schema=ddl.SCHEMA), *columns)


def _column(column: PhysicalColumn) -> sa.Column[object]:
    # Whether the database fills a column in decides what SQLAlchemy sends, so it has to know.
    filled_in = None if column.default is None else sa.text(column.default)
    return sa.Column(
        column.name,
        column.type,
        *([sa.Identity()] if column.identity else []),
        primary_key=column.name == "id",
        nullable=not column.not_null,
        server_default=filled_in,
        autoincrement=column.identity,
    )
