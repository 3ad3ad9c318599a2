"""Rows of lines fields: what a save adds, changes, moves and takes away.

A lines field is given as the whole list, in its order. A row with an ``id`` is one that is there
already; a row that is missing from the list is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.database.statements import Statement
from app.definitions.catalog import Entity, Field
from app.fields.base import ParseContext
from app.records import derived
from app.records.asking import parameters_of_app
from app.records.drafts import Draft, LineDraft, Problems, read_input
from app.records.rows import EntityRows
from app.records.work import Work
from app.texts import say

#: More rows than this in one record are refused: nobody can read them.
MOST_LINES = 1000


def lines_fields(entity: Entity) -> tuple[Field, ...]:
    """Return the lines fields of an entity."""
    return tuple(f for f in entity.fields.values() if f.type.name == "lines" and not f.removed)


def load_lines(work: Work, entity: Entity, record_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every lines field of one record, by field, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for field in lines_fields(entity):
        lines = work.rows[f"{entity.name}.{field.name}"]
        statement = Statement(
            sa.select(lines.table)
            .where(lines.table.c.parent == sa.bindparam("_parent", type_=sa.BigInteger))
            .order_by(lines.table.c.position, lines.table.c.id)
        )
        found[field.name] = statement.rows(work.connection, {"_parent": record_id})
    return found


def read_lines(
    work: Work,
    draft: Draft,
    raw: Mapping[str, Any],
    policy: Policy,
    context: ParseContext,
    problems: Problems,
) -> None:
    """Read the rows given for lines fields into ``draft.lines``."""
    given = [field for field in lines_fields(draft.entity) if field.name in raw]
    if not given:
        return
    present = {} if draft.id is None else load_lines(work, draft.entity, draft.id)
    for field in given:
        if policy.field_right(draft.entity.name, field.name) != "edit" or field.readonly is True:
            continue  # already refused by read_input
        entity = work.release.catalog.entities[f"{draft.entity.name}.{field.name}"]
        value = raw[field.name]
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            problems.add(
                field.name,
                say("{label} is a list of rows.", "“{label}”应为多行明细。", label=field.label),
            )
            continue
        if len(value) > MOST_LINES:
            problems.add(
                field.name,
                say(
                    "{label} has {count} rows, at most {most} can be saved.",
                    "“{label}”有 {count} 行，最多 {most} 行。",
                    label=field.label,
                    count=len(value),
                    most=MOST_LINES,
                ),
            )
            continue
        known = {
            row["id"]: work.rows[entity.name].values(row) | {"position": row["position"]}
            for row in present.get(field.name, [])
        }
        draft.lines[field.name] = [
            _read_line(draft, entity, field, index, each, known, policy, context, problems)
            for index, each in enumerate(value)
        ]


def _read_line(
    outer: Draft,
    entity: Entity,
    field: Field,
    index: int,
    raw: Mapping[str, Any],
    known: Mapping[int, Mapping[str, Any]],
    policy: Policy,
    context: ParseContext,
    problems: Problems,
) -> LineDraft:
    where = f"{field.name}.{index}"
    values = {name: value for name, value in raw.items() if name not in ("id", "position")}
    line_id = raw.get("id")
    if isinstance(line_id, str) and line_id.isdigit():
        line_id = int(line_id)
    if line_id in ("", None):
        line_id = None
    elif line_id not in known:
        problems.add(
            where,
            say(
                "Row {row} is not one of this record any more.",
                "第 {row} 行已不属于这条记录。",
                row=index + 1,
            ),
        )
        line_id = None
    draft = LineDraft(entity, outer.context, known.get(line_id) if line_id else None, line_id)
    draft.where = where
    read_input(draft, values, policy, context, problems, prefix=f"{where}.")
    return draft


def write_lines(work: Work, draft: Draft, record_id: int) -> bool:
    """Write the rows of ``draft.lines``; return whether anything changed."""
    changed = False
    for name, lines in draft.lines.items():
        entity_rows = work.rows[f"{draft.entity.name}.{name}"]
        kept = [line.id for line in lines if line.id is not None]
        changed |= _take_away(work, entity_rows, record_id, kept)
        for position, line in enumerate(lines):
            values = {"position": position}
            if line.is_new:
                columns = entity_rows.column_values({**line.changes, **values})
                row = entity_rows.insert(
                    work.connection, {**columns, "parent": record_id}, parameters_of_app(work)
                )
                line.id, changed = row["id"], True
                derived.touch_parents(work, entity_rows.entity, None, row)
            else:
                differing = {k: v for k, v in line.changes.items() if v != line.old.get(k)}
                if differing or line.old.get("position") != position:
                    columns = entity_rows.column_values({**differing, **values})
                    before = entity_rows.read(work.connection, [int(line.id or 0)])
                    row = entity_rows.update(
                        work.connection, int(line.id or 0), columns, parameters_of_app(work)
                    )
                    derived.touch_parents(work, entity_rows.entity, before[int(line.id or 0)], row)
                    changed = True
    return changed


def _take_away(work: Work, rows: EntityRows, record_id: int, kept: list[int]) -> bool:
    table = rows.table
    statement = Statement(
        sa.delete(table)
        .where(table.c.parent == sa.bindparam("_parent", type_=sa.BigInteger))
        .where(table.c.id != sa.func.all(sa.bindparam("_kept", type_=sa.ARRAY(sa.BigInteger))))
        .returning(*table.c)
    )
    gone = statement.rows(work.connection, {"_parent": record_id, "_kept": kept})
    for row in gone:
        derived.touch_parents(work, rows.entity, row, None)
    return bool(gone)


def touch_for_lines(work: Work, entity: Entity, record_ids: Iterable[int]) -> None:
    """Remember whose roll-ups count the rows of records that go into the bin or come back."""
    known = derived.dependencies(work)
    for field in lines_fields(entity):
        rows = work.rows[f"{entity.name}.{field.name}"]
        if not known.roll_ups_over.get(rows.entity.name):
            continue
        statement = Statement(
            sa.select(rows.table).where(
                rows.table.c.parent
                == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger)))
            )
        )
        for row in statement.rows(work.connection, {"_ids": sorted(record_ids)}):
            derived.touch_parents(work, rows.entity, None, row)
