"""Files on a record that no field holds: attaching, listing, taking off.

A file is uploaded first, as for a field, and belongs to its uploader until it is attached. Who may
update the record may attach and take off; who may read the record may fetch. Each leaves a line in
the record's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.access.principal import Principal
from app.database import system
from app.errors import InvalidInput, NotFound
from app.records.checking import closed_ids, visible_ids
from app.records.drafts import Draft, Problems
from app.records.files import find_files, give_files
from app.records.journal import Entry, write_entries
from app.records.saves import Saves
from app.records.statements import Statement
from app.records.transactions import entity_of
from app.records.work import Work
from app.texts import say

#: More files than these on one record are an archive, not attachments.
MOST = 100

_file = system.file
_of_record = sa.and_(
    _file.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    _file.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
    _file.c.field.is_(None),
    _file.c.deleted_at.is_(None),
)
_list = Statement(
    sa.select(*(_file.c[name] for name in ("id", "name", "type", "size")))
    .add_columns(_file.c.uploaded_by, _file.c.uploaded_at)
    .where(_of_record)
    .order_by(_file.c.id)
)
_count = Statement(sa.select(sa.func.count()).select_from(_file).where(_of_record))
_drop = Statement(
    sa.update(_file)
    .where(_of_record, _file.c.id == sa.bindparam("_id", type_=sa.BigInteger))
    .values(deleted_at=sa.bindparam("_now", type_=_file.c.deleted_at.type))
    .returning(_file.c.name)
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on a record."""

    id: int
    name: str
    type: str
    size: int
    uploaded_by: int | None
    uploaded_at: datetime


class Attaching(Saves):
    """Puts files on records and takes them off."""

    def attach(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        files: Sequence[int],
        *,
        origin: str = "api",
    ) -> list[Attachment]:
        """Put files that the principal has uploaded on a record; return those it has now.

        Raises:
            NotFound: there is no such record for this principal.
            Forbidden: it may be read, but not changed.
            InvalidInput: a file is not there or is another's, or the record has too many.
        """
        wanted = list(dict.fromkeys(files))
        return self._run(
            principal,
            lambda work: self.attach_in(work, entity, record_id, wanted),
            origin=origin,
        )

    def attach_in(
        self, work: Work, entity: str, record_id: int, files: list[int]
    ) -> list[Attachment]:
        """Attach within a transaction; see `attach`."""
        row = self.locked(work, entity, [record_id], "update")[record_id]
        _ask_listeners(work, entity, row)
        found = find_files(work.connection, files)
        for number in files:
            one = found.get(number)
            if one is None or one["record_id"] is not None or not _is_mine(work, one):
                raise InvalidInput({"file": [_no_file(number)]})
        where = {"entity": work.number(entity), "record_id": record_id}
        there = _count.run(work.connection, where).fetchone()
        if there is not None and there[0] + len(files) > MOST:
            raise InvalidInput({"file": [_too_many()]})
        give_files(work.connection, files, where["entity"], record_id, None)
        entries = [
            _entry(record_id, row, "attach", None, found[number]["name"]) for number in files
        ]
        write_entries(work, entity_of(work.release, entity), entries)
        return _attachments(work, where)

    def detach(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        file_id: int,
        *,
        origin: str = "api",
    ) -> None:
        """Take a file off a record; after a day its content is gone for good.

        Raises:
            NotFound: there is no such record for this principal, or no such file on it.
            Forbidden: the record may be read, but not changed.
        """

        def step(work: Work) -> None:
            row = self.locked(work, entity, [record_id], "update")[record_id]
            _ask_listeners(work, entity, row)
            where = {"entity": work.number(entity), "record_id": record_id}
            gone = _drop.run(work.connection, {**where, "_id": file_id, "_now": work.now})
            dropped = gone.fetchone()
            if dropped is None:
                raise NotFound
            entry = _entry(record_id, row, "detach", dropped[0], None)
            write_entries(work, entity_of(work.release, entity), [entry])

        self._run(principal, step, origin=origin)

    def attachments(self, principal: Principal, entity: str, record_id: int) -> list[Attachment]:
        """Return the files on a record, the oldest first.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> list[Attachment]:
            entity_of(work.release, entity)
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            if closed_ids(work, entity, [record_id]):
                return []
            return _attachments(work, {"entity": work.number(entity), "record_id": record_id})

        return self._run(principal, step)


def _attachments(work: Work, where: dict[str, int]) -> list[Attachment]:
    return [Attachment(**row) for row in _list.rows(work.connection, where)]


def _ask_listeners(work: Work, entity: str, row: dict[str, Any]) -> None:
    """Let whoever listens refuse: what is being approved is locked, its files included.

    Raises:
        InvalidInput: somebody does.
    """
    if not work.reactions.concerns(work, entity):
        return
    kind, problems = entity_of(work.release, entity), Problems()
    old = work.rows[entity].values(row)
    draft = Draft(kind, work.reading(strict=False), old, int(row["id"]))
    draft.is_about_files = True
    work.reactions.before_write(work, draft, row, problems)
    problems.raise_if_any()


def _is_mine(work: Work, file: dict[str, Any]) -> bool:
    return work.principal.is_system or file["uploaded_by"] == work.principal.user_id


def _entry(
    record_id: int, row: dict[str, Any], action: str, before: str | None, after: str | None
) -> Entry:
    """Return the line of history; no field can be called `attachments`."""
    return Entry(record_id, action, row["version"], {"attachments": before}, {"attachments": after})


def _no_file(number: int) -> Any:
    return say(
        "There is no file {id} that you have uploaded and nobody uses yet; upload it first.",
        "没有由您上传且尚未使用的文件 {id}，请先上传。",
        id=number,
    )


def _too_many() -> Any:
    return say(
        "A record takes at most {most} attachments. Take some off first.",
        "每条记录最多 {most} 个附件，请先移除一些。",
        most=MOST,
    )
