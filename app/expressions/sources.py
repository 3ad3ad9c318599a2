"""What the SQL back end needs to be told: where values stand in a statement.

The rooms that own tables implement these protocols; this room builds no table and knows none.
"""

from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine

from app.expressions.calendar import Calendar
from app.expressions.types import Kind, Type


class SQLSource(Protocol):
    """One row within a statement."""

    def value(self, name: str) -> sa.ColumnElement[Any]:
        """Return the field *name*, or a part of it (``address.city``, ``amount.base``).

        Empty is NULL, for texts as well. Numbers are integers or ``numeric``, moments are
        ``timestamptz``, durations ``interval``, records their id, many values an array. A record
        of an ``any_link`` is its id, with ``NAME.entity`` for the entity's name. ``id`` is always
        known.
        """

    def follow(
        self, name: str, entity: str | None = None
    ) -> "tuple[SQLSource, sa.FromClause, sa.ColumnElement[bool]]":
        """Return the record a link leads to: its row, its table under a new alias, the join.

        *entity* is given for an ``any_link``, which leads to several.
        """

    def rows(self, over: str) -> "tuple[SQLSource, sa.FromClause, sa.ColumnElement[bool]]":
        """Return the records of an entity, or the row's own lines: row, table, condition.

        The condition leaves out what is in the bin and, for lines, what belongs to other records.
        """


class SQLEnvironment(Protocol):
    """What a statement knows besides its rows. Statements are cached, so these are parameters."""

    calendar: Calendar

    @property
    def now(self) -> sa.ColumnElement[Any]:
        """The moment."""

    @property
    def today(self) -> sa.ColumnElement[Any]:
        """The company's day."""

    @property
    def me(self) -> sa.ColumnElement[Any]:
        """The id of the user who asks."""

    def my(self, name: str, type_: Type) -> sa.ColumnElement[Any]:
        """Return a value of the user's own record."""

    def app(self, name: str, type_: Type) -> sa.ColumnElement[Any]:
        """Return a value of ``app.yaml``."""

    def root(self, name: str) -> SQLSource | None:
        """Return what ``record old new each input`` mean, None where they mean nothing.

        None for ``record`` makes it the row itself.
        """

    def working_days(self) -> sa.FromClause | None:
        """Return the table of working days: columns ``day`` and ``number`` (a running number)."""


def sql_type(type_: Type) -> TypeEngine[Any]:
    """Return the SQL type of values of a type."""
    if type_.kind is Kind.many:
        return pg.ARRAY(sql_type(type_.item) if type_.item else sa.Text())
    made: TypeEngine[Any] = _SQL_TYPES.get(type_.kind, sa.Text)()
    return made


_SQL_TYPES: dict[Kind, Any] = {
    Kind.number: sa.Numeric,
    Kind.money: sa.Numeric,
    Kind.percent: sa.Numeric,
    Kind.boolean: sa.Boolean,
    Kind.date: sa.Date,
    Kind.datetime: lambda: pg.TIMESTAMP(timezone=True),
    Kind.time: sa.Time,
    Kind.duration: pg.INTERVAL,
    Kind.record: sa.BigInteger,
}


class BoundEnvironment:
    """An environment of named parameters: ``now today me my_… app_…`` (dots become ``_``).

    Whoever runs the statement gives their values; ``working_days`` is the table, if there is one.
    """

    def __init__(
        self,
        calendar: Calendar,
        *,
        roots: dict[str, SQLSource] | None = None,
        working_days: sa.FromClause | None = None,
    ) -> None:
        self.calendar = calendar
        self._roots = roots or {}
        self._working_days = working_days

    @property
    def now(self) -> sa.ColumnElement[Any]:
        """The parameter ``now``."""
        return sa.bindparam("now", type_=pg.TIMESTAMP(timezone=True))

    @property
    def today(self) -> sa.ColumnElement[Any]:
        """The parameter ``today``."""
        return sa.bindparam("today", type_=sa.Date())

    @property
    def me(self) -> sa.ColumnElement[Any]:
        """The parameter ``me``."""
        return sa.bindparam("me", type_=sa.BigInteger())

    def my(self, name: str, type_: Type) -> sa.ColumnElement[Any]:
        """Return the parameter ``my_NAME``."""
        return sa.bindparam(f"my_{name.replace('.', '_')}", type_=sql_type(type_))

    def app(self, name: str, type_: Type) -> sa.ColumnElement[Any]:
        """Return the parameter ``app_NAME``."""
        return sa.bindparam(f"app_{name.replace('.', '_')}", type_=sql_type(type_))

    def root(self, name: str) -> SQLSource | None:
        """Return what was given for the name."""
        return self._roots.get(name)

    def working_days(self) -> sa.FromClause | None:
        """Return the table that was given."""
        return self._working_days
