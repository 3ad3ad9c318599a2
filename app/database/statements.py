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
from sqlalchemy.sql.compiler import SQLCompiler

_dialect = dialect_module.dialect()  # type: ignore[no-untyped-call]


def compile_with(statement: sa.Executable, dialect: Any) -> SQLCompiler:
    """Return the statement compiled, its values still to come."""
    compiled: SQLCompiler = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    if not (compiled.literal_execute_params or compiled.post_compile_params):
        return compiled
    # Some values are written into the text; the compiler must not miss the others meanwhile.
    # Walking misses what stands in functions in FROM and what compiling adapts; `bind_names` has
    # all that the compiler met, also where several share a name.
    for part in (*visitors.iterate(statement), *compiled.bind_names):  # type: ignore[arg-type]
        if isinstance(part, sa.BindParameter):
            part.required = False
    return statement.compile(  # type: ignore[attr-defined,no-any-return]
        dialect=dialect, compile_kwargs={"render_postcompile": True}
    )


class Statement:
    """SQL text for psycopg and the values that are the same in every call."""

    __slots__ = ("fixed", "text")

    def __init__(self, statement: sa.Executable) -> None:
        compiled = compile_with(statement, _dialect)
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
