"""Configurations made of text, and what a test does to its database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from app.database.apply import ApplyOptions, apply_catalog
from app.database.plan import Plan, make_plan
from app.database.pools import Pools
from app.database.versions import AppliedVersion
from app.definitions.catalog import Catalog
from app.definitions.load import load_files
from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

ROLES = """
roles:
  sales: {scope: own, may: [create, read, update]}
  admin: {admin: yes}
"""


def field_types() -> FieldTypes:
    return FieldTypes({each.name: each for each in builtin_types()})


def files_from(entities: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a configuration; an entity is given as the lines below its name."""
    files = {"app.yaml": "name: Test\nlanguages: [en]\ntime_zone: UTC\n", "roles.yaml": ROLES}
    for name, lines in entities.items():
        kind = (
            "" if "entity:" in lines or "extend:" in lines else f"entity: {name}\nlabel: {name}\n"
        )
        files[f"entities/{name}.yaml"] = kind + lines
    return files


def catalog_of(**entities: str) -> Catalog:
    """Return the catalog of entities written as YAML."""
    loaded = load_files(files_from(entities), field_types())
    assert loaded.catalog is not None, "\n".join(str(each) for each in loaded.problems)
    return loaded.catalog


def with_fields(*fields: str, rest: str = "") -> str:
    """Return an entity that has a name and these fields."""
    lines = "\n".join(f"  {field}" for field in ("name: {type: text}", *fields))
    return f"title: name\nfields:\n{lines}\n{rest}"


class Installation:
    """What a test does to its database."""

    def __init__(self, pools: Pools) -> None:
        self.pools = pools

    def apply(self, catalog: Catalog, who: str = "mia", **options: Any) -> AppliedVersion:
        return apply_catalog(self.pools, catalog, who, options=ApplyOptions(**options))

    def plan(self, catalog: Catalog, *allow: str) -> Plan:
        with self.pools.engine.connect() as connection:
            return make_plan(connection, catalog, allow)

    def lines(self, catalog: Catalog, *allow: str) -> list[str]:
        """Return what a plan says, without the subject's padding."""
        return [
            f"{each.sign} {each.subject}: {each.words()}"
            for each in self.plan(catalog, *allow).operations
            if each.is_visible
        ]

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.pools.url, autocommit=True) as connection:
            cursor = connection.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    def column(self, text: str, *values: Any) -> list[Any]:
        return [row[0] for row in self.sql(text, *values)]

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        """Return, by name, the type and whether it must be filled."""
        rows = self.sql(
            "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            f"crm.{table}",
        )
        return {name: (kind, strict) for name, kind, strict in rows}

    def indexes(self, table: str) -> list[str]:
        return self.column(
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'crm' AND tablename = %s "
            "ORDER BY 1",
            table,
        )
