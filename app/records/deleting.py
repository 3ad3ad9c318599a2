"""The recycle bin: what goes into it together, what comes back together, what is gone for good.

``on_delete`` of a link says what becomes of the records that point here: ``refuse`` keeps this one,
``cascade`` takes them along, ``clear`` lets the link stand, struck out, until this one is purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Catalog, Entity, Field
from app.errors import InvalidInput
from app.records.journal import Entry, drop_search_rows, write_entries
from app.records.work import Work
from app.texts import say

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


@dataclass(frozen=True, slots=True)
class Pointer:
    """A link field of some entity that points to another."""

    entity: Entity
    field: Field

    @property
    def on_delete(self) -> str:
        """``refuse``, ``clear`` or ``cascade``: refuse for required links unless said otherwise."""
        said = self.field.settings.get("on_delete")
        return str(said or ("refuse" if self.field.required is True else "clear"))


def pointers_to(catalog: Catalog, entity: str) -> Iterator[Pointer]:
    """Yield every field that may name a record of *entity*."""
    for each in catalog.entities.values():
        for field in each.fields.values():
            if not field.built_in and field.type.stored and entity in field.type.targets(field):
                yield Pointer(each, field)


def points_at(work: Work, pointer: Pointer, table: sa.Table, entity: str) -> sa.ColumnElement[bool]:
    """Return the condition for rows of the pointer's entity that point at ``_ids`` of *entity*."""
    column = table.c[pointer.field.name]
    if pointer.field.type.many:
        return column.op("&&")(_IDS)
    condition = column == sa.func.any(_IDS)
    if pointer.field.type.name == "any_link":
        kind = table.c[f"{pointer.field.name}__entity"]
        condition = sa.and_(condition, kind == work.number(entity))
    return condition


def pointing_ids(work: Work, pointer: Pointer, entity: str, ids: Iterable[int]) -> list[int]:
    """Return the ids of records, not in the bin, that point at *ids* of *entity*."""
    pointing = work.rows[pointer.entity.name]
    statement = sa.select(pointing.table.c.id).where(
        points_at(work, pointer, pointing.table, entity)
    )
    if pointing.has_bin:
        statement = statement.where(pointing.table.c.deleted_at.is_(None))
    found = Statement(statement).run(work.connection, {"_ids": sorted(ids)})
    return sorted(row[0] for row in found)


def plan_deletion(work: Work, entity: Entity, ids: Iterable[int]) -> dict[str, set[int]]:
    """Return everything that goes into the bin together, by entity, the asked ones first.

    Raises:
        InvalidInput: a record that stays points at one of them and its link says ``refuse``.
    """
    doomed: dict[str, set[int]] = {entity.name: set(ids)}
    queue = [(entity.name, set(ids))]
    refusing: list[tuple[Pointer, list[int]]] = []
    while queue:
        name, found = queue.pop()
        for pointer in pointers_to(work.release.catalog, name):
            if pointer.on_delete == "clear" or not work.rows[pointer.entity.name].has_bin:
                continue
            pointing = pointing_ids(work, pointer, name, found)
            if pointer.on_delete == "refuse":
                refusing.append((pointer, pointing))
                continue
            new = set(pointing) - doomed.setdefault(pointer.entity.name, set())
            if new:
                doomed[pointer.entity.name] |= new
                queue.append((pointer.entity.name, new))
    for pointer, pointing in refusing:
        staying = set(pointing) - doomed.get(pointer.entity.name, set())
        if staying:
            raise _refused(pointer, len(staying))
    return {name: found for name, found in doomed.items() if found}


def _refused(pointer: Pointer, count: int) -> InvalidInput:
    return InvalidInput(
        message=say(
            "It cannot be deleted: {count} × {entity} still name it in {field}.",
            "无法删除：还有 {count} 条“{entity}”在“{field}”中引用它。",
            count=count,
            entity=pointer.entity.label,
            field=pointer.field.label,
        )
    )


