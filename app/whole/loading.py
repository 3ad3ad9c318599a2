"""Filling tables with lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import psycopg
from psycopg import sql

from app.whole.contents import Column, Table, inward
from app.whole.former import Former

_BLOCK = 2**20
_COPY = (
    "COPY pg_temp.lines (line) FROM STDIN "
    "(FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', ESCAPE E'\\x02')"
)
_FOREIGN = """
    SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND n.nspname IN ('crm', 'trellis', 'public') ORDER BY 1, 2, 3
"""


@contextmanager
def without_foreign_keys(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let rows come in any order; the keys are there again, and hold, when the block ends."""
    keys = connection.execute(_FOREIGN).fetchall()
    for schema, table, name, _ in keys:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                sql.Identifier(schema, table), sql.Identifier(name)
            )
        )
    yield
    for schema, table, name, said in keys:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                # What PostgreSQL itself said of it a moment ago.
                sql.Identifier(schema, table), sql.Identifier(name), sql.SQL(said)
            )
        )  # fmt: skip


def load(
    connection: psycopg.Connection[Any],
    table: Table,
    columns: Mapping[str, Column],
    source: IO[bytes],
    *,
    add: bool = False,
) -> None:
    """Fill a table.

    Args:
        columns: of the lines, by the name they have there, each as it is here.
        add: leave the rows that are there.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS lines (line json NOT NULL)")
    connection.execute("TRUNCATE pg_temp.lines")
    if not add:
        # What apply, or a migration, has put there comes with the lines.
        connection.execute(sql.SQL("DELETE FROM {}").format(table.identifier))
    if not columns:
        return
    insert = _insert(table, columns)
    for lines in _lines(source):
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(lines)
        connection.execute(insert)
        connection.execute("TRUNCATE pg_temp.lines")


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines, a few mebibytes at a time."""
    left = b""
    while block := source.read(4 * _BLOCK):
        whole, end, left = (left + block).rpartition(b"\n")
        yield whole + end
    if left:
        yield left


def _insert(table: Table, columns: Mapping[str, Column]) -> sql.Composed:
    """Return the statement that unpacks lines as rows of the table's own types.

    A line is read as the columns it has, under the names it gives them.
    """
    read = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(one.type))
            for name, one in columns.items()]  # fmt: skip
    taken = [inward(Column(name, one.type)) for name, one in columns.items()]
    return sql.SQL(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE "
        "SELECT {taken} FROM pg_temp.lines s CROSS JOIN LATERAL json_to_record(s.line) AS r({read})"
    ).format(
        table=table.identifier,
        columns=sql.SQL(", ").join(sql.Identifier(one.name) for one in columns.values()),
        taken=sql.SQL(", ").join(taken),
        read=sql.SQL(", ").join(read),
    )


def set_sequences(
    connection: psycopg.Connection[Any],
    told: Mapping[str, Any],
    former: Former | None = None,
) -> None:
    """Let sequences go on where they stood; those that are not there yet wait for their table."""
    for name, (last, is_called) in told.items():
        schema, _, sequence = name.partition(".")
        now = name
        if former is not None and schema == "crm" and sequence.endswith("_id_seq"):
            now = f"{former.table(name.removesuffix('_id_seq'))}_id_seq"
        connection.execute(
            "SELECT setval(to_regclass(%s), greatest(%s, 1), %s) WHERE to_regclass(%s) IS NOT NULL",
            (_quoted(now), last, is_called, _quoted(now)),
        )


def _quoted(name: str) -> str:
    schema, _, rest = name.partition(".")
    return f'"{schema}"."{rest}"'
