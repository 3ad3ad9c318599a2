"""The rows of one entity: the statements that lock and write them, values from columns and back.

Compiled once per release and entity, kept by ``RowStatements``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa

from app.database.release import Release
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldType
from app.records.closures import Closures
from app.records.dependencies import Dependencies
from app.records.fieldlists import FieldLists
from app.records.formulas import Formulas
from app.records.statements import Statement, json_text

#: A compiled statement, of whichever kind.
Kept = TypeVar("Kept")
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


class EntityRows:
    """One entity's table, as the writing half uses it."""

    def __init__(self, release: Release, entity: Entity) -> None:
        self.entity = entity
        self.table: sa.Table = release.tables[entity.name]
        self.columns = frozenset(self.table.c.keys())
        self._json = frozenset(
            column.key for column in self.table.c if isinstance(column.type, sa.JSON)
        )
        self.stored: tuple[Field, ...] = tuple(
            field
            for field in entity.fields.values()
            if field.type.stored and not field.is_volatile and field.name in self.columns
        )
        self.formulas = Formulas(release, entity)
        self.lists = FieldLists(release.catalog.app, entity, self.stored, self.columns)
        # Most types keep their value in one column as it is; those need no call.
        self._plain = tuple(f.name for f in self.stored if _is_plain(f))
        self._read_by_type = tuple(
            (f.name, f.type.reader(f)) for f in self.stored if not _is_plain(f)
        )
        self._inserts: dict[frozenset[str], Statement] = {}
        self._updates: dict[frozenset[str], Statement] = {}
        self._puts: dict[frozenset[str], Statement] = {}

    @property
    def has_bin(self) -> bool:
        """False for lines: they come and go with their record."""
        return "deleted_at" in self.columns

    def values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row's values by field."""
        values = {name: row[name] for name in self._plain}
        for name, read in self._read_by_type:
            values[name] = read(row)
        return values

    def reader(self, name: str) -> Callable[[Mapping[str, Any]], Any]:
        """Return what reads one field's value from a row."""
        reader: Callable[[Mapping[str, Any]], Any] = self.entity.fields[name].type.reader(
            self.entity.fields[name]
        )
        return reader

    def column_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns for values by field; names that are no field are columns already."""
        columns: dict[str, Any] = {}
        for name, value in values.items():
            field = self.entity.fields.get(name)
            if field is None or (field.built_in and value is not None):
                columns[name] = value
            elif name in self.columns:
                columns.update(field.type.to_columns(field, value))
        return self.as_columns(columns)

    def as_columns(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row's columns as they are written."""
        if not self._json:
            return dict(row)
        return {
            name: json_text(value) if name in self._json and value is not None else value
            for name, value in row.items()
        }

    @cached_property
    def _lock(self) -> Statement:
        chosen = sa.select(self.table).where(self.table.c.id == sa.func.any(_IDS))
        # FOR NO KEY UPDATE: rows that link here may be written meanwhile.
        return Statement(chosen.order_by(self.table.c.id).with_for_update(key_share=True))

    @cached_property
    def _lock_whole(self) -> Statement:
        chosen = sa.select(self.table).where(self.table.c.id == sa.func.any(_IDS))
        return Statement(chosen.order_by(self.table.c.id).with_for_update())

    @cached_property
    def _share(self) -> Statement:
        chosen = sa.select(self.table).where(self.table.c.id == sa.func.any(_IDS))
        return Statement(chosen.order_by(self.table.c.id).with_for_update(read=True))

    @cached_property
    def _read(self) -> Statement:
        return Statement(sa.select(self.table).where(self.table.c.id == sa.func.any(_IDS)))

    def lock(
        self, connection: psycopg.Connection[Any], ids: Iterable[int], *, whole: bool = False
    ) -> dict[int, dict[str, Any]]:
        """Lock rows in the order of their ids and return them, deleted ones included.

        With *whole*, nobody can link to them meanwhile either.
        """
        statement = self._lock_whole if whole else self._lock
        rows = statement.rows(connection, {"_ids": sorted(set(ids))})
        return {row["id"]: row for row in rows}

    def hold(
        self, connection: psycopg.Connection[Any], ids: Iterable[int]
    ) -> dict[int, dict[str, Any]]:
        """Return rows as nobody can change them before the end of the transaction."""
        rows = self._share.rows(connection, {"_ids": sorted(set(ids))})
        return {row["id"]: row for row in rows}

    def read(
        self, connection: psycopg.Connection[Any], ids: Iterable[int]
    ) -> dict[int, dict[str, Any]]:
        """Return rows without locking them."""
        rows = self._read.rows(connection, {"_ids": sorted(set(ids))})
        return {row["id"]: row for row in rows}

    def insert(
        self,
        connection: psycopg.Connection[Any],
        columns: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write a new row, its formulas with it, and return it whole.

        *parameters* are what formulas may ask for beside the row.
        """
        names = frozenset(columns)
        statement = self._inserts.get(names)
        if statement is None:
            statement = self._inserts[names] = Statement(self._insert(names))
        return statement.rows(connection, {**parameters, **columns})[0]

    def _insert(self, names: frozenset[str]) -> sa.Insert:
        ordered = sorted(names)
        if not self.formulas.of_the_row:
            new = sa.insert(self.table).values({name: self._parameter(name) for name in ordered})
            return new.returning(*self.table.c)
        row = sa.select(
            *(
                (self._typed(c.key) if c.key in names else sa.cast(sa.null(), c.type)).label(c.key)
                for c in self.table.c
            )
        ).subquery("new_row")
        worked_out = self.formulas.values(self.formulas.of_the_row, row)
        chosen = sa.select(*(row.c[name] for name in ordered), *worked_out.values())
        new = sa.insert(self.table).from_select([*ordered, *worked_out], chosen.select_from(row))
        return new.returning(*self.table.c)

    def update(
        self,
        connection: psycopg.Connection[Any],
        record_id: int,
        columns: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Change a row, its formulas with it, and return it whole; its version goes up by one."""
        names = frozenset(columns)
        statement = self._updates.get(names)
        if statement is None:
            statement = self._updates[names] = Statement(self._update(names))
        return statement.rows(connection, {**parameters, **columns, "_id": record_id})[0]

    def put(
        self,
        connection: psycopg.Connection[Any],
        record_id: int,
        columns: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write what follows from the rest of the row, and formulas; its version stays."""
        names = frozenset(columns)
        statement = self._puts.get(names)
        if statement is None:
            statement = self._puts[names] = Statement(self._update(names, counts=False))
        return statement.rows(connection, {**parameters, **columns, "_id": record_id})[0]

    def _update(self, names: frozenset[str], *, counts: bool = True) -> sa.Update:
        changes: dict[str, Any] = {name: self._parameter(name) for name in sorted(names)}
        if counts and "version" in self.columns:
            changes["version"] = self.table.c.version + 1
        wanted = sa.bindparam("_id", type_=sa.BigInteger)
        update = sa.update(self.table).where(self.table.c.id == wanted)
        if self.formulas.of_the_row:
            before = self.table.alias("before")
            row = (
                sa.select(
                    *(
                        (self._typed(c.key) if c.key in names else before.c[c.key]).label(c.key)
                        for c in self.table.c
                    )
                )
                .where(before.c.id == wanted)
                .subquery("new_row")
            )
            update = update.where(self.table.c.id == row.c.id)
            changes |= self.formulas.values(self.formulas.of_the_row, row)
        return update.values(changes).returning(*self.table.c)

    def _typed(self, name: str) -> sa.ColumnElement[Any]:
        """Return a parameter whose type PostgreSQL cannot take from where it stands."""
        return sa.cast(self._parameter(name), self.table.c[name].type)

    def _parameter(self, name: str) -> sa.BindParameter[Any]:
        return sa.bindparam(name, type_=self.table.c[name].type)


class RowStatements:
    """The ``EntityRows`` of one release."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self._entities: dict[str, EntityRows] = {}
        self._cached: dict[Hashable, Any] = {}
        self.dependencies = Dependencies(release.catalog)
        self.closures = Closures()

    def cached(self, key: Hashable, build: Callable[[], Kept]) -> Kept:
        """Return the statement kept under *key*, built on first use."""
        statement: Kept | None = self._cached.get(key)
        if statement is None:
            statement = self._cached[key] = build()
        return statement

    def __getitem__(self, entity: str) -> EntityRows:
        rows = self._entities.get(entity)
        if rows is None:
            rows = EntityRows(self.release, self.release.catalog.entities[entity])
            self._entities[entity] = rows
        return rows


def _is_plain(field: Field) -> bool:
    """Return whether a field's value is its column as it is."""
    return type(field.type).from_columns is FieldType.from_columns
