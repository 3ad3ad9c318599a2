"""The recycle bin: what goes into it together, what comes back together, what is gone for good.

``on_delete`` of a link says what becomes of the records that point here: ``refuse`` keeps this one,
``cascade`` takes them along, ``clear`` lets the link stand, struck out, until this one is purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.database import automation_tables as told
from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Catalog, Entity, Field
from app.errors import InvalidInput
from app.records import derived
from app.records.amending import amended
from app.records.journal import Entry, drop_search_rows, write_entries
from app.records.legal_holds import held, require_free
from app.records.linesets import touch_for_lines
from app.records.personal_fields import forget_personal
from app.records.reactions import Happening, tell
from app.records.work import Work
from app.texts import say

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


#: What goes with a record that goes for good. Its history stays, but for what is personal in it.
_BESIDE = (system.share, system.search, told.comment, told.follower, told.message)


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
    """Return the ids of records, not in the bin, that point at *ids* of *entity*.

    Where rows of lines point there, it is the records they stand in.
    """
    statement = work.rows.cached(
        ("pointing", pointer.entity.name, pointer.field.name, entity),
        lambda: _pointing_statement(work, pointer, entity),
    )
    found = statement.run(work.connection, {"_ids": sorted(ids)})
    return sorted(row[0] for row in found)


def _pointing_statement(work: Work, pointer: Pointer, entity: str) -> Statement:
    table = work.rows[pointer.entity.name].table
    condition = points_at(work, pointer, table, entity)
    if pointer.entity.lines_of is None:
        return Statement(sa.select(table.c.id).where(condition, table.c.deleted_at.is_(None)))
    record = work.rows[pointer.entity.lines_of[0]].table.alias("record")
    lines = sa.select(table.c.parent).where(condition)
    return Statement(
        sa.select(record.c.id).where(record.c.id.in_(lines), record.c.deleted_at.is_(None))
    )


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
            if pointer.on_delete == "clear":
                continue
            pointing = pointing_ids(work, pointer, name, found)
            if pointer.on_delete == "refuse":
                refusing.append((pointer, pointing))
                continue
            if not work.rows[pointer.entity.name].has_bin:
                continue  # rows of lines have no bin to go to: their link is struck out
            new = set(pointing) - doomed.setdefault(pointer.entity.name, set())
            if new:
                doomed[pointer.entity.name] |= new
                queue.append((pointer.entity.name, new))
    for pointer, pointing in refusing:
        staying = set(pointing) - doomed.get(named_by(pointer), set())
        if staying:
            raise _refused(work, pointer, len(staying))
    return {name: found for name, found in doomed.items() if found}


def named_by(pointer: Pointer) -> str:
    """Return the entity whose records the pointer's rows are, or stand in."""
    return pointer.entity.lines_of[0] if pointer.entity.lines_of else pointer.entity.name


def _refused(work: Work, pointer: Pointer, count: int) -> InvalidInput:
    return InvalidInput(
        message=say(
            "It cannot be deleted: {count} × {entity} still name it in {field}.",
            "无法删除：还有 {count} 条“{entity}”在“{field}”中引用它。",
            count=count,
            entity=work.release.catalog.entities[named_by(pointer)].label,
            field=pointer.field.label,
        )
    )


def put_into_bin(
    work: Work, entity: Entity, ids: Iterable[int], action: Happening = "delete"
) -> list[dict[str, Any]]:
    """Mark rows deleted, leave history, take them out of search and of what counts them.

    Rows are locked already; those that went are returned. *action* is what listeners hear.
    """
    table = work.rows[entity.name].table
    statement = Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_(None))
        .values(
            deleted_at=sa.bindparam("_now", type_=table.c.deleted_at.type),
            deleted_by=sa.bindparam("_by", type_=sa.BigInteger),
            version=table.c.version + 1,
        )
        .returning(*table.c)
    )
    found = statement.rows(
        work.connection,
        {"_ids": sorted(ids), "_now": work.now, "_by": work.user_id},
    )
    left = [amended(work, entity, action, _as_before(row), row) for row in found]
    entries = [
        Entry(one.row["id"], "delete", one.row["version"], one.before, one.after, one.cause)
        for one in left
    ]
    write_entries(work, entity, entries)
    drop_search_rows(work, entity, ids)
    for row in found:
        derived.touch_parents(work, entity, row, None)
    touch_for_lines(work, entity, ids)
    if found and entity.name in ("user", "department"):
        work.people_changed()
    for row, one in zip(found, left, strict=True):
        tell(work, entity, action, _as_before(row), one.row)
    return [dict(one.row) for one in left]


