"""Statements of the hot paths, handed to libpq as they are.

psycopg's cursor adapts, waits and loads in Python, which costs more than a small query does. Here
a statement is compiled to ``$1`` style with the types of its parameters known, prepared once per
connection, and its result is read as the bytes PostgreSQL sent. Everything else goes through
psycopg's cursor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg import pq
from psycopg.adapt import Transformer
from sqlalchemy.dialects.postgresql import psycopg as dialect_module

from app.database.statements import compile_with
from app.database.together import Command, ask, hold, known_statements

_dialect = dialect_module.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

#: SQLAlchemy type -> (oid, oid of an array of it); the first that fits counts.
_OIDS: tuple[tuple[type[sa.types.TypeEngine[Any]], int, int], ...] = (
    (sa.SmallInteger, 21, 1005),
    (sa.BigInteger, 20, 1016),
    (sa.Integer, 23, 1007),
    (sa.Numeric, 1700, 1231),
    (sa.Boolean, 16, 1000),
    (sa.DateTime, 1184, 1185),
    (sa.Date, 1082, 1182),
    (sa.Time, 1083, 1183),
    (sa.Interval, 1186, 1187),
    (sa.Text, 25, 1009),
    (sa.String, 25, 1009),
)
#: PostgreSQL infers the type from the place of the parameter.
_INFERRED = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave, as Python values."""

    result: pq.abc.PGresult
    names: tuple[str, ...]
    values: list[tuple[Any, ...]]


class PreparedStatement:
    """One statement, prepared on each connection that runs it."""

    __slots__ = ("fixed", "name", "names", "oids", "text")

    def __init__(self, statement: sa.Executable) -> None:
        compiled = compile_with(statement, _dialect)
        self.text: bytes = compiled.string.encode()
        #: parameters in the order of their numbers
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self.oids = [_oid(_bind(compiled.binds, name).type) for name in self.names]
        #: values written into the statement; None for those given when it runs
        self.fixed: dict[str, Any] = {name: compiled.params[name] for name in self.names}
        # Statements that differ in their values alone have the same text, and so the same name.
        self.name: bytes = b"t_" + hashlib.blake2b(self.text, digest_size=12).hexdigest().encode()

    def run(
        self, connection: psycopg.Connection[Any], values: Mapping[str, Any]
    ) -> pq.abc.PGresult:
        """Run it on a connection in autocommit mode and return libpq's result.

        Raises:
            psycopg.Error: as psycopg would raise it.
        """
        command = self._command(values)
        try:
            return ask(connection, command)
        except pg.InvalidSqlStatementName:
            # Somebody else has deallocated everything on this connection.
            known_statements(connection).clear()
            return ask(connection, command)

    def hold(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> None:
        """Send it with the next one of the transaction; see `app.database.together`."""
        hold(connection, self._command(values))

    def part(
        self,
        connection: psycopg.Connection[Any],
        values: Mapping[str, Any],
        take: Callable[[pq.abc.PGresult], None],
    ) -> None:
        """Ask it as the last of the transaction, in one message with the COMMIT.

        *take* is called with the answer once the transaction is committed; not at all where the
        transaction sent nothing.
        """
        connection.parting = (self._command(values), take)  # type: ignore[attr-defined]

    def _command(self, values: Mapping[str, Any]) -> Command:
        given = (values[name] for name in self.names)
        # Most columns of a new record are empty.
        parameters = [None if value is None else encode(value) for value in given]
        return Command(self.text, self.name, self.oids, parameters)

    def rows(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> Rows:
        """Run it and return its rows as psycopg's cursor would load them."""
        result = self.run(connection, values)
        names = tuple((result.fname(n) or b"").decode() for n in range(result.nfields))
        return Rows(result, names, load_rows(connection, result))


def load_rows(
    connection: psycopg.Connection[Any], result: pq.abc.PGresult
) -> list[tuple[Any, ...]]:
    """Return what a statement gave, as psycopg's cursor would load it."""
    if not result.ntuples:
        return []
    # Kept on the connection: what loads the types of seventy columns is looked for once.
    loader = getattr(connection, "own_loader", None)
    if loader is None:
        loader = connection.own_loader = Transformer(connection)  # type: ignore[attr-defined]
    loader.set_pgresult(result)
    try:
        return loader.load_rows(0, result.ntuples, tuple)
    finally:
        # Rows are not kept until the next statement.
        loader.set_pgresult(None)


def _bind(binds: Mapping[str, Any], name: str) -> sa.BindParameter[Any]:
    """Return a parameter; the members of an IN list are called NAME_1, NAME_2 … when rendered."""
    found: sa.BindParameter[Any] = binds[name if name in binds else name.rpartition("_")[0]]
    return found


def _oid(type_: sa.types.TypeEngine[Any]) -> int:
    if isinstance(type_, sa.ARRAY):
        item = type_.item_type
        return next((many for kind, _, many in _OIDS if isinstance(item, kind)), _INFERRED)
    return next((one for kind, one, _ in _OIDS if isinstance(type_, kind)), _INFERRED)


# -- values --------------------------------------------------------------------------------------


def encode(value: Any) -> bytes | None:
    """Return a value in PostgreSQL's text form."""
    if value is None:
        return None
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        encoder = next(e for kind, e in _ENCODERS.items() if isinstance(value, kind))
    return encoder(value)


def _text(value: str) -> bytes:
    if "\0" in value:
        # libpq would take the text to end here.
        raise psycopg.DataError("a text cannot hold the character NUL")
    return value.encode()


def _sequence(values: Sequence[Any]) -> bytes:
    return b"{" + b",".join([_element(value) for value in values]) + b"}"


def _element(value: Any) -> bytes:
    kind = type(value)
    if kind is int:
        return b"%d" % value
    if value is None:
        return b"NULL"
    if kind is bool:
        return b"t" if value else b"f"
    if kind is datetime:
        # Nothing in it has to be escaped.
        return b'"%s"' % value.isoformat().encode()
    text = encode(value)
    if text is None:
        return b"NULL"
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_ENCODERS: Mapping[type, Callable[[Any], bytes]] = {
    int: lambda value: b"%d" % value,
    str: _text,
    bool: lambda value: b"t" if value else b"f",
    list: _sequence,
    tuple: _sequence,
    Decimal: lambda value: str(value).encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    timedelta: lambda value: (
        f"{value.days} days {value.seconds}.{value.microseconds:06} s".encode()
    ),
    time: lambda value: value.isoformat().encode(),
}
