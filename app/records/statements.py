"""The statements of writes: prepared once per connection, handed to libpq as they are.

A save is five small statements, each of which costs psycopg's cursor more than PostgreSQL. What is
built for one call only goes through ``database.statements`` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import pq
from sqlalchemy.dialects.postgresql import JSONB

from app.database.together import BEGIN, COMMIT, ROLLBACK, ask, ask_together
from app.records.prepared import PreparedStatement, load_rows


class Answer:
    """What a statement gave: rows as tuples."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = rows
        #: rows that were given, or written
        self.rowcount = rowcount

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row."""
        return self._rows[0] if self._rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


class Statement:
    """SQL that is run often, with the values that are the same in every call."""

    __slots__ = ("_fixed", "_names", "_prepared")

    def __init__(self, statement: sa.Executable) -> None:
        self._prepared = PreparedStatement(statement)
        self._fixed = self._prepared.fixed
        self._names: tuple[str, ...] | None = None

    def run(
        self, connection: psycopg.Connection[Any], values: Mapping[str, Any] | None = None
    ) -> Answer:
        """Run it and return its rows as tuples."""
        result = self._prepared.run(connection, {**self._fixed, **(values or {})})
        return Answer(load_rows(connection, result), result.command_tuples or 0)

    def rows(
        self, connection: psycopg.Connection[Any], values: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run it and return every row by column name."""
        result = self._prepared.run(connection, {**self._fixed, **(values or {})})
        names = self._names
        if names is None:
            names = tuple((result.fname(n) or b"").decode() for n in range(result.nfields))
            self._names = names
        return [dict(zip(names, row, strict=True)) for row in load_rows(connection, result)]

    def do(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> None:
        """Run it without looking at what it gives."""
        self._prepared.run(connection, {**self._fixed, **values})

    def hold(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> None:
        """Have it run with the next one that is asked something, or with the COMMIT.

        For what cannot fail in a way that somebody would mend within the transaction.
        """
        self._prepared.hold(connection, {**self._fixed, **values})

    def many(
        self, connection: psycopg.Connection[Any], values: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run it once for each set of values."""
        for each in values:
            self.do(connection, each)


def json_text(value: Any) -> str:
    """Return a value of a JSON column as it is written; decimals are exact as texts."""
    return orjson.dumps(value, default=_exact).decode()


def _exact(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is no JSON")


def rows_of_json(
    parameter: str, columns: Mapping[str, sa.types.TypeEngine[Any]], name: str = "x"
) -> Any:
    """Return the rows of a JSON array of objects as a table, for one statement about many rows."""
    given = sa.cast(sa.bindparam(parameter, type_=sa.Text), JSONB)
    found = sa.func.jsonb_to_recordset(given).table_valued(
        *(sa.column(key, type_) for key, type_ in columns.items()), name=name
    )
    return found.render_derived(with_types=True)


@contextmanager
def transaction(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Run what is inside in a transaction that nothing surrounds."""
    connection.held = [BEGIN]  # type: ignore[attr-defined]
    try:
        yield
        if connection.held != [BEGIN]:  # type: ignore[attr-defined]
            _commit(connection)
    except BaseException:
        connection.held = None  # type: ignore[attr-defined]
        pgconn = connection.pgconn
        begun = pgconn.transaction_status != pq.TransactionStatus.IDLE
        if begun and pgconn.status == pq.ConnStatus.OK:
            ask(connection, ROLLBACK)
        raise
    finally:
        connection.held = None  # type: ignore[attr-defined]
        connection.parting = None  # type: ignore[attr-defined]


def _commit(connection: psycopg.Connection[Any]) -> None:
    parting = getattr(connection, "parting", None)
    if parting is None:
        ask(connection, COMMIT)
        return
    command, take = parting
    answer, _ = ask_together(connection, [command, COMMIT])
    take(answer)
