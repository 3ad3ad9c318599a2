"""Clock fields: worked out at each write of their record, within its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Field
from app.expressions import Checked
from app.fields.clock import Clock, advance
from app.records.asking import parameters_of_app
from app.records.conditions import Linked, WriteContext
from app.records.rows import EntityRows
from app.records.work import Work


def advance_clocks(
    work: Work,
    rows: EntityRows,
    row: dict[str, Any],
    old_row: Mapping[str, Any] | None,
    parent: tuple[Any, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Bring the clocks of a row that was just written up to this moment; return the row.

    *row* is the record with its formulas, *old_row* what it was before the write. Where nothing
    moves nothing is written.
    """
    if not rows.lists.clocks:
        return row
    linked = Linked(work)
    now = WriteContext(work, linked, rows.entity, row, old_row, parent)
    before = WriteContext(work, linked, rows.entity, old_row, None, parent) if old_row else None
    columns: dict[str, Any] = {}
    for field in rows.lists.clocks:
        old = field.type.from_columns(field, row)
        new = _advanced(work, field, old, now, before)
        if new != old:
            columns |= field.type.to_columns(field, new)
    if not columns:
        return row
    return rows.put(work.connection, int(row["id"]), columns, parameters_of_app(work))


def _advanced(
    work: Work,
    field: Field,
    old: Clock | None,
    now: WriteContext,
    before: WriteContext | None,
) -> Clock | None:
    def asked(key: str, context: WriteContext, *, otherwise: Any = None) -> Any:
        condition = field.conditions.get(key)
        if not isinstance(condition, Checked):
            return otherwise
        return work.rows.closures.of(condition)(context)

    def begun(context: WriteContext) -> tuple[Any, Any]:
        # Without `since` it begins with its record.
        since = asked("since", context, otherwise=context.value("created_at"))
        return since, asked("limit", context)

    since, limit = begun(now)
    return advance(
        old,
        since=since,
        limit=limit,
        runs=bool(asked("runs", now, otherwise=True)),
        done=bool(asked("done", now, otherwise=False)),
        restarted=before is not None and begun(before) != (since, limit),
        now=work.now,
        calendar=work.calendar,
    )
