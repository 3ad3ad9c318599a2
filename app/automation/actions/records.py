"""`create`, `update` and `delete`: other records, one or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from app.automation.actions.base import DONE, Action, Outcome, skipped
from app.automation.actions.carrying import carry
from app.automation.context import RuleContext, Series
from app.automation.values import values_of
from app.definitions.automation import Create, Delete, Update
from app.definitions.catalog import Entity
from app.expressions import Checked
from app.records.asking import find_where
from app.records.duplicates import compared, same_records
from app.records.linesets import load_lines
from app.records.saving import line_as_json
from app.texts import say

if TYPE_CHECKING:
    from app.automation.running import Running


class CreateAction(Action):
    """Makes a record, or one for each of several rows."""

    name: ClassVar[str] = "create"

    def run(self, running: Running, settings: Create) -> Outcome:
        """Make what is to be made; a record that `match` finds is taken instead."""
        entity = running.work.release.catalog.entities[settings.entity]
        made: list[int] = []
        found = 0
        for values in _values(running, settings, entity):
            match = _match(running, entity, settings.match, values)
            if match is not None:
                found += 1
                made.append(match)
                continue
            made.append(running.acting.create(entity.name, values).id)
        if not made:
            return skipped("There were no rows.", "没有任何行。")
        if settings.carry:
            carry(running, entity, made[-1], settings.carry)
        note = None
        if found:
            note = say(
                "{label} {id} was there already.", "已存在：{label} {id}。",
                label=entity.label, id=made[-1],
            )  # fmt: skip
        return Outcome("done", note, made=(entity.name, made[-1]))


def _values(running: Running, settings: Create, entity: Entity) -> Iterator[dict[str, Any]]:
    """Yield the values of each record that is to be made."""
    copied = _copied(running, settings, entity)
    if settings.each is None:
        yield _one(running.context.at(entity, {}), settings, entity, copied)
        return
    contexts = [one.at(entity, {}) for one in _each(running, settings.each)]
    series = Series()
    for number, context in enumerate(contexts):
        # Shares are noted first, so that the last row can take what rounding leaves.
        context.series = series
        series.begin_row(number)
        values_of(context, entity, settings.values)
    series.settle()
    for number, context in enumerate(contexts):
        series.begin_row(number)
        yield _one(context, settings, entity, copied)


def _one(
    context: RuleContext, settings: Create, entity: Entity, copied: Mapping[str, Any]
) -> dict[str, Any]:
    return {**copied, **values_of(context, entity, settings.values)}


def _copied(running: Running, settings: Create, entity: Entity) -> dict[str, Any]:
    """Return what the record at hand gives: its fields in `copy`, and whose it is."""
    values: dict[str, Any] = {}
    if entity.owned:
        own = running.row.get("owner") if running.row is not None else None
        values["owner"] = own if own is not None else running.firing.user_id
    if running.entity is None or running.row is None:
        return {name: value for name, value in values.items() if value is not None}
    for name in settings.copy:
        field, target = running.entity.fields[name], entity.fields[name]
        if field.type.name == "lines":
            values[name] = _rows(running, name)
            continue
        value = field.type.from_columns(field, running.row)
        if target.type.many and not field.type.many and value is not None:
            value = [value]
        elif field.type.many and not target.type.many:
            value = value[0] if value else None
        values[name] = value
    return {name: value for name, value in values.items() if value is not None}


def _rows(running: Running, name: str) -> list[dict[str, Any]]:
    """Return the rows of a lines field, as they would be given for a new record."""
    assert running.entity is not None
    assert running.firing.record_id is not None
    loaded = load_lines(running.work, running.entity, running.firing.record_id)
    rows = running.work.rows[f"{running.entity.name}.{name}"]
    return [
        {
            key: value
            for key, value in line_as_json(rows, row).items()
            if key != "id" and rows.entity.fields[key].type.writable
        }
        for row in loaded[name]
    ]


def _each(running: Running, each: Any) -> Iterator[RuleContext]:
    """Yield what expressions see for each row in turn."""
    context = running.context
    if isinstance(each, str):
        assert running.entity is not None
        assert running.firing.record_id is not None
        entity = running.work.release.catalog.entities[f"{running.entity.name}.{each}"]
        loaded = load_lines(running.work, running.entity, running.firing.record_id)
        for row in loaded[each]:
            yield context.with_each(row, entity)
        return
    for row in each:
        yield context.with_each(
            {
                name: running.evaluate(cell) if isinstance(cell, Checked) else cell
                for name, cell in row.items()
            }
        )


def _match(
    running: Running, entity: Entity, match: tuple[str, ...], values: Mapping[str, Any]
) -> int | None:
    """Return the oldest record, not in the bin, that has the same values in all of *match*."""
    found: set[int] | None = None
    for name in match:
        asked = compared(entity.fields[name], "", values.get(name))
        if not asked:
            return None
        same = set(same_records(running.work, entity.name, name, asked))
        found = same if found is None else found & same
        if not found:
            return None
    return min(found) if found else None


class UpdateAction(Action):
    """Changes records that a condition chooses, or the rows of the record at hand."""

    name: ClassVar[str] = "update"

    def run(self, running: Running, settings: Update) -> Outcome:
        """Change each; plain names in `set` are that record's."""
        if settings.each is not None:
            return _update_rows(running, settings)
        entity = running.work.release.catalog.entities[settings.entity]
        ids = chosen(running, entity.name, settings.where)
        for record_id in ids:
            row = running.work.rows[entity.name].read(running.work.connection, [record_id])
            if record_id not in row:
                continue
            context = running.context.at(entity, row[record_id])
            values = values_of(context, entity, settings.values)
            running.acting.update(entity.name, record_id, values)
        return _counted(entity, len(ids))


