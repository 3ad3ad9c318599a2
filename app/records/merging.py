"""Several records of one person or company become one: links, files and history follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert

from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Entity, Field
from app.records import derived
from app.records.amending import amended
from app.records.deleting import Pointer, pointers_to, points_at, put_into_bin
from app.records.journal import Entry, changes_as_json, write_entries
from app.records.reactions import tell
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_KEEP = sa.bindparam("_keep", type_=sa.BigInteger)


def repoint(work: Work, entity: Entity, keep: int, gone: Iterable[int]) -> None:
    """Make everything that names one of *gone* name *keep*, what lies in the bin included."""
    ids = sorted(gone)
    _step_aside(work, entity, keep, ids)
    for pointer in pointers_to(work.release.catalog, entity.name):
        _repoint_field(work, pointer, entity.name, keep, ids)
    repoint_beside(work, entity, keep, ids)


def repoint_beside(work: Work, entity: Entity, keep: int, ids: list[int]) -> None:
    """Give *keep* the files and the shares of records that are merged into it."""
    number = work.number(entity.name)
    _repoint_files(work, number, keep, ids)
    _repoint_shares(work, number, keep, ids)


def _step_aside(work: Work, entity: Entity, keep: int, ids: list[int]) -> None:
    """Have *keep* name none of those that become itself.

    In a tree it takes the place of the one it hung below; what stood between them hangs on it.
    """
    own = work.rows[entity.name]
    row = own.lock(work.connection, [keep])[keep]
    values = own.values(row)
    changed: dict[str, Any] = {}
    for pointer in pointers_to(work.release.catalog, entity.name):
        one, value = pointer.field, values.get(pointer.field.name)
        if pointer.entity.name != entity.name or value in (None, [], ()):
            continue
        if one in own.lists.trees:
            above = _above(work, one, keep, ids)
            if above != value:
                changed[one.name] = above
        elif one.type.many:
            left = [each for each in value if each not in ids]
            if len(left) != len(value):
                changed[one.name] = left or None
        elif one.type.name != "any_link" and value in ids:
            changed[one.name] = None
    if not changed:
        return
    table = own.table
    stamped = {"version": table.c.version + 1, "updated_at": work.now, "updated_by": work.user_id}
    update = sa.update(table).where(table.c.id == _KEEP).values({**changed, **stamped})
    (after,) = Statement(update.returning(*table.c)).rows(work.connection, {"_keep": keep})
    was, is_ = changes_as_json([entity.fields[name] for name in changed], values, own.values(after))
    write_entries(work, entity, [Entry(keep, "update", after["version"], was, is_)])
    derived.touch_parents(work, entity, row, after)
    work.touch(entity.name, keep)


def _above(work: Work, one: Field, keep: int, ids: list[int]) -> int | None:
    """Return what a record hangs on once those above it that go are gone."""
    way: list[int] = []
    table = work.rows[one.type.targets(one)[0]].table
    parent = Statement(sa.select(table.c[one.name]).where(table.c.id == _KEEP))
    at: int | None = keep
    while at is not None and at not in way:
        way.append(at)
        found = parent.run(work.connection, {"_keep": at})
        at = next((each[0] for each in found), None)
    last = max((place for place, each in enumerate(way) if each in ids), default=0)
    return way[last + 1] if len(way) > last + 1 else None


def _repoint_field(work: Work, pointer: Pointer, entity: str, keep: int, ids: list[int]) -> None:
    own = work.rows[pointer.entity.name]
    table, column = own.table, own.table.c[pointer.field.name]
    values: dict[str, Any] = {}
    if "version" in table.c:
        values |= {"version": table.c.version + 1}
    if own.has_bin:
        values |= {"updated_at": work.now, "updated_by": work.user_id}
    if pointer.field.type.many:
        # One after the other, so that a list that held two of them holds the kept one once.
        new: Any = column
        for each in ids:
            new = sa.func.array_remove(new, sa.cast(each, sa.BigInteger))
        values[column.key] = sa.func.array_append(sa.func.array_remove(new, _KEEP), _KEEP)
    else:
        values[column.key] = _KEEP
    condition = points_at(work, pointer, table, entity)
    chosen = sa.select(table).where(condition).order_by(table.c.id)
    before = Statement(chosen.with_for_update(key_share=True)).rows(work.connection, {"_ids": ids})
    if not before:
        return
    written = Statement(sa.update(table).where(condition).values(values).returning(*table.c)).rows(
        work.connection, {"_ids": ids, "_keep": keep}
    )
    after: dict[int, Mapping[str, Any]] = {row["id"]: row for row in written}
    entries: list[Entry] = []
    for row in before:
        new_row = after[row["id"]]
        if own.has_bin:
            was, is_ = changes_as_json([pointer.field], own.values(row), own.values(new_row))
            cause = None
            if row.get("deleted_at") is None:
                by_rules = amended(work, pointer.entity, "update", row, new_row)
                new_row = after[row["id"]] = by_rules.row
                was, is_ = {**was, **by_rules.before}, {**is_, **by_rules.after}
                cause = by_rules.cause
            entries.append(Entry(row["id"], "update", new_row["version"], was, is_, cause))
        if row.get("deleted_at") is None:
            derived.touch_parents(work, pointer.entity, row, new_row)
            # Its own formulas may read through the link.
            work.touch(pointer.entity.name, row["id"])
    write_entries(work, pointer.entity, entries)
    for row in before:
        if own.has_bin and row.get("deleted_at") is None:
            tell(work, pointer.entity, "update", row, after[row["id"]])


def _repoint_files(work: Work, entity: int, keep: int, ids: list[int]) -> None:
    file = system.file
    mine = sa.and_(file.c.entity == entity, file.c.record_id == sa.func.any(_IDS))
    # They become attachments: the field that held them is in the bin with its record.
    update = sa.update(file).where(mine).values(record_id=_KEEP, field=None)
    Statement(update).run(work.connection, {"_ids": ids, "_keep": keep})


def _repoint_shares(work: Work, entity: int, keep: int, ids: list[int]) -> None:
    """Share the kept record with everybody who had one of the others; the widest right wins."""
    share = system.share
    gone = sa.and_(share.c.entity == entity, share.c.record_id == sa.func.any(_IDS))
    widest = (
        sa.select(
            share.c.entity,
            sa.cast(_KEEP, sa.BigInteger),
            share.c.user_id,
            share.c.may_edit,
            share.c.until,
            share.c.shared_by,
            share.c.shared_at,
        )
        .where(gone)
        .ext(distinct_on(share.c.user_id))
        .order_by(share.c.user_id, share.c.may_edit.desc(), share.c.until.desc().nulls_first())
    )
    names = ["entity", "record_id", "user_id", "may_edit", "until", "shared_by", "shared_at"]
    # Whom the kept one is shared with already keeps what was said there.
    put = insert(share).from_select(names, widest).on_conflict_do_nothing()
    parameters = {"_ids": ids, "_keep": keep}
    Statement(put).run(work.connection, parameters)
    taken = Statement(sa.delete(share).where(gone)).run(work.connection, parameters)
    if taken.rowcount:
        work.shares_changed()


def bury(work: Work, entity: Entity, keep: int, gone: Iterable[int]) -> None:
    """Put the records that were merged away into the bin and say where they went."""
    removed = put_into_bin(work, entity, gone, "merged")
    entries = [
        Entry(row["id"], "merge", row["version"], {}, {"merged_into": keep}) for row in removed
    ]
    write_entries(work, entity, entries)
