"""Run reading statements: the values of the asker, the fence against slow plans, errors in words.

A statement that fails because the catalog has just changed is not repeated here; `door` reloads the
catalog and asks the whole question again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.pq.abc import PGresult

from app.access.principal import Principal
from app.access.sources import calendar_of
from app.access.visibility import veiled_pools
from app.clock import Clock
from app.database.live import STALE_CATALOG
from app.database.pools import Pool, as_unavailable
from app.database.statements import Statement
from app.definitions.catalog import Catalog
from app.errors import Malformed, Unavailable
from app.records.prepared import PreparedStatement, Rows
from app.texts import say

Answer = TypeVar("Answer")

#: The catalog this process knows is not the one the tables have: reload it and ask again.
STALE = tuple(pg.lookup(code) for code in sorted(STALE_CATALOG))


class Pools(Protocol):
    """The part of ``database.pools.Pools`` this room uses."""

    @property
    def read(self) -> Pool: ...
    @property
    def fenced(self) -> Pool: ...


class TooSlow(Exception):
    """A fenced statement reached its fence."""


class Runner:
    """Runs statements that read, for one asker at a time."""

    def __init__(self, pools: Pools, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock

    def values(
        self,
        statement: Statement | PreparedStatement,
        principal: Principal,
        catalog: Catalog,
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
            return calendar_of(catalog).day(self._clock.now())
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
        try:
            with pool.connection() as connection:
                if first is None:
                    return connection.execute(statement.text, values)
                with connection.transaction():
                    first.run(connection)
                    return connection.execute(statement.text, values)
        except psycopg.Error as error:
            raise in_words(error, fenced=fenced) from error
        except UnicodeEncodeError as error:
            raise not_a_text() from error

    def stream(
        self, statement: Statement, values: Mapping[str, Any], first: Statement
    ) -> tuple[list[Any], bool]:
        """Return the rows that came until the limit of time struck, and whether it did.

        *first* sets the limit in the same transaction, from the same values. Other errors as in
        `run`.
        """
        rows: list[Any] = []
        try:
            with self._pools.read.connection() as connection, connection.transaction():
                first.run(connection, values)
                rows.extend(connection.cursor().stream(statement.text, values))
        except pg.QueryCanceled:
            return rows, True
        except psycopg.Error as error:
            raise in_words(error) from error
        except UnicodeEncodeError as error:
            raise not_a_text() from error
        return rows, False

    def run_prepared(
        self, statement: PreparedStatement, values: Mapping[str, Any], *, fenced: bool = False
    ) -> PGresult:
        """Run a statement of the hot paths and return libpq's result; errors as in `run`."""
        return self._with_connection(statement.run, values, fenced=fenced)

    def rows_prepared(
        self, statement: PreparedStatement, values: Mapping[str, Any], *, fenced: bool = False
    ) -> Rows:
        """Run a statement of the hot paths and return its rows; errors as in `run`."""
        return self._with_connection(statement.rows, values, fenced=fenced)

    def _with_connection(
        self,
        run: Callable[[Any, Mapping[str, Any]], Answer],
        values: Mapping[str, Any],
        *,
        fenced: bool,
    ) -> Answer:
        pool = self._pools.fenced if fenced else self._pools.read
        connection = pool.getconn()
        try:
            return run(connection, values)
        except psycopg.Error as error:
            raise in_words(error, fenced=fenced) from error
        except UnicodeEncodeError as error:
            raise not_a_text() from error
        finally:
            pool.putconn(connection)


def _of_record(record: Mapping[str, Any], name: str) -> Any:
    value = record.get(name)
    return list(value) if isinstance(value, tuple) else value


_ASKER: Mapping[str, Callable[[Principal], Any]] = {
    "me": lambda principal: principal.user_id,
    "subordinates": lambda principal: list(principal.subordinates),
    "departments": lambda principal: list(principal.departments),
    "department_tree": lambda principal: list(principal.department_tree),
    "pools": lambda principal: list(principal.pools),
    "pools_kept": lambda principal: list(principal.pools_kept),
    "pools_veiled": veiled_pools,
}


def not_a_text() -> Malformed:
    """Return the refusal of a text with signs that are none."""
    return Malformed(
        say("A text of the request holds a broken character.", "请求中的文本含有无效字符。")
    )


def in_words(error: psycopg.Error, *, fenced: bool = False) -> Exception:
    """Return what to raise for an error of the driver; itself where it is a bug, or stale."""
    if isinstance(error, pg.QueryCanceled):
        if fenced:
            return TooSlow()
        return Unavailable(
            say(
                "This list takes too long. Narrow it with a filter, or sort by another field.",
                "查询耗时过长，请增加筛选条件或更换排序字段。",
            )
        )
    if isinstance(error, pg.DataError):
        return Malformed(say("A value of the request is out of range.", "请求中的某个值超出范围。"))
    if isinstance(error, STALE) or not isinstance(error, psycopg.OperationalError):
        return error
    return as_unavailable(error) or Unavailable()
