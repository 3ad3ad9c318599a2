"""What a new record takes over from the one it was made from: files, and what was said and done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.database.system import file
from app.definitions.catalog import Entity
from app.records.comments import copy_comments
from app.records.deleting import pointers_to, pointing_ids
from app.records.statements import Statement

if TYPE_CHECKING:
    from app.automation.running import Running

_copied = ("name", "type", "size", "sha256", "uploaded_by", "uploaded_at")
_number = sa.bindparam("entity", type_=sa.SmallInteger)
_record = sa.bindparam("record_id", type_=sa.BigInteger)
#: They stand on both records; the content is kept once. Fields stay with the record they are of.
_copy_files = Statement(
    sa.insert(file).from_select(
        ["entity", "record_id", *_copied],
        sa.select(
            sa.bindparam("to_entity", type_=sa.SmallInteger),
            sa.bindparam("to_record", type_=sa.BigInteger),
            *(file.c[name] for name in _copied),
        )
        .where(file.c.entity == _number, file.c.record_id == _record, file.c.deleted_at.is_(None))
        .order_by(file.c.id),
    )
)


def carry(running: Running, entity: Entity, record_id: int, what: tuple[str, ...]) -> None:
    """Have a record that was made from the one at hand take over `files` and its `timeline`."""
    if running.entity is None or running.firing.record_id is None:
        return
    work, source = running.work, running.firing.record_id
    if "files" in what:
        values = {
            "entity": work.number(running.entity.name),
            "record_id": source,
            "to_entity": work.number(entity.name),
            "to_record": record_id,
        }
        _copy_files.do(work.connection, values)
    if "timeline" in what:
        copy_comments(work, (running.entity.name, source), (entity.name, record_id))
        _move_activities(running, entity, record_id)


def _move_activities(running: Running, entity: Entity, record_id: int) -> None:
    """Have what is about the record at hand, and may be about the new one, be about that."""
    work = running.work
    assert running.entity is not None
    assert running.firing.record_id is not None
    for pointer in list(pointers_to(work.release.catalog, running.entity.name)):
        field = pointer.field
        may_move = field.type.name == "any_link" and entity.name in field.type.targets(field)
        if not may_move or pointer.entity.lines_of is not None:
            continue
        for one in pointing_ids(work, pointer, running.entity.name, [running.firing.record_id]):
            running.acting.update(pointer.entity.name, one, {field.name: (entity.name, record_id)})
