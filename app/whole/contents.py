"""What is taken along of a database, and how its rows are written.

A row is one line of JSON, column by column as PostgreSQL writes it: amounts exact, moments with
their offset. What two things cannot be told apart by in JSON is written so that they can: a JSON
value that is ``null`` in a column is ``{"$json": null}``, and text that is JSON stays a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

FORMAT = 1
MANIFEST = "manifest.json"
RECORDS, SYSTEM, ACCOUNTS = "records", "system", "accounts"
FILES, CONFIGURATION = "files", "configuration"

#: What a manifest of this format says, and how.
_SAID = {
    "made_at": str, "passwords": bool, "rows": int, "tables": list, "sequences": dict,
    "entities": dict, "parts": dict,
}  # fmt: skip
_OF_TABLE = {"path": str, "table": str, "rows": int, "columns": dict}

#: Of a running installation, or worked out by every apply: of no use anywhere else. Sealed with
#: the installation's own key: of no use with another.
LEFT_OUT = frozenset(
    f"trellis.{name}"
    for name in (
        "session", "attempt", "ticket", "idempotency", "process", "pending", "dirty", "migration",
        "export_run", "backup", "working_day", "apply_step", "second_factor", "recovery_code",
    )
) | {"public.ab_api_key", "public.ab_register_user"}  # fmt: skip
#: Columns that let people in.
PASSWORDS = {"public.ab_user": frozenset({"password"})}
#: What stands in their place: the hash of nothing, so nobody gets in by it.
NOBODYS = "!"
_NOTHING = '{"$json": null}'

_COLUMNS = """
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND a.attgenerated = ''
      AND (n.nspname IN ('crm', 'trellis') OR n.nspname = 'public' AND c.relname LIKE 'ab\\_%')
    ORDER BY 1, 2, a.attnum
"""
_KEYS = """
    SELECT n.nspname || '.' || c.relname, array_agg(a.attname ORDER BY k.place)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
    WHERE i.indisprimary GROUP BY 1
"""
_SEQUENCES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S'
      AND (n.nspname IN ('crm', 'trellis') OR n.nspname = 'public' AND c.relname LIKE 'ab\\_%')
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table that is taken along."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def full(self) -> str:
        """Its name with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """Its name as SQL writes it."""
        return sql.Identifier(self.schema, self.name)


def tables_of(connection: psycopg.Connection[Any], *, passwords: bool) -> Iterator[Table]:
    """Yield the tables that are taken along, with the columns that are."""
    keys = dict(connection.execute(_KEYS).fetchall())
    found: dict[tuple[str, str], list[Column]] = {}
    for schema, table, column, type_ in connection.execute(_COLUMNS).fetchall():
        found.setdefault((schema, table), []).append(Column(column, type_))
    for (schema, name), columns in found.items():
        full = f"{schema}.{name}"
        if full in LEFT_OUT:
            continue
        secret = frozenset() if passwords else PASSWORDS.get(full, frozenset())
        kept = tuple(one for one in columns if one.name not in secret)
        yield Table(schema, name, kept, tuple(keys.get(full, ())))


def sequences_of(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Return where each sequence stands: its last number, and whether that was given out."""
    found = {}
    for schema, name in connection.execute(_SEQUENCES).fetchall():
        query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
        row = connection.execute(query).fetchone()
        assert row is not None
        found[f"{schema}.{name}"] = [row[0], row[1]]
    return found


def lines_of(table: Table) -> sql.Composed:
    """Return the statement that gives the rows of a table as lines of JSON, byte by byte.

    CSV with signs for quotes and commas that no JSON holds is the JSON itself.
    """
    columns = [sql.SQL("{} AS {}").format(_outward(one), sql.Identifier(one.name))
               for one in table.columns]  # fmt: skip
    order = [sql.Identifier(name) for name in table.key]
    return sql.SQL(
        "COPY (SELECT row_to_json(r) FROM (SELECT {columns} FROM {table}{order}) r) "
        "TO STDOUT (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', ESCAPE E'\\x02')"
    ).format(
        columns=sql.SQL(", ").join(columns),
        table=table.identifier,
        order=sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(order)) if order else sql.SQL(""),
    )


def _outward(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.type == "json":
        return sql.SQL("{}::text").format(name)
    if column.type == "jsonb":
        return sql.SQL("CASE WHEN {0} = 'null'::jsonb THEN {1}::jsonb ELSE {0} END").format(
            name, sql.Literal(_NOTHING)
        )
    return name


def inward(column: Column) -> sql.Composable:
    """Return a column of what `lines_of` wrote: of the row ``r`` of the line ``s.line``."""
    name = sql.Identifier("r", column.name)
    if column.type == "json":
        return sql.SQL("(s.line ->> {})::json").format(sql.Literal(column.name))
    if column.type == "jsonb":
        return sql.SQL("CASE WHEN {0} = {1}::jsonb THEN 'null'::jsonb ELSE {0} END").format(
            name, sql.Literal(_NOTHING)
        )
    return name


def is_manifest(told: Any) -> bool:
    """Return whether something is a manifest, of whichever format."""
    return (
        isinstance(told, dict)
        and told.get("product") == "trellis"
        and _says(told, {"format": int, "revision": str})
    )


def is_sound(told: Mapping[str, Any]) -> bool:
    """Return whether a manifest of this format says all it should: nobody else may have made it."""
    return (
        _says(told, _SAID)
        and isinstance(told.get("configuration"), dict | None)
        and all(_says(one, {"sha256": str}) for one in told["parts"].values())
        and all(_says(one, _OF_TABLE) and one["path"] in told["parts"] for one in told["tables"])
        and all(_says(one, {"table": str}) and "of" in one for one in told["entities"].values())
        and all(isinstance(one, list) and len(one) == 2 for one in told["sequences"].values())
        and any(one["table"] == "public.ab_user" for one in told["tables"])
    )


def _says(told: Any, kinds: Mapping[str, type]) -> bool:
    return isinstance(told, dict) and all(
        isinstance(told.get(name), kind) for name, kind in kinds.items()
    )
