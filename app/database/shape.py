"""The live shape of schema ``crm``: what PostgreSQL says is there now.

Read in five statements whatever the number of tables. Nothing here knows what ought to be there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.database.ddl import SCHEMA

_COLUMNS = sa.text(
    """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind IN ('r', 'p')
          AND (:everything OR c.relname = ANY(:tables))
    """
)
_TABLES = sa.text(
    """
    SELECT relname, greatest(reltuples, 0)::bigint FROM pg_class
    WHERE relnamespace = to_regnamespace(:schema) AND relkind IN ('r', 'p')
          AND (:everything OR relname = ANY(:tables))
    """
)
_INDEXES = sa.text(
    """
    SELECT t.relname, i.relname, x.indisvalid AND x.indisready, x.indisunique
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = to_regnamespace(:schema) AND NOT x.indisprimary
          AND (:everything OR t.relname = ANY(:tables))
    """
)
_CONSTRAINTS = sa.text(
    """
    SELECT t.relname, o.conname, o.contype::text, o.convalidated
    FROM pg_constraint o JOIN pg_class t ON t.oid = o.conrelid
    WHERE t.relnamespace = to_regnamespace(:schema) AND o.contype IN ('f', 'c')
          AND (:everything OR t.relname = ANY(:tables))
    """
)
_TRIGGERS = sa.text(
    """
    SELECT t.relname, g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
    WHERE t.relnamespace = to_regnamespace(:schema) AND NOT g.tgisinternal
          AND (:everything OR t.relname = ANY(:tables))
    """
)


@dataclass(frozen=True, slots=True)
class LiveColumn:
    type: str
    not_null: bool
    default: str | None


@dataclass(slots=True)
class LiveTable:
    """One table as it is."""

    columns: dict[str, LiveColumn] = field(default_factory=dict)
    #: index -> whether it may be used
    indexes: dict[str, bool] = field(default_factory=dict)
    unique: set[str] = field(default_factory=set)
    #: foreign keys and checks -> whether they hold for every row
    keys: dict[str, bool] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    #: PostgreSQL's estimate
    rows: int = 0


Shape = Mapping[str, LiveTable]


def read_shape(connection: sa.Connection, only: Collection[str] | None = None) -> Shape:
    """Return the tables of schema ``crm`` by name: all of them, or those that *only* names."""
    asked = {"schema": SCHEMA, "everything": only is None, "tables": list(only or ())}
    tables = {name: LiveTable(rows=rows) for name, rows in connection.execute(_TABLES, asked).all()}
    for table, name, type_, not_null, default in connection.execute(_COLUMNS, asked).all():
        tables[table].columns[name] = LiveColumn(type_.replace(", ", ","), not_null, default)
    for table, name, usable, unique in connection.execute(_INDEXES, asked).all():
        tables[table].indexes[name] = usable
        if unique:
            tables[table].unique.add(name)
    for table, name, kind, valid in connection.execute(_CONSTRAINTS, asked).all():
        live = tables[table]
        (live.keys if kind == "f" else live.checks)[name] = valid
    for table, name in connection.execute(_TRIGGERS, asked).all():
        tables[table].triggers.add(name)
    return tables
