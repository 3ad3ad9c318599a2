"""Where the values of records stand in a statement, for the SQL back end of expressions.

A `TableSource` is one row of an entity's table under an alias. With a guard, what lies behind a
link counts only where the asker may read the record it leads to; without one it is the system that
asks, as in row rules and stored formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database.system import working_day
from app.definitions.catalog import Catalog, Entity, Field
from app.expressions.calendar import Calendar
from app.expressions.monotone import MonotoneBase, by_base, monotone_base
from app.expressions.sources import BoundEnvironment, SQLEnvironment, SQLSource, sql_type
from app.expressions.sql import to_sql, to_where
from app.expressions.tree import Checked, Path
from app.expressions.types import NUMBER, TEXT, Kind, Type


class Release(Protocol):
    """The part of ``database.live.Release`` this room uses."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def tables(self) -> Mapping[str, sa.Table]: ...
    @property
    def numbers(self) -> Mapping[str, int]: ...
    @property
    def names(self) -> Mapping[int, str]: ...


class Guard(Protocol):
    """Says which records of an entity count."""

    def rows(self, entity: str, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Return the condition under which a row of *table* may be read, deleted or not."""

    def table(self, entity: str) -> sa.FromClause:
        """Return the entity's table as the asker may see it, under an alias of its own."""


class TableSource:
    """One row of an entity's table within a statement."""

    def __init__(
        self, release: Release, entity: str, table: sa.FromClause, guard: Guard | None = None
    ) -> None:
        self.release = release
        self.entity: Entity = release.catalog.entities[entity]
        self.table = table
        self.guard = guard

    def value(self, name: str) -> sa.ColumnElement[Any]:
        """Return a field, or a part of it (``address.city``)."""
        first, _, part = name.partition(".")
        field = self.entity.fields.get(first)
        if field is None:
            # `id`, and `parent` and `position` of lines, are columns without a field.
            return self.table.c[first]
        if part:
            return self._part(field, part)
        if field.type.name in ("formula", "through") and first not in self.table.c:
            if field.expression is None:
                raise KeyError(name)
            return self.worked_out(field.expression)
        column = self.table.c[first]
        return _as_value(field, column)

    def worked_out(self, expression: Checked) -> sa.ColumnElement[Any]:
        """Return the value of an expression over this row."""
        return to_sql(expression, self, environment(self.release.catalog))

    def holds(
        self, condition: Checked, roots: Mapping[str, SQLSource] | None = None
    ) -> sa.ColumnElement[bool]:
        """Return a condition over this row, in the form an index can serve.

        *roots* says what ``record`` and its like are, where they are not this row.
        """
        root = by_base(condition.root, self._counted_from)
        return to_where(root, self, environment(self.release.catalog, roots))

    def _counted_from(self, path: Path) -> MonotoneBase | None:
        """Return from which value of this row a formula counts days, if it does that."""
        field = None if path.root or path.hops else self.entity.fields.get(path.name)
        if field is None or field.type.name != "formula" or field.expression is None:
            return None
        return monotone_base(field.expression) if field.is_volatile else None

    def columns(self, field: Field) -> dict[str, sa.ColumnElement[Any]]:
        """Return the field's columns by name, the main one worked out where it is not stored."""
        if not field.type.stored or field.is_volatile:
            return {field.name: self.value(field.name)}
        return {column.name: self.table.c[column.name] for column in field.type.columns(field)}

    def follow(
        self, name: str, entity: str | None = None
    ) -> tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]:
        """Return the record a link leads to: its row, its table under a new alias, the join."""
        if name == "parent" and self.entity.lines_of is not None:
            target = self.entity.lines_of[0]
            link: sa.ColumnElement[Any] = self.table.c.parent
            conditions: list[sa.ColumnElement[bool]] = []
        else:
            field = self.entity.fields[name]
            target = entity or targets_of(field)[0]
            link = self.value(name)
            conditions = []
            if entity is not None and f"{name}__entity" in self.table.c:
                number = self.release.numbers[entity]
                conditions.append(self.table.c[f"{name}__entity"] == number)
        table = self._table(target)
        is_list = isinstance(link.type, sa.ARRAY)
        conditions.append(table.c.id == (sa.func.any(link) if is_list else link))
        if "deleted_at" in table.c:
            # What is in the bin counts nowhere; only its title is still shown where it is linked.
            conditions.append(table.c.deleted_at.is_(None))
        if self.guard is not None:
            conditions.append(self.guard.rows(target, table))
        return TableSource(self.release, target, table, self.guard), table, sa.and_(*conditions)

    def rows(self, over: str) -> tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]:
        """Return the records of an entity, or the row's own lines: row, table, condition."""
        lines = f"{self.entity.name}.{over}"
        entity = lines if lines in self.release.catalog.entities else over
        table = self._table(entity)
        conditions: list[sa.ColumnElement[bool]] = []
        if entity == lines:
            conditions.append(table.c.parent == self.table.c.id)
        elif "deleted_at" in table.c:
            conditions.append(table.c.deleted_at.is_(None))
        if self.guard is not None and entity != lines:
            conditions.append(self.guard.rows(entity, table))
        return TableSource(self.release, entity, table, self.guard), table, sa.and_(*conditions)

    def _table(self, entity: str) -> sa.FromClause:
        if self.guard is not None:
            return self.guard.table(entity)
        return self.release.tables[entity].alias()

    def _part(self, field: Field, part: str) -> sa.ColumnElement[Any]:
        columns = self.columns(field)
        for one in field.type.parts(field):
            if one.name == part:
                if one.column is not None:
                    return columns[one.column]
                if one.sql is not None:
                    return one.sql(columns)
        if part == "entity":
            # The name of the entity an any_link leads to.
            named = {number: name for name, number in self.release.numbers.items()}
            return sa.case(named, value=self.table.c[f"{field.name}__entity"], else_=None)
        raise KeyError(f"{field.name}.{part}")


