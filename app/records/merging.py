"""Several records of one person or company become one: links, files and history follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.records import derived
from app.records.deleting import Pointer, pointers_to, points_at, put_into_bin
from app.records.journal import Entry, write_entries
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_KEEP = sa.bindparam("_keep", type_=sa.BigInteger)


def repoint(work: Work, entity: Entity, keep: int, gone: Iterable[int]) -> None:
    """Make everything that names one of *gone* name *keep*, what lies in the bin included."""
    ids = sorted(gone)
    for pointer in pointers_to(work.release.catalog, entity.name):
        _repoint_field(work, pointer, entity.name, keep, ids)
    for table in (system.file, system.share):
        _repoint_system(work, table, work.number(entity.name), keep, ids)


def _repoint_field(work: Work, pointer: Pointer, entity: str, keep: int, ids: list[int]) -> None:
    own = work.rows[pointer.entity.name]
    table, column = own.table, own.table.c[pointer.field.name]
    values: dict[str, Any] = {}
    if pointer.field.type.many:
        # One after the other, so that a list that held two of them holds the kept one once.
        new: Any = column
        for each in ids:
            new = sa.func.array_remove(new, sa.cast(each, sa.BigInteger))
        values[column.key] = sa.func.array_append(sa.func.array_remove(new, _KEEP), _KEEP)
    else:
        values[column.key] = _KEEP
    if "version" in table.c:
        values["version"] = table.c.version + 1
    condition = points_at(work, pointer, table, entity)
    before = Statement(sa.select(table).where(condition).with_for_update(key_share=True)).rows(
        work.connection, {"_ids": ids}
    )
    if not before:
        return
    written = Statement(sa.update(table).where(condition).values(values).returning(*table.c)).rows(
        work.connection, {"_ids": ids, "_keep": keep}
    )
    after = {row["id"]: row for row in written}
    name = pointer.field.name
    for row in before:
        new_row = after[row["id"]]
        if own.has_bin:
            entry = Entry(
                row["id"], "update", new_row["version"], {name: row[name]}, {name: new_row[name]}
            )
            write_entries(work, pointer.entity, [entry])
        derived.touch_parents(work, pointer.entity, row, new_row)


def _repoint_system(work: Work, table: sa.Table, entity: int, keep: int, ids: list[int]) -> None:
    condition = sa.and_(table.c.entity == entity, table.c.record_id == sa.func.any(_IDS))
    if table is system.share:
        # Whom the kept one is shared with already keeps what was said there.
        kept = system.share.alias()
        condition = sa.and_(
            condition,
            ~sa.exists().where(
                kept.c.entity == entity,
                kept.c.record_id == _KEEP,
                kept.c.user_id == table.c.user_id,
            ),
        )
    update = sa.update(table).where(condition).values(record_id=_KEEP)
    Statement(update).run(work.connection, {"_ids": ids, "_keep": keep})


def bury(work: Work, entity: Entity, keep: int, gone: Iterable[int]) -> None:
    """Put the records that were merged away into the bin and say where they went."""
    ids = sorted(gone)
    locked = work.rows[entity.name].read(work.connection, ids)
    put_into_bin(work, entity, ids)
    entries = [
        Entry(each, "merge", row["version"] + 1, {}, {"merged_into": keep})
        for each, row in locked.items()
    ]
    write_entries(work, entity, entries)
