"""Rows of lines fields: what a save adds, changes, moves and takes away.

A lines field is given as the whole list, in its order. A row with an ``id`` is one that is there
already; a row that is missing from the list is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.definitions.catalog import Entity, Field
from app.fields.base import ParseContext
from app.fields.normal import normal
from app.records import derived
from app.records.asking import parameters_of_app
from app.records.clocks import advance_clocks
from app.records.drafts import Draft, LineDraft, Problems, read_input
from app.records.money import fill_base_amounts
from app.records.rows import EntityRows
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say

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
        statement = work.rows.cached(
            ("load-lines", lines.entity.name), partial(_load_statement, lines.table)
        )
        found[field.name] = statement.rows(work.connection, {"_parent": record_id})
    return found


def _load_statement(table: sa.Table) -> Statement:
    return Statement(
        sa.select(table)
        .where(table.c.parent == sa.bindparam("_parent", type_=sa.BigInteger))
        .order_by(table.c.position, table.c.id)
    )


def read_lines(
    work: Work,
    draft: Draft,
    raw: Mapping[str, Any],
    policy: Policy,
    context: ParseContext,
    problems: Problems,
) -> None:
    """Read the rows given for lines fields into ``draft.lines``."""
    lists = work.rows[draft.entity.name].lists
    given = [field for field in lists.lines if field.name in raw]
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
    if isinstance(line_id, str) and line_id.isascii() and line_id.isdigit() and len(line_id) < 19:
        line_id = int(line_id)
    if line_id in ("", None):
        line_id = None
    elif not isinstance(line_id, int) or isinstance(line_id, bool) or line_id not in known:
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


def check_unique(work: Work, draft: Draft, problems: Problems) -> None:
    """Refuse rows of one record that have the same value where the lines say ``unique``."""
    for name, lines in draft.lines.items():
        entity = work.rows[f"{draft.entity.name}.{name}"].entity
        for names in _unique_fields(entity):
            known: set[tuple[Any, ...]] = set()
            for line in lines:
                value = tuple(_compared(line.get(each)) for each in names)
                if None in value:
                    continue
                if value in known:
                    labels = (entity.fields[each].label for each in names)
                    problems.add(f"{line.prefix}{names[0]}", _repeated(*labels))
                known.add(value)


def _unique_fields(entity: Entity) -> list[tuple[str, ...]]:
    alone = [(f.name,) for f in entity.fields.values() if f.unique and not f.removed]
    return [*alone, *(names for names in entity.unique if names not in alone)]


def _compared(value: Any) -> Any:
    return normal(value) if isinstance(value, str) else value


def _repeated(*labels: Label) -> Label:
    return say(
        "Another row has this {field} already.",
        "已有其他行使用相同的{field}。",
        field=Label(
            {
                "en": ", ".join(label.in_language("en") for label in labels),
                "zh": "、".join(label.in_language("zh") for label in labels),
            }
        ),
    )


def write_lines(work: Work, draft: Draft, record: Mapping[str, Any]) -> bool:
    """Write the rows of ``draft.lines`` of a record just written; say whether anything changed."""
    changed = False
    for name in draft.lines:
        changed |= _LineWriter(work, draft, name, record).write()
    return changed


class _LineWriter:
    """Writes the rows of one lines field."""

    def __init__(self, work: Work, draft: Draft, name: str, record: Mapping[str, Any]) -> None:
        self.work = work
        self.rows = work.rows[f"{draft.entity.name}.{name}"]
        self.lines = draft.lines[name]
        self.record = record
        self.parameters = parameters_of_app(work)
        self.unique = {each for names in _unique_fields(self.rows.entity) for each in names}

    def write(self) -> bool:
        kept = [line.id for line in self.lines if line.id is not None]
        changed = _take_away(self.work, self.rows, int(self.record["id"]), kept)
        differing = [
            (position, line)
            for position, line in enumerate(self.lines)
            if not line.is_new and self._differs(position, line)
        ]
        before = self.rows.read(self.work.connection, [int(line.id or 0) for _, line in differing])
        moving = {line.id for _, line in differing if self.unique & self._changes(line).keys()}
        if len(moving) < 2:
            moving = set()
        # Rows may exchange what is unique, so all of them make room first.
        self._remove(moving)
        for position, line in differing:
            self._change(position, line, before[int(line.id or 0)], again=line.id in moving)
        for position, line in enumerate(self.lines):
            if line.is_new:
                line.id = self._add(position, line)
                changed = True
        return changed or bool(differing)

    def _changes(self, line: LineDraft) -> dict[str, Any]:
        return {k: v for k, v in line.changes.items() if v != line.old.get(k)}

    def _differs(self, position: int, line: LineDraft) -> bool:
        return bool(self._changes(line)) or line.old.get("position") != position

    def _columns(
        self, position: int, line: LineDraft, old: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        changes = line.changes if old is None else self._changes(line)
        columns = self.rows.column_values({**changes, "position": position})
        fill_base_amounts(self.work, self.rows, columns, old, self.record)
        return columns

    def _add(self, position: int, line: LineDraft) -> int:
        columns = self._columns(position, line, None) | {"parent": self.record["id"]}
        row = self.rows.insert(self.work.connection, columns, self.parameters)
        row = advance_clocks(self.work, self.rows, row, None)
        derived.touch_parents(self.work, self.rows.entity, None, row)
        return int(row["id"])

    def _change(
        self, position: int, line: LineDraft, old: Mapping[str, Any], *, again: bool
    ) -> None:
        columns = self._columns(position, line, old)
        connection = self.work.connection
        if again:
            formulas = {field.name for field in self.rows.formulas.all}
            whole = {name: value for name, value in old.items() if name not in formulas}
            columns = self.rows.as_columns(whole) | columns | {"version": old["version"] + 1}
            row = self.rows.insert(connection, columns, self.parameters)
        else:
            row = self.rows.update(connection, int(old["id"]), columns, self.parameters)
        row = advance_clocks(self.work, self.rows, row, old)
        derived.touch_parents(self.work, self.rows.entity, old, row)

    def _remove(self, ids: Iterable[int | None]) -> None:
        if not ids:
            return
        table = self.rows.table
        chosen = table.c.id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger)))
        gone = Statement(sa.delete(table).where(chosen))
        gone.run(self.work.connection, {"_ids": sorted(each for each in ids if each)})


def rebase_lines(
    work: Work, entity: Entity, row: Mapping[str, Any], old_row: Mapping[str, Any]
) -> None:
    """Work out the base amounts of rows anew where the currency of their record is another now."""
    for field in work.rows[entity.name].lists.lines:
        rows = work.rows[f"{entity.name}.{field.name}"]
        changed = [
            (amount.name, base)
            for amount, base, source in rows.lists.amounts
            if source.startswith("parent.")
            and row.get(source.removeprefix("parent.")) != old_row.get(source[len("parent.") :])
        ]
        if not changed:
            continue
        for line in load_lines(work, entity, int(row["id"]))[field.name]:
            columns = {name: line[name] for name, _ in changed}
            fill_base_amounts(work, rows, columns, line, row)
            bases = {base: columns[base] for _, base in changed}
            if any(line[base] != value for base, value in bases.items()):
                new = rows.put(work.connection, line["id"], bases, parameters_of_app(work))
                derived.touch_parents(work, rows.entity, line, new)


def _take_away(work: Work, rows: EntityRows, record_id: int, kept: list[int]) -> bool:
    statement = work.rows.cached(
        ("take-away", rows.entity.name), lambda: _take_away_statement(rows.table)
    )
    gone = statement.rows(work.connection, {"_parent": record_id, "_kept": kept})
    for row in gone:
        derived.touch_parents(work, rows.entity, row, None)
    return bool(gone)


def _take_away_statement(table: sa.Table) -> Statement:
    return Statement(
        sa.delete(table)
        .where(table.c.parent == sa.bindparam("_parent", type_=sa.BigInteger))
        .where(table.c.id != sa.func.all(sa.bindparam("_kept", type_=sa.ARRAY(sa.BigInteger))))
        .returning(*table.c)
    )


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
