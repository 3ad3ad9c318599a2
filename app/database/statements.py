"""Statements compiled once and run on the driver's own cursor.

SQLAlchemy builds the SQL; its execution layer costs as much as a small query itself, so hot paths
keep the compiled text and hand it to psycopg together with the values of this call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row, tuple_row
from sqlalchemy.dialects.postgresql import psycopg as dialect_module
from sqlalchemy.sql import visitors

_dialect = dialect_module.dialect()  # type: ignore[no-untyped-call]


class Statement:
    """SQL text for psycopg and the values that are the same in every call."""

    __slots__ = ("fixed", "text")

    def __init__(self, statement: sa.Executable) -> None:
        for part in visitors.iterate(statement):  # type: ignore[arg-type]
            if isinstance(part, sa.BindParameter):
                # Values come when it runs; the compiler must not miss them now.
                part.required = False
        compiled = statement.compile(  # type: ignore[attr-defined]
            dialect=_dialect, compile_kwargs={"render_postcompile": True}
        )
        self.text: str = compiled.string
        #: values written into the statement; parameters without one must be given when it runs
        self.fixed: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        missing = dict.fromkeys(set(compiled.params) - set(self.fixed))
        self.fixed = {**missing, **self.fixed}

    def run(
        self, connection: psycopg.Connection[Any], values: Mapping[str, Any] | None = None
    ) -> psycopg.Cursor[Any]:
        """Run it and return the cursor, rows as tuples."""
        cursor = connection.cursor(row_factory=tuple_row)
        return cursor.execute(self.text, {**self.fixed, **values} if values else self.fixed)

    def rows(
        self, connection: psycopg.Connection[Any], values: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run it and return every row by column name."""
        cursor = connection.cursor(row_factory=dict_row)
        cursor.execute(self.text, {**self.fixed, **values} if values else self.fixed)
        return cursor.fetchall()

    def many(
        self, connection: psycopg.Connection[Any], values: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run it once for each set of values, in few round trips, without results."""
        connection.cursor().executemany(self.text, [{**self.fixed, **each} for each in values])
