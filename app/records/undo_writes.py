"""Writing many records back to what they were: one statement for those that change alike.

Rows are locked already, and it is sure that they may be written. Formulas, roll-ups, search and
history follow; who listens is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.definitions.catalog import Entity
from app.records import derived
from app.records.asking import parameters_of_app
from app.records.clocks import advance_clocks
from app.records.journal import (
    Entry,
    drop_search_rows,
    searched_fields,
    write_entries,
    write_search_rows,
)
from app.records.linesets import touch_for_lines
from app.records.reactions import Change, Happening
from app.records.rows import EntityRows
from app.records.statements import Statement, json_text, rows_of_json
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


@dataclass(frozen=True, slots=True)
class Back:
    """One record on its way back."""

    old_row: Mapping[str, Any]
    #: columns that change
    columns: Mapping[str, Any]
    #: fields that change, as history shows them
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    action: Happening = "update"
    #: rows of lines that were written already
    lines_changed: bool = field(default=False)


def put_back(work: Work, entity: Entity, backs: Sequence[Back]) -> None:
    """Write records back, each in a version of its own."""
    if not backs:
        return
    rows = work.rows[entity.name]
    written: dict[int, dict[str, Any]] = {}
    groups: dict[frozenset[str], list[Back]] = {}
    for one in backs:
        groups.setdefault(frozenset(one.columns), []).append(one)
    for names, group in groups.items():
        statement = work.rows.cached(
            ("put-back", entity.name, names), partial(put_statement, rows, names)
        )
        told = [{"id": one.old_row["id"], **plain_columns(one.columns)} for one in group]
        values = {"_rows": json_text(told), "_now": work.now, "_by": work.user_id}
        written.update((row["id"], row) for row in statement.rows(work.connection, values))
    work_out(work, entity, written, [one for one in backs if one.lines_changed])
    entries = [
        Entry(one.old_row["id"], one.action, written[one.old_row["id"]]["version"], one.before,
              one.after)
        for one in backs
    ]  # fmt: skip
    write_entries(work, entity, entries)
    living = [one for one in backs if one.old_row.get("deleted_at") is None]
    _find_again(work, entity, written, living)
    pairs = [(one.old_row, written[one.old_row["id"]]) for one in living]
    derived.touch_many(work, entity, pairs)
    heard = [(*pair, _fields(one)) for pair, one in zip(pairs, living, strict=True)]
    _hear(work, entity, "update", heard)
    if entity.name in ("user", "department"):
        work.people_changed()


def _fields(one: Back) -> frozenset[str]:
    return frozenset({*one.after, *(name.partition("__")[0] for name in one.columns)})


def put_statement(rows: EntityRows, names: Iterable[str]) -> Statement:
    """Return the statement that writes columns *names* of the records in ``_rows``."""
    table = rows.table
    given = rows_of_json(
        "_rows", {"id": sa.BigInteger(), **{name: table.c[name].type for name in sorted(names)}}
    )
    values: dict[str, Any] = {name: given.c[name] for name in sorted(names)}
    values |= {
        "version": table.c.version + 1,
        "updated_at": sa.bindparam("_now", type_=table.c.updated_at.type),
        "updated_by": sa.bindparam("_by", type_=sa.BigInteger),
    }
    return Statement(
        sa.update(table).where(table.c.id == given.c.id).values(values).returning(*table.c)
    )


def plain_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as `put_statement` takes them, as JSON."""
    return {name: _json(value) for name, value in columns.items()}


