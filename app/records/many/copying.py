"""Rows on their way into a table by COPY, as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from app.records.prepared import encode
from app.records.statements import json_text

#: Stands for what is empty; nobody types it.
EMPTY = "\x02\x02"
#: So many lines go to the server at a time.
_PART = 250
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Copy:
    """COPY into some columns of one table."""

    def __init__(self, table: sa.Table, names: Sequence[str]) -> None:
        self.names = tuple(names)
        whole = [table.schema, table.name] if table.schema else [table.name]
        self._text = sql.SQL("COPY {} ({}) FROM STDIN (NULL {})").format(
            sql.Identifier(*whole),
            sql.SQL(", ").join(map(sql.Identifier, self.names)),
            sql.Literal(EMPTY),
        )
        encoders = {name: _encoder(table.c[name].type) for name in self.names}
        self._encoders = tuple((name, one, one is _plain) for name, one in encoders.items())
        self._tabs = len(self.names) - 1

    def lines(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the lines for rows given by column, part by part; a column is written as one."""
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            columns = [
                [
                    EMPTY if value is None
                    else value if plain and value.__class__ is str
                    else write(value)
                    for value in map(itemgetter(name), part)
                ]
                for name, write, plain in self._encoders
            ]  # fmt: skip
            yield from map(self.joined, zip(*columns, strict=True))

    def joined(self, cells: Sequence[str]) -> str:
        """Return the line for cells that are texts already."""
        line = "\t".join(cells)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != self._tabs:
            line = "\t".join([cell.translate(_ESCAPES) for cell in cells])
        return line + "\n"

    def write(self, connection: psycopg.Connection[Any], lines: Iterable[str]) -> None:
        """Write the lines; those that are made on the way are made while the server writes."""
        coming = iter(lines)
        with connection.cursor().copy(self._text) as copy:
            while part := "".join(islice(coming, _PART)):
                copy.write(part)


def _encoder(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], str]:
    """Return what writes a value of a column of a type as PostgreSQL reads it."""
    if isinstance(kind, sa.JSON):
        return json_text
    if isinstance(kind, sa.ARRAY):
        return array_text
    if isinstance(kind, sa.Boolean):
        return lambda value: "t" if value else "f"
    return _plain


def array_text(value: Any) -> str:
    """Return a list as PostgreSQL writes it."""
    return (encode(value) or b"").decode()


def _plain(value: Any) -> str:
    kind = value.__class__
    if kind is int:
        return str(value)
    if kind is Decimal:
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return array_text(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
