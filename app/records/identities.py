"""Telling records by what people call them: many values at once, in one statement each.

An import asks for a whole chunk of rows; a statement for each of them would cost more than the
rows themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, OID, REGCLASS

from app.access.visibility import visible
from app.definitions.catalog import Entity
from app.fields.normal import normal, normal_sql
from app.records.duplicates import compared
from app.records.statements import Statement
from app.records.work import Work

#: What tells a record: one value for each path of a key, as it is compared.
Identity = tuple[Any, ...]
#: So many are asked for by who writes many rows.
_MANY = 200


def identities(entity: Entity, paths: tuple[str, ...], values: Mapping[str, Any]) -> list[Identity]:
    """Return what a record with *values* is told by: several where its first field holds several.

    None where a value is missing: a record is not told by half a key.
    """
    found: list[Identity] = [()]
    for path in paths:
        name, _, part = path.partition(".")
        each = compared(entity.fields[name], part, values.get(name))
        found = [(*before, one) for before in found for one in each]
    return found


def ids_by_identity(
    work: Work, entity: Entity, paths: tuple[str, ...], wanted: Iterable[Identity]
) -> dict[Identity, list[int]]:
    """Return the records, not in the bin, that have the values; those not found are left out.

    Nothing is said about rights: whoever writes to a record that is found asks for them.
    """
    asked = set(wanted)
    if not asked:
        return {}
    statement = work.rows.cached(
        ("identities", entity.name, paths), lambda: _identity_statement(work, entity, paths)
    )
    firsts = sorted({identity[0] for identity in asked}, key=str)
    first = work.release.tables[entity.name].c[paths[0].replace(".", "__")]
    if len(firsts) >= _MANY and isinstance(first.type, ARRAY | JSONB):
        _put_in_order(work, first)
    found: dict[Identity, list[int]] = {}
    for record_id, *values in statement.run(work.connection, {"_values": firsts}):
        identity = tuple(values)
        if identity in asked:
            ids = found.setdefault(identity, [])
            if record_id not in ids:
                ids.append(record_id)
    return found


def _put_in_order(work: Work, column: sa.Column[Any]) -> None:
    """Have inverted indexes of a column take up what waits beside them.

    Each question would look through all of that, and who writes many rows asks once for each.
    """
    statement = work.rows.cached(("in-order", column), lambda: _order_statement(column))
    statement.run(work.connection, {})


def _order_statement(column: sa.Column[Any]) -> Statement:
    index, relation, way, attribute = (
        sa.table(name, *map(sa.column, columns), schema="pg_catalog")
        for name, columns in (
            ("pg_index", ("indexrelid", "indrelid", "indkey")),
            ("pg_class", ("oid", "relam", "relowner")),
            ("pg_am", ("oid", "amname")),
            ("pg_attribute", ("attrelid", "attnum", "attname")),
        )
    )
    whole = f"{column.table.schema}.{column.table.name}"
    return Statement(
        sa.select(sa.func.gin_clean_pending_list(sa.cast(index.c.indexrelid, REGCLASS)))
        .join_from(index, relation, relation.c.oid == index.c.indexrelid)
        .join(way, sa.and_(way.c.oid == relation.c.relam, way.c.amname == "gin"))
        .join(attribute, attribute.c.attrelid == index.c.indrelid)
        .where(
            index.c.indrelid == sa.cast(sa.func.to_regclass(whole), OID),
            attribute.c.attnum == sa.any_(index.c.indkey),
            attribute.c.attname == column.name,
            # Others may not, and go without.
            sa.func.pg_has_role(relation.c.relowner, sa.literal("USAGE", sa.Text)),
        )
    )


def _identity_statement(work: Work, entity: Entity, paths: tuple[str, ...]) -> Statement:
    table = work.release.tables[entity.name].alias()
    first, *rest = (table.c[path.replace(".", "__")] for path in paths)
    others = [_compared_sql(column) for column in rest]
    living = table.c.deleted_at.is_(None)
    if isinstance(first.type, ARRAY | JSONB):
        given = sa.bindparam("_values", type_=ARRAY(sa.Text()))
        values = sa.func.unnest(given).table_valued(sa.column("value", sa.Text), name="given")
        values = values.render_derived()
        if isinstance(first.type, JSONB):
            field = entity.fields[paths[0]]
            key = sa.literal(field.type.key, sa.Text)  # type: ignore[attr-defined]
            one = sa.func.jsonb_build_object(key, values.c.value, type_=JSONB())
            holds = first.contains(sa.func.jsonb_build_array(one, type_=JSONB()))
        else:
            holds = values.c.value == sa.any_(first)
        chosen = sa.select(table.c.id, values.c.value, *others).join_from(values, table, holds)
        return Statement(chosen.where(living))
    of_text = isinstance(first.type, sa.Text | sa.String)
    given = sa.bindparam("_values", type_=ARRAY(sa.Text() if of_text else first.type))
    value = _compared_sql(first)
    chosen = sa.select(table.c.id, value, *others)
    return Statement(chosen.where(value == sa.any_(given), living))


def _compared_sql(column: Any) -> Any:
    return normal_sql(column) if isinstance(column.type, sa.Text | sa.String) else column


def ids_by_text(
    work: Work, entity: Entity, name: str, texts: Iterable[str]
) -> dict[str, list[int]]:
    """Return the records the asker may read whose field *name* is one of the texts.

    By the text as it was given; case and outer blanks do not count.
    """
    wanted = {text: normal(text) for text in texts}
    column = work.release.tables[entity.name].c.get(name)
    if not wanted or column is None or not isinstance(column.type, sa.Text | sa.String):
        return {}
    if not work.policy.is_readable(entity.name, name):
        return {}
    statement = work.rows.cached(
        ("by-text", entity.name, name, work.policy.roles, work.policy.is_admin),
        lambda: _text_statement(work, entity, name),
    )
    parameters = {"_values": sorted(set(wanted.values())), **work.asker}
    by_value: dict[str, list[int]] = {}
    for record_id, value in statement.run(work.connection, parameters):
        by_value.setdefault(value, []).append(record_id)
    return {text: by_value[value] for text, value in wanted.items() if value in by_value}


def _text_statement(work: Work, entity: Entity, name: str) -> Statement:
    table = work.release.tables[entity.name].alias()
    value = normal_sql(table.c[name])
    given = sa.bindparam("_values", type_=ARRAY(sa.Text()))
    chosen = sa.select(table.c.id, value).where(
        value == sa.any_(given), visible(work.release, entity.name, table, work.policy, "read")
    )
    if "deleted_at" in table.c:
        chosen = chosen.where(table.c.deleted_at.is_(None))
    return Statement(chosen)
