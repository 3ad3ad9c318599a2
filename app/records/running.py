"""Run reading statements: the values of the asker, the fence against slow plans, errors in words.

A statement that fails because the catalog has just changed is not repeated here; `door` reloads the
catalog and asks the whole question again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from psycopg import errors as pg

from app.access.principal import Principal
from app.clock import Clock
from app.database.statements import Statement
from app.definitions.catalog import Catalog
from app.errors import Malformed, Unavailable
from app.expressions.calendar import Calendar
from app.texts import say

#: The catalog this process knows is not the one the tables have: reload it and ask again.
STALE = (
    pg.UndefinedColumn,
    pg.UndefinedTable,
    pg.FeatureNotSupported,
    pg.DatatypeMismatch,
    pg.UndefinedFunction,
)


class Pools(Protocol):
    """The part of ``database.pools.Pools`` this room uses."""

    @property
    def read(self) -> Any: ...


class TooSlow(Exception):
    """A fenced statement reached its fence."""


class Runner:
    """Runs statements that read, for one asker at a time."""

    def __init__(self, pools: Pools, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock

    def values(
        self, statement: Statement, principal: Principal, catalog: Catalog
    ) -> dict[str, Any]:
        """Return the parameters of a statement that stand for the asker, the time and app.yaml."""
        found: dict[str, Any] = dict(statement.fixed)
        for name, value in statement.fixed.items():
            if value is None:
                found[name] = self._value(name, principal, catalog)
        return found

    def _value(self, name: str, principal: Principal, catalog: Catalog) -> Any:
        known = _ASKER.get(name)
        if known is not None:
            return known(principal)
        if name == "now":
            return self._clock.now()
        if name == "today":
            return Calendar(time_zone=catalog.app.time_zone).day(self._clock.now())
        if name.startswith("my_"):
            return _of_record(principal.my, name[3:])
        if name.startswith("app_"):
            return catalog.app.values.get(name[4:])
        return None

    def run(
        self,
        statement: Statement,
        values: Mapping[str, Any],
        *,
        fenced: bool = False,
        first: Statement | None = None,
    ) -> psycopg.Cursor[Any]:
        """Run a statement and return its cursor, all rows fetched.

        *first* is run before it in the same transaction, to set what it depends on.

        Raises:
            TooSlow: it is *fenced* and took longer than a list may take.
            Unavailable: the database does not answer, or not in time.
            Malformed: a value does not fit its place.
        """
        pool = self._pools.fenced if fenced else self._pools.read
        with translated(fenced=fenced), pool.connection() as connection:
            if first is None:
                return connection.execute(statement.text, values)
            with connection.transaction():
                first.run(connection)
                return connection.execute(statement.text, values)


def _of_record(record: Mapping[str, Any], name: str) -> Any:
    value = record.get(name)
    return list(value) if isinstance(value, tuple) else value


_ASKER: Mapping[str, Callable[[Principal], Any]] = {
    "me": lambda principal: principal.user_id,
    "subordinates": lambda principal: list(principal.subordinates),
    "departments": lambda principal: list(principal.departments),
    "department_tree": lambda principal: list(principal.department_tree),
}


@contextmanager
def translated(*, fenced: bool = False) -> Iterator[None]:
    """Turn the driver's errors into those people read.

    Raises:
        Unavailable: the database does not answer, or not in time.
        Malformed: a value does not fit its place.
    """
    try:
        yield
    except pg.QueryCanceled as error:
        if fenced:
            raise TooSlow from error
        raise Unavailable(
            say(
                "This list takes too long. Narrow it with a filter, or sort by another field.",
                "查询耗时过长，请增加筛选条件或更换排序字段。",
            )
        ) from error
    except STALE:
        raise
    except (pg.DataError, pg.ProgrammingError) as error:
        if isinstance(error, pg.DataError):
            raise Malformed(
                say("A value of the request is out of range.", "请求中的某个值超出范围。")
            ) from error
        raise
    except psycopg.OperationalError as error:
        raise Unavailable from error