class BoundSource:
    """A record that is only a set of values bound when the statement runs: a form not yet saved.

    The field ``customer`` is the parameter ``record_customer``; what it links to is looked up.
    """

    def __init__(self, release: Release, entity: str, guard: Guard | None = None) -> None:
        self.release = release
        self.entity: Entity = release.catalog.entities[entity]
        self.guard = guard

    def value(self, name: str) -> sa.ColumnElement[Any]:
        """Return the parameter of a field or a part of it."""
        first, _, part = name.partition(".")
        field = self.entity.fields.get(first)
        type_: Type = NUMBER if field is None or field.value is None else field.value
        for word in part.split(".") if part else ():
            type_ = type_.parts.get(word, TEXT)
        bound_type = sa.BigInteger() if first in ("id", "parent") else sql_type(type_)
        return sa.bindparam(f"record_{name.replace('.', '_')}", type_=bound_type)

    def follow(
        self, name: str, entity: str | None = None
    ) -> tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]:
        """Return the record a link of the form leads to; of a row of lines, the one around it."""
        if name == "parent" and self.entity.lines_of is not None:
            target = self.entity.lines_of[0]
        else:
            target = entity or targets_of(self.entity.fields[name])[0]
        guard = self.guard
        table = guard.table(target) if guard else self.release.tables[target].alias()
        condition = table.c.id == self.value(name)
        if self.guard is not None:
            condition = sa.and_(condition, self.guard.rows(target, table))
        return TableSource(self.release, target, table, self.guard), table, condition

    def rows(self, over: str) -> tuple[TableSource, sa.FromClause, sa.ColumnElement[bool]]:
        """Return the records of an entity; a form's own lines are not in the database."""
        guard = self.guard
        table = guard.table(over) if guard else self.release.tables[over].alias()
        condition = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
        return TableSource(self.release, over, table, self.guard), table, condition


def targets_of(field: Field) -> tuple[str, ...]:
    """Return the entities whose records a field names, worked-out fields included."""
    targets = field.type.targets(field)
    if targets or field.value is None:
        return targets
    one = field.value.item if field.value.kind is Kind.many else field.value
    return one.entities if one is not None and one.kind is Kind.record else ()


def is_any_link(field: Field) -> bool:
    """Whether a value names a record of one of several entities."""
    return field.value is not None and field.value.is_any_link


def _as_value(field: Field, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column in the form expressions take it for, where it is kept in another."""
    kind = field.value.kind if field.value is not None else None
    item = field.value.item.kind if field.value is not None and field.value.item else None
    if isinstance(column.type, JSONB) and kind is Kind.many:
        return _texts_of(field, column)
    if isinstance(column.type, sa.Integer) and kind is Kind.text:
        # The number of a file; nothing but whether there is one means anything to people.
        return sa.cast(column, sa.Text)
    is_numbers = isinstance(column.type, sa.ARRAY) and isinstance(column.type.item_type, sa.Integer)
    return sa.cast(column, ARRAY(sa.Text)) if is_numbers and item is Kind.text else column


def _texts_of(field: Field, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the numbers or addresses of a list that also knows their kinds."""
    each = sa.func.jsonb_array_elements(column).column_valued("each")
    text = each.op("->>")(field.type.key)  # type: ignore[attr-defined]
    return sa.func.array(sa.select(text).scalar_subquery(), type_=ARRAY(sa.Text))


def environment(catalog: Catalog, roots: Mapping[str, SQLSource] | None = None) -> SQLEnvironment:
    """Return what every statement knows: `now`, `today`, `me` and their like, as parameters."""
    return BoundEnvironment(calendar_of(catalog), roots=dict(roots or {}), working_days=working_day)


def calendar_of(catalog: Catalog) -> Calendar:
    """Return the business calendar of app.yaml."""
    return catalog.app.business_calendar
