"""Stored formulas as SQL: written into the statement that writes the row, or worked out afterwards.

A formula that reads only its own row, or links of it, stands in the INSERT or UPDATE itself. One
that asks the row's lines can be known only once those are written.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa

from app.access.sources import TableSource
from app.database.release import Release
from app.definitions.catalog import Entity, Field
from app.records.dependencies import is_stored_formula


class FormulaSource(TableSource):
    """A row whose stored formulas are written out, so that one statement works them all out."""

    def value(self, name: str) -> sa.ColumnElement[Any]:
        field = self.entity.fields.get(name)
        if field is not None and is_stored_formula(field) and field.expression is not None:
            return self.worked_out(field.expression)
        return super().value(name)


class Formulas:
    """The stored formulas of one entity."""

    def __init__(self, release: Release, entity: Entity) -> None:
        self._release = release
        self._entity = entity
        columns = release.tables[entity.name].c
        self.all: tuple[Field, ...] = tuple(
            field
            for field in entity.fields.values()
            if is_stored_formula(field) and field.expression is not None and field.name in columns
        )

    @cached_property
    def of_the_row(self) -> tuple[Field, ...]:
        """Those that can be worked out while the row is written."""
        return tuple(field for field in self.all if not self._asks_others(field, frozenset()))

    @cached_property
    def afterwards(self) -> tuple[Field, ...]:
        """Those that ask other records or the row's own lines."""
        return tuple(field for field in self.all if field not in self.of_the_row)

    def _asks_others(self, field: Field, seen: frozenset[str]) -> bool:
        expression = field.expression
        if expression is None or field.name in seen:
            return False
        if expression.asks_other_records:
            return True
        read = (self._entity.fields.get(name.partition(".")[0]) for name in expression.names)
        return any(
            self._asks_others(one, seen | {field.name})
            for one in read
            if one is not None and is_stored_formula(one)
        )

    def values(
        self, fields: tuple[Field, ...], table: sa.FromClause
    ) -> dict[str, sa.ColumnElement[Any]]:
        """Return what *fields* are for a row of *table*, by column."""
        source = FormulaSource(self._release, self._entity.name, table)
        return {
            field.name: source.worked_out(field.expression)
            for field in fields
            if field.expression is not None
        }