def _json(value: Any) -> Any:
    """Return a column's value as ``jsonb_to_recordset`` reads it back."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds"
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    return value


def work_out(
    work: Work, entity: Entity, written: dict[int, dict[str, Any]], of_lines: Sequence[Back]
) -> None:
    """Work out formulas and clocks of rows that were written; *written* holds them afterwards."""
    rows = work.rows[entity.name]
    for one in of_lines:
        number = int(one.old_row["id"])
        written[number] = derived.work_out_own(work, entity, written[number])
    if rows.formulas.all:
        statement = work.rows.cached(
            ("formulas", entity.name),
            lambda: derived.formulas_statement(rows, rows.table.c.id == sa.func.any(_IDS)),
        )
        values = {"_ids": sorted(written), **parameters_of_app(work)}
        written.update((row["id"], row) for row in statement.rows(work.connection, values))
    if rows.lists.clocks:
        for number, row in written.items():
            written[number] = advance_clocks(work, rows, row, row)


def _find_again(
    work: Work, entity: Entity, written: Mapping[int, Mapping[str, Any]], backs: Sequence[Back]
) -> None:
    searched = {*searched_fields(entity), "owner", "owner_department"}
    has_formulas = any(
        entity.fields[name].is_worked_out for name in searched if name in entity.fields
    )
    rows = work.rows[entity.name]
    changed = {
        int(one.old_row["id"]): rows.values(written[one.old_row["id"]])
        for one in backs
        if has_formulas or searched & _fields(one)
    }
    write_search_rows(work, entity, changed)


def put_away(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Put records into the bin, as what they were before they were made."""
    rows, wanted = work.rows[entity.name], sorted(ids)
    if not wanted:
        return
    statement = work.rows.cached(("put-away", entity.name), lambda: _into_bin(rows))
    values = {"_ids": wanted, "_now": work.now, "_by": work.user_id}
    found = statement.rows(work.connection, values)
    entries = [Entry(row["id"], "delete", row["version"], {}, {}) for row in found]
    write_entries(work, entity, entries)
    drop_search_rows(work, entity, wanted)
    derived.touch_many(work, entity, [(row, None) for row in found])
    touch_for_lines(work, entity, wanted)
    gone = frozenset({"deleted_at", "deleted_by"})
    befores = [
        {**row, "deleted_at": None, "deleted_by": None, "version": row["version"] - 1}
        for row in found
    ]
    heard = [(old, row, gone) for old, row in zip(befores, found, strict=True)]
    _hear(work, entity, "delete", heard)
    if found and entity.name in ("user", "department"):
        work.people_changed()


def take_out(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Take records out of the bin."""
    rows, wanted = work.rows[entity.name], sorted(ids)
    if not wanted:
        return
    statement = work.rows.cached(("take-out", entity.name), lambda: _out_of_bin(rows))
    found = statement.rows(work.connection, {"_ids": wanted})
    write_entries(
        work, entity, [Entry(row["id"], "restore", row["version"], {}, {}) for row in found]
    )
    write_search_rows(work, entity, {row["id"]: rows.values(row) for row in found})
    derived.touch_many(work, entity, [(None, row) for row in found])
    work.touch(entity.name, *wanted)
    touch_for_lines(work, entity, wanted)
    back = frozenset({"deleted_at", "deleted_by"})
    _hear(work, entity, "restore", [({**row, "deleted_at": work.now}, row, back) for row in found])
    if found and entity.name in ("user", "department"):
        work.people_changed()


def _into_bin(rows: EntityRows) -> Statement:
    table = rows.table
    return Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_(None))
        .values(
            deleted_at=sa.bindparam("_now", type_=table.c.deleted_at.type),
            deleted_by=sa.bindparam("_by", type_=sa.BigInteger),
            version=table.c.version + 1,
        )
        .returning(*table.c)
    )


def _out_of_bin(rows: EntityRows) -> Statement:
    table = rows.table
    return Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_not(None))
        .values(deleted_at=None, deleted_by=None, version=table.c.version + 1)
        .returning(*table.c)
    )


def _hear(
    work: Work,
    entity: Entity,
    action: Happening,
    changes: Iterable[tuple[Mapping[str, Any], Mapping[str, Any], frozenset[str]]],
) -> None:
    """Tell whoever listens; rules are off, what waits for dates follows."""
    if not work.reactions.concerns(work, entity.name):
        return
    for old, row, fields in changes:
        change = Change(entity, int(row["id"]), action, old, row, fields)
        work.reactions.after_write(work, change)
