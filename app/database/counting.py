"""How many records each operation touches, and which ones stand in its way.

Reads the tables as they are now, so operations on columns that do not exist yet are counted by the
table. The texts of conditions come from ``diff`` and are made by the compiler; no value is in them
that is not in the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa

from app.database import ddl
from app.database.operations import (
    AddCheck,
    AddField,
    BuildIndex,
    BuildUnique,
    ChangeType,
    ConvertInPlace,
    DropEntity,
    DropField,
    DropLeftover,
    DropOptions,
    Narrow,
    Operation,
    Recompute,
    RenameEntity,
    RenameField,
    RenameOptions,
    RenameRole,
    Require,
)
from app.database.shape import Shape

#: How many ids a plan names.
SAMPLES = 10

_role = sa.table("ab_role", sa.column("id"), sa.column("name"), schema="public")
_user_role = sa.table("ab_user_role", sa.column("user_id"), sa.column("role_id"), schema="public")

_Any = TypeVar("_Any", bound=Operation)


def count_operations(
    connection: sa.Connection, operations: Sequence[Operation], shape: Shape
) -> list[Operation]:
    """Return the operations with their numbers."""
    counter = _Counter(connection, operations, shape)
    return [counter.count(operation) for operation in operations]


class _Counter:
    def __init__(
        self, connection: sa.Connection, operations: Sequence[Operation], shape: Shape
    ) -> None:
        self.connection = connection
        self.shape = shape
        self.sizes: dict[str, int] = {}
        #: tables by the name they have after the swap
        self.now = {o.new_table: o.table for o in operations if isinstance(o, RenameEntity)}
        self.changed = {
            (o.table, name): o
            for o in operations
            if isinstance(o, ChangeType)
            for name, _, _ in o.new_columns
        }
        self.columns_now = {
            (o.table, new): old
            for o in operations
            if isinstance(o, RenameField)
            for old, new in o.columns
        }

    def count(self, operation: _Any) -> _Any:
        kinds: dict[type, Callable[[Any], Operation]] = {
            RenameEntity: self.whole_table,
            DropEntity: self.dropped_table,
            AddField: self.whole_table,
            RenameField: self.renamed,
            ChangeType: self.changed_type,
            ConvertInPlace: self.converted,
            DropField: self.dropped,
            DropLeftover: self.leftover,
            Require: self.required,
            RenameOptions: self.options,
            DropOptions: self.dropped_options,
            BuildIndex: self.whole_table,
            BuildUnique: self.unique,
            AddCheck: self.checked,
            Narrow: self.narrowed,
            Recompute: self.whole_table,
            RenameRole: self.people,
        }
        found = kinds.get(type(operation))
        return operation if found is None else found(operation)  # type: ignore[return-value]

    # -- asking ------------------------------------------------------------------------------------

    def table(self, name: str) -> str:
        return self.now.get(name, name)

    def column(self, table: str, name: str) -> str | None:
        """Return what a column is called now, or None if it does not exist yet."""
        now = self.table(table)
        found = self.columns_now.get((now, name), name)
        return found if now in self.shape and found in self.shape[now].columns else None

    def many(self, table: str, condition: sa.ColumnElement[bool] | None = None) -> int:
        now = self.table(table)
        if now not in self.shape:
            return 0
        if condition is None and now in self.sizes:
            return self.sizes[now]
        query = sa.select(sa.func.count()).select_from(_source(now))
        if condition is not None:
            query = query.where(condition)
        number = int(self.connection.execute(query).scalar_one())
        if condition is None:
            self.sizes[now] = number
        return number

    def some(self, table: str, condition: sa.ColumnElement[bool]) -> tuple[int, ...]:
        source = _source(self.table(table))
        query = sa.select(source.c.id).where(condition).order_by(source.c.id).limit(SAMPLES)
        return tuple(self.connection.execute(query).scalars())

    def lose(self, operation: _Any, table: str, condition: sa.ColumnElement[bool]) -> _Any:
        lost = self.many(table, condition)
        return replace(operation, lost=lost, samples=self.some(table, condition) if lost else ())

    # -- one kind each -----------------------------------------------------------------------------

    def whole_table(self, operation: Any) -> Operation:
        counted: Operation = replace(operation, rows=self.many(operation.table))
        return counted

    def dropped_table(self, operation: DropEntity) -> Operation:
        return replace(operation, lost=self.many(operation.table))

    def renamed(self, operation: RenameField) -> Operation:
        filled = sa.or_(*(_filled(old) for old, _ in operation.columns))
        return replace(operation, rows=self.many(operation.table, filled))

    def changed_type(self, operation: ChangeType) -> Operation:
        filled = sa.or_(*(_filled(name) for name in operation.old_columns))
        counted = replace(operation, rows=self.many(operation.table, filled))
        if operation.is_worked_out:
            return counted
        unfit = filled if not operation.converts else sa.and_(filled, _fails(operation.fits))
        return self.lose(counted, operation.table, unfit)

    def converted(self, operation: ConvertInPlace) -> Operation:
        fits = ddl.renamed(operation.fits, {operation.column: operation.current})
        counted = replace(operation, rows=self.many(operation.table, _filled(operation.current)))
        return self.lose(counted, operation.table, _fails(fits))

    def dropped(self, operation: DropField) -> Operation:
        filled = sa.or_(*(_filled(name) for name in operation.columns))
        return self.lose(operation, operation.table, filled)

    def leftover(self, operation: DropLeftover) -> Operation:
        from app.database.diff_types import shadow_name

        names = [n for n in operation.columns if not n.endswith(shadow_name(""))]
        if not names:
            return operation
        return self.lose(operation, operation.table, sa.or_(*(_filled(name) for name in names)))

    def required(self, operation: Require) -> Operation:
        rows = self.many(operation.table)
        change = self.changed.get((self.table(operation.table), operation.column))
        if change is not None:
            return self.required_after(operation, change, rows)
        now = self.column(operation.table, operation.column)
        if now is None:
            return replace(operation, rows=rows, empty=rows)
        empty = _literal(ddl.quoted(now)).is_(None)
        number = self.many(operation.table, empty)
        samples = self.some(operation.table, empty) if number else ()
        return replace(operation, rows=rows, empty=number, samples=samples)

    def required_after(self, operation: Require, change: ChangeType, rows: int) -> Operation:
        """Count what is empty once the values are converted."""
        filled = sa.or_(*(_filled(name) for name in change.old_columns))
        empty = sa.or_(sa.not_(filled), _fails(change.fits))
        number = self.many(change.table, empty) if change.converts else rows
        return replace(operation, rows=rows, empty=number)

    def options(self, operation: RenameOptions) -> Operation:
        names = [old for old, _ in operation.names]
        conditions = []
        for name in operation.columns:
            now = self.column(operation.table, name)
            if now is not None:
                conditions.append(_holds(now, names, is_many=operation.is_many))
        number = self.many(operation.table, sa.or_(*conditions)) if conditions else 0
        return replace(operation, rows=number)

    def dropped_options(self, operation: DropOptions) -> Operation:
        holds = _holds(operation.column, operation.names, is_many=operation.is_many)
        return self.lose(operation, operation.table, holds)

    def unique(self, operation: BuildUnique) -> Operation:
        counted: BuildUnique = replace(operation, rows=self.many(operation.table))
        if any(self.column(operation.table, name) is None for name in operation.columns):
            return counted
        keys = _literal(f"({operation.keys[0]})")
        each = _literal(f"num_nulls({operation.keys[0]}) = 0")
        source = _source(self.table(operation.table))
        groups = sa.select(sa.func.min(source.c.id).label("id")).where(each).group_by(keys)
        if operation.where:
            groups = groups.where(_literal(operation.where))
        found = groups.having(sa.func.count() > 1).subquery()
        number = self.connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
        ids = sa.select(found.c.id).order_by(found.c.id).limit(SAMPLES)
        samples = tuple(self.connection.execute(ids).scalars()) if number else ()
        return replace(counted, clashes=int(number), samples=samples)

    def people(self, operation: RenameRole) -> Operation:
        """Count who has a role; the tables of accounts are another room's and may not be there."""
        there = sa.select(sa.func.to_regclass("public.ab_user_role"))
        if self.connection.execute(there).scalar_one() is None:
            return replace(operation, rows=0)
        given = sa.select(sa.func.count(sa.distinct(_user_role.c.user_id))).join_from(
            _user_role, _role, _role.c.id == _user_role.c.role_id
        )
        number = self.connection.execute(given.where(_role.c.name == operation.old)).scalar_one()
        return replace(operation, rows=int(number))

    def checked(self, operation: AddCheck) -> Operation:
        column = operation.column
        now = self.column(operation.table, column)
        if now is None or (self.table(operation.table), column) in self.changed:
            return operation
        condition = ddl.renamed(operation.condition, {column: now})
        return self.lose(operation, operation.table, sa.not_(_literal(condition)))

    def narrowed(self, operation: Narrow) -> Operation:
        now = self.column(operation.table, operation.column)
        if now is None or operation.beyond is None:
            return operation
        beyond = _literal(ddl.renamed(operation.beyond, {operation.column: now}))
        counted: Operation = self.lose(operation, operation.table, beyond)
        return counted


def _source(table: str) -> sa.TableClause:
    return sa.table(table, sa.column("id", sa.BigInteger()), schema=ddl.SCHEMA)


def _literal(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


def _filled(column: str) -> sa.ColumnElement[bool]:
    """Return whether a column holds something; an empty list is nothing."""
    quoted = _literal(ddl.quoted(column))
    as_text = sa.cast(quoted, sa.Text)
    return sa.and_(quoted.is_not(None), as_text.not_in(["{}", "[]"]))


def _fails(condition: str) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(_literal(f"({condition})"), sa.false()).is_(False)


def _holds(column: str, names: Sequence[str], *, is_many: bool) -> sa.ColumnElement[bool]:
    quoted = _literal(ddl.quoted(column))
    if is_many:
        wanted = sa.cast(sa.literal(list(names), sa.ARRAY(sa.Text)), sa.ARRAY(sa.Text))
        return quoted.op("&&", is_comparison=True)(wanted)
    return quoted.in_(list(names))
