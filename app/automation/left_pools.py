"""What lies in pools that a plan takes away: nobody would look after it any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import rule as rule_table
from app.database.ddl import SCHEMA
from app.database.outlook import Outlook
from app.database.release import read_numbers
from app.definitions.catalog import Catalog
from app.texts import say

#: Counted up to here.
_MOST = 10_000


def outlook_of_pools(pools: Any, catalog: Catalog) -> list[Outlook]:
    """Return for each pool that is there and not in *catalog* how many records lie in it."""
    with pools.engine.connect() as connection:
        gone = list(_gone(connection, catalog))
        if not gone:
            return []
        there = read_numbers(connection).keys()
        found = []
        for pool, entity in gone:
            if entity not in catalog.entities or entity not in there:
                continue
            count = _count(connection, catalog.entities[entity].table, pool)
            if count:
                found.append(_told(catalog, pool, entity, count))
        return found


def _gone(connection: sa.Connection, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield pools in force that *catalog* does not have, each with its entity."""
    chosen = sa.select(rule_table.c.name, rule_table.c.digest).where(
        rule_table.c.name.like("pool:%"),
        rule_table.c.name.not_like("pool:%/%"),
        rule_table.c.digest.is_not(None),
    )
    for name, entity in connection.execute(chosen):
        pool = name.removeprefix("pool:")
        if pool not in catalog.automation.pools:
            yield pool, entity


def _count(connection: sa.Connection, table: str, pool: str) -> int:
    rows = sa.table(table, sa.column("pool"), sa.column("deleted_at"), schema=SCHEMA)
    inside = (
        sa.select(rows.c.pool)
        .where(rows.c.pool == pool, rows.c.deleted_at.is_(None))
        .limit(_MOST)
        .subquery()
    )
    return int(connection.execute(sa.select(sa.func.count()).select_from(inside)).scalar() or 0)


def _told(catalog: Catalog, pool: str, entity: str, count: int) -> Outlook:
    words = say(
        "removed. {count} × {entity} lie in it: nobody owns them, and who looked after the sea "
        "sees them no more. Give them out or move them to another sea first.",
        "已移除。其中还有 {count} 条“{entity}”：它们没有负责人，原公海成员也将看不到。"
        "请先分配，或移到其他公海。",
        count=f"{count}+" if count == _MOST else count,
        entity=catalog.entities[entity].label,
    )
    data = {"pool": pool, "entity": entity, "records": count}
    return Outlook(f"pool {pool}", words, data={"pools": [data]}, waits=True)
