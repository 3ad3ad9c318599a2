"""Questions to other records while one is written: ``count(contact, customer == record)``.

The record may not be in the database yet, or not as it will be, so it stands in the statement as a
row of parameters; everything else is read inside the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.access.sources import TableSource, environment
from app.definitions.catalog import Entity
from app.expressions import Ask, to_sql
from app.expressions.sql import to_where
from app.expressions.tree import Node
from app.records.statements import Statement, json_text
from app.records.work import Work

_PREFIX = "_record_"


def ask(work: Work, entity: Entity, row: Mapping[str, Any], question: Ask) -> Any:
    """Return the answer to *question*, asked for *row* of *entity*."""
    if question.function == "under":
        # Its two records stand in the question itself, which is made anew each time.
        statement = _statement(work, entity, question)
    else:
        key = ("ask", entity.name, id(question))
        statement = work.rows.cached(key, lambda: _statement(work, entity, question))
    parameters = {**work.asker, **parameters_of_app(work), **_row_parameters(work, entity, row)}
    found = statement.run(work.connection, parameters).fetchone()
    return found[0] if found else None


def parameters_of_app(work: Work) -> dict[str, Any]:
    """Return the shared numbers of app.yaml as statements know them."""
    if work.parameters is None:
        values = work.release.catalog.app.values
        known = {f"app_{name}": value for name, value in values.items()}
        work.parameters = {**known, "today": work.calendar.day(work.now), **_my(work)}
    return work.parameters


def _my(work: Work) -> dict[str, Any]:
    return {f"my_{name}": value for name, value in work.principal.my.items()}


def _statement(work: Work, entity: Entity, question: Ask) -> Statement:
    record = _record(work, entity)
    source = TableSource(work.release, entity.name, record)
    answer = to_sql(question, source, environment(work.release.catalog))
    return Statement(sa.select(answer).select_from(record))


def _record(work: Work, entity: Entity) -> sa.Subquery:
    """Return the record at hand as a row of parameters."""
    table = work.release.tables[entity.name]
    return sa.select(
        *(sa.bindparam(f"{_PREFIX}{c.key}", type_=c.type).label(c.key) for c in table.c)
    ).subquery("record")


def find_where(
    work: Work,
    entity: str,
    condition: Node | None,
    record: tuple[Entity, Mapping[str, Any]] | None,
) -> list[int]:
    """Return the ids of the records, not in the bin, for which *condition* holds, in order.

    Args:
        condition: plain names are *entity*'s, ``record`` is the record at hand.
    """
    table = work.release.tables[entity].alias()
    chosen = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    values: dict[str, Any] = {**work.asker, **parameters_of_app(work)}
    roots = {}
    if record is not None:
        row = _record(work, record[0])
        chosen = chosen.add_columns(sa.literal(1)).select_from(table.join(row, sa.true()))
        roots["record"] = TableSource(work.release, record[0].name, row)
        values |= _row_parameters(work, *record)
    if condition is not None:
        source = TableSource(work.release, entity, table)
        known = environment(work.release.catalog, roots)
        chosen = chosen.where(to_where(condition, source, known))
    return [row[0] for row in Statement(chosen).run(work.connection, values)]


def _row_parameters(work: Work, entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    table = work.release.tables[entity.name]
    return {
        f"{_PREFIX}{c.key}": json_text(value)
        if isinstance(c.type, sa.JSON) and isinstance(value := row.get(c.key), dict | list)
        else row.get(c.key)
        for c in table.c
    }