def _update_rows(running: Running, settings: Update) -> Outcome:
    assert running.entity is not None
    assert running.row is not None
    assert running.firing.record_id is not None
    name = str(settings.each)
    entity = running.work.release.catalog.entities[f"{running.entity.name}.{name}"]
    loaded = load_lines(running.work, running.entity, running.firing.record_id)[name]
    rows: list[dict[str, Any]] = []
    for row in loaded:
        context = running.context.at(entity, row, parent=(running.entity, running.row))
        values = values_of(context, entity, settings.values)
        as_json = {
            key: entity.fields[key].type.to_json(entity.fields[key], value)
            if value is not None
            else None
            for key, value in values.items()
        }
        rows.append({"id": row["id"], **as_json})
    if not rows:
        return skipped("There were no rows.", "没有任何行。")
    running.acting.update(running.entity.name, running.firing.record_id, {name: rows})
    return DONE


class DeleteAction(Action):
    """Puts records into the bin that a condition chooses, or takes the record's rows away."""

    name: ClassVar[str] = "delete"

    def run(self, running: Running, settings: Delete) -> Outcome:
        """Delete what is chosen, with what goes along."""
        if settings.each is not None:
            assert running.entity is not None
            assert running.firing.record_id is not None
            changes: dict[str, Any] = {settings.each: []}
            running.acting.update(running.entity.name, running.firing.record_id, changes)
            return DONE
        entity = running.work.release.catalog.entities[settings.entity]
        ids = chosen(running, entity.name, settings.where)
        if ids:
            running.acting.delete(entity.name, ids)
        return _counted(entity, len(ids))


def chosen(running: Running, entity: str, where: Checked | None) -> list[int]:
    """Return the records for which `where` holds."""
    context = running.context
    condition = context.spelled_out(where.root) if where is not None else None
    record = (running.entity, running.row) if running.entity and running.row else None
    return find_where(context.work, entity, condition, record)


def _counted(entity: Entity, count: int) -> Outcome:
    if not count:
        return skipped("There was none.", "没有符合条件的记录。")
    return Outcome(
        "done", say("{count} × {label}.", "{count} 条{label}。", count=count, label=entity.label)
    )