def put_into_bin(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Mark rows deleted, leave history and take them out of search. Rows are locked already."""
    table = work.rows[entity.name].table
    statement = Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_(None))
        .values(
            deleted_at=sa.bindparam("_now", type_=table.c.deleted_at.type),
            deleted_by=sa.bindparam("_by", type_=sa.BigInteger),
            version=table.c.version + 1,
        )
        .returning(table.c.id, table.c.version)
    )
    found = statement.rows(
        work.connection,
        {"_ids": sorted(ids), "_now": work.now, "_by": work.principal.user_id},
    )
    write_entries(
        work, entity, [Entry(row["id"], "delete", row["version"], {}, {}) for row in found]
    )
    drop_search_rows(work, entity, ids)


def bring_back(work: Work, entity: Entity, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Take rows out of the bin and return them; a clash of unique values raises."""
    table = work.rows[entity.name].table
    statement = Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_not(None))
        .values(deleted_at=None, deleted_by=None, version=table.c.version + 1)
        .returning(*table.c)
    )
    found = statement.rows(work.connection, {"_ids": sorted(ids)})
    write_entries(
        work, entity, [Entry(row["id"], "restore", row["version"], {}, {}) for row in found]
    )
    return found


def deleted_together(work: Work, entity: Entity, ids: Iterable[int]) -> dict[str, set[int]]:
    """Return what went into the bin in the same change sets as *ids* and is still there."""
    history = system.history
    # The newest deletion of each counts: an older one was taken back since.
    newest = (
        sa.select(history.c.change_set)
        .where(
            history.c.entity == work.number(entity.name),
            history.c.record_id == sa.func.any(_IDS),
            history.c.action == "delete",
        )
        .ext(distinct_on(history.c.record_id))
        .order_by(history.c.record_id, history.c.id.desc())
    )
    sets = sa.select(newest.subquery().c.change_set)
    statement = Statement(
        sa.select(history.c.entity, history.c.record_id).where(
            history.c.change_set.in_(sets), history.c.action == "delete"
        )
    )
    names = {number: name for name, number in work.release.numbers.items()}
    together: dict[str, set[int]] = {entity.name: set(ids)}
    for number, record_id in statement.run(work.connection, {"_ids": sorted(ids)}):
        name = names.get(number)
        if name in work.release.catalog.entities and work.rows[name].has_bin:
            together.setdefault(name, set()).add(record_id)
    return together


def purge(work: Work, entity: Entity, ids: Iterable[int]) -> int:
    """Remove deleted records for good; links that named them are cleared, history stays.

    Raises:
        InvalidInput: a required link of a record that is not in the bin names one of them.
    """
    doomed = sorted(ids)
    for pointer in pointers_to(work.release.catalog, entity.name):
        if pointer.field.required is True and pointing_ids(work, pointer, entity.name, doomed):
            raise _refused(pointer, len(doomed))
        _clear(work, pointer, entity.name, doomed)
    number, table = work.number(entity.name), work.rows[entity.name].table
    for each in (system.share, system.search):
        gone = sa.delete(each).where(each.c.entity == number, each.c.record_id == sa.func.any(_IDS))
        Statement(gone).run(work.connection, {"_ids": doomed})
    file = system.file
    orphaned = sa.update(file).where(file.c.entity == number, file.c.record_id == sa.func.any(_IDS))
    Statement(orphaned.values(deleted_at=work.now)).run(work.connection, {"_ids": doomed})
    removed = Statement(
        sa.delete(table)
        .where(table.c.id == sa.func.any(_IDS))
        .returning(table.c.id, table.c.version)
    ).rows(work.connection, {"_ids": doomed})
    entries = [Entry(row["id"], "purge", row["version"] + 1, {}, {}) for row in removed]
    write_entries(work, entity, entries)
    return len(removed)


def _clear(work: Work, pointer: Pointer, entity: str, ids: list[int]) -> None:
    """Empty what names purged records, whatever lies in the bin with them included."""
    table = work.rows[pointer.entity.name].table
    column = table.c[pointer.field.name]
    values: dict[str, Any] = {column.key: None}
    if pointer.field.type.many:
        left: Any = column
        for each in ids:
            left = sa.func.array_remove(left, sa.cast(each, sa.BigInteger))
        values = {column.key: left}
    elif pointer.field.type.name == "any_link":
        values[f"{pointer.field.name}__entity"] = None
    statement = sa.update(table).where(points_at(work, pointer, table, entity)).values(values)
    Statement(statement).run(work.connection, {"_ids": ids})
