"""Records that name each other are two, whatever they share: a lead and the customer it became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.definitions.catalog import Catalog
from app.records.statements import Statement
from app.records.work import Work

#: an entity, and its table
Side = tuple[str, Any]


def links_to(catalog: Catalog, entity: str, other: str) -> Iterator[str]:
    """Yield the columns by which records of an entity name one of another."""
    for name, field in catalog.entities[entity].fields.items():
        if field.type.name == "link" and not field.removed and other in field.type.targets(field):
            yield name


def unlinked(work: Work, one: Side, other: Side) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions under which neither of two rows names the other."""
    catalog = work.release.catalog
    for (mine, table), (theirs, named) in ((one, other), (other, one)):
        for column in links_to(catalog, mine, theirs):
            yield table.c[column].is_distinct_from(named.c.id)


def kin(
    work: Work,
    entity: str,
    values: Mapping[str, Any],
    record_id: int | None,
    other: str,
    ids: list[int],
) -> set[int]:
    """Return those of *ids* that a record with *values* names, or that name it."""
    catalog = work.release.catalog
    named = {values.get(column) for column in links_to(catalog, entity, other)}
    found = {each for each in ids if each in named}
    columns = list(links_to(catalog, other, entity))
    if record_id is None or not columns or not ids:
        return found
    statement = work.rows.cached(("kin", other, entity), lambda: _naming(work, other, columns))
    given = {"_ids": ids, "_id": record_id}
    return found | {row[0] for row in statement.run(work.connection, given)}


def _naming(work: Work, entity: str, columns: list[str]) -> Statement:
    table = work.release.tables[entity]
    record = sa.bindparam("_id", type_=sa.BigInteger)
    return Statement(
        sa.select(table.c.id).where(
            table.c.id == sa.func.any(sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))),
            sa.or_(*(table.c[column] == record for column in columns)),
        )
    )