def _as_before(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it was before it went into the bin."""
    return {**row, "deleted_at": None, "deleted_by": None, "version": row["version"] - 1}


def bring_back(work: Work, entity: Entity, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Take rows out of the bin and return them; a clash of unique values raises.

    Those it counts in, and who listens, are told by the caller.
    """
    table = work.rows[entity.name].table
    statement = Statement(
        sa.update(table)
        .where(table.c.id == sa.func.any(_IDS), table.c.deleted_at.is_not(None))
        .values(deleted_at=None, deleted_by=None, version=table.c.version + 1)
        .returning(*table.c)
    )
    found = statement.rows(work.connection, {"_ids": sorted(ids)})
    left = [amended(work, entity, "restore", {**row, "deleted_at": work.now}, row) for row in found]
    entries = [
        Entry(one.row["id"], "restore", one.row["version"], one.before, one.after, one.cause)
        for one in left
    ]
    write_entries(work, entity, entries)
    return [dict(one.row) for one in left]


def deleted_together(work: Work, entity: Entity, ids: Iterable[int]) -> dict[str, set[int]]:
    """Return *ids* and what their deletion took along, as far as it still lies in the bin.

    That is what points at one of them by a link that says ``cascade`` and was deleted in the same
    change set; other records that were deleted at the same time stay where they are.
    """
    together: dict[str, set[int]] = {entity.name: set(ids)}
    queue = [(entity.name, set(ids))]
    sets = _deletions(work, entity.name, ids)
    while queue:
        name, found = queue.pop()
        for pointer in pointers_to(work.release.catalog, name):
            if pointer.on_delete != "cascade" or not work.rows[pointer.entity.name].has_bin:
                continue
            binned = _binned_ids(work, pointer, name, found)
            same = _in_sets(work, pointer.entity.name, binned, sets)
            new = same - together.setdefault(pointer.entity.name, set())
            if new:
                together[pointer.entity.name] |= new
                queue.append((pointer.entity.name, new))
    return together


def _binned_ids(work: Work, pointer: Pointer, entity: str, ids: Iterable[int]) -> list[int]:
    table = work.rows[pointer.entity.name].table
    statement = sa.select(table.c.id).where(
        points_at(work, pointer, table, entity), table.c.deleted_at.is_not(None)
    )
    return [row[0] for row in Statement(statement).run(work.connection, {"_ids": sorted(ids)})]


def _newest_deletions(work: Work, entity: str) -> sa.Subquery:
    """Return the change set of the newest deletion of each: an older one was taken back since."""
    history = system.history
    return (
        sa.select(history.c.record_id, history.c.change_set)
        .where(
            history.c.entity == work.number(entity),
            history.c.record_id == sa.func.any(_IDS),
            history.c.action == "delete",
        )
        .ext(distinct_on(history.c.record_id))
        .order_by(history.c.record_id, history.c.id.desc())
        .subquery()
    )


def _deletions(work: Work, entity: str, ids: Iterable[int]) -> set[int]:
    statement = Statement(sa.select(_newest_deletions(work, entity).c.change_set))
    found = statement.run(work.connection, {"_ids": sorted(ids)})
    return {row[0] for row in found if row[0] is not None}


def _in_sets(work: Work, entity: str, ids: Iterable[int], sets: set[int]) -> set[int]:
    newest = _newest_deletions(work, entity)
    statement = Statement(sa.select(newest.c.record_id, newest.c.change_set))
    found = statement.run(work.connection, {"_ids": sorted(ids)})
    return {row[0] for row in found if row[1] in sets}


def removable(work: Work, entity: Entity, ids: Iterable[int]) -> list[int]:
    """Return those of *ids* that may go for good: neither held nor needed by what stays."""
    staying = set(held(work, entity.name, ids))
    for pointer in pointers_to(work.release.catalog, entity.name):
        if pointer.field.required is True:
            statement = work.rows.cached(
                ("needed", pointer.entity.name, pointer.field.name, entity.name),
                partial(_needed_statement, work, pointer, entity.name),
            )
            found = statement.run(work.connection, {"_ids": sorted(ids)})
            staying |= {row[0] for row in found}
    return sorted(set(ids) - staying)


def _needed_statement(work: Work, pointer: Pointer, entity: str) -> Statement:
    """Return the statement for what records that are not in the bin name by a required link."""
    table = work.rows[pointer.entity.name].table
    column = table.c[pointer.field.name]
    named = sa.func.unnest(column) if pointer.field.type.many else column
    chosen = sa.select(named.label("named")).distinct()
    condition = points_at(work, pointer, table, entity)
    if pointer.entity.lines_of is None:
        return Statement(chosen.where(condition, table.c.deleted_at.is_(None)))
    record = work.rows[pointer.entity.lines_of[0]].table.alias("record")
    living = sa.and_(record.c.id == table.c.parent, record.c.deleted_at.is_(None))
    return Statement(chosen.join_from(table, record, living).where(condition))


def purge(
    work: Work,
    entity: Entity,
    ids: Iterable[int],
    seen: frozenset[tuple[str, int]] = frozenset(),
) -> int:
    """Remove deleted records for good; links that named them are cleared.

    Their history stays, but for what is personal in it: nobody could find it there any more.

    What lies in the bin and needs one of them goes with it. *seen* is what is going already.

    Raises:
        InvalidInput: a required link of a record that is not in the bin names one of them, or one
            is held.
    """
    doomed = sorted(ids)
    require_free(work, entity, doomed)
    count = 0
    for pointer in pointers_to(work.release.catalog, entity.name):
        if pointer.field.required is True:
            if staying := pointing_ids(work, pointer, entity.name, doomed):
                raise _refused(work, pointer, len(staying))
            if pointer.entity.lines_of is None:
                # Without what they need they could never come back.
                binned = _binned_ids(work, pointer, entity.name, doomed)
                binned = [each for each in binned if (pointer.entity.name, each) not in seen]
                if binned:
                    seen = seen | {(pointer.entity.name, each) for each in (*doomed, *binned)}
                    count += purge(work, pointer.entity, binned, seen)
        _clear(work, pointer, entity.name, doomed)
    number, table = work.number(entity.name), work.rows[entity.name].table
    for each in _BESIDE:
        gone = sa.delete(each).where(each.c.entity == number, each.c.record_id == sa.func.any(_IDS))
        Statement(gone).run(work.connection, {"_ids": doomed})
    file = system.file
    orphaned = sa.update(file).where(file.c.entity == number, file.c.record_id == sa.func.any(_IDS))
    Statement(orphaned.values(deleted_at=work.now)).run(work.connection, {"_ids": doomed})
    removed = Statement(
        sa.delete(table).where(table.c.id == sa.func.any(_IDS)).returning(*table.c)
    ).rows(work.connection, {"_ids": doomed})
    forget_personal(work, entity, doomed)
    entries = [Entry(row["id"], "purge", row["version"] + 1, {}, {}) for row in removed]
    write_entries(work, entity, entries)
    for row in removed:
        tell(work, entity, "purge", row, row)
    return count + len(removed)


def _clear(work: Work, pointer: Pointer, entity: str, ids: list[int]) -> None:
    """Empty what names purged records, whatever lies in the bin with them included."""
    table = work.rows[pointer.entity.name].table
    column = table.c[pointer.field.name]
    values: dict[str, Any] = {column.key: None}
    if pointer.field.type.many:
        named = sa.func.unnest(column).table_valued(
            sa.column("item", sa.BigInteger), with_ordinality="place", name="named"
        )
        named = named.render_derived()
        left = sa.select(named.c.item).where(named.c.item != sa.func.all(_IDS))
        in_order = left.order_by(named.c.place).correlate(table).scalar_subquery()
        values = {column.key: sa.func.array(in_order)}
    elif pointer.field.type.name == "any_link":
        values[f"{pointer.field.name}__entity"] = None
    statement = sa.update(table).where(points_at(work, pointer, table, entity)).values(values)
    Statement(statement).run(work.connection, {"_ids": ids})
