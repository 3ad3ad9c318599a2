"""What a merge moved from record to record and stands in no history: noted, and moved back.

Files, comments, followers, shares, and links in rows of lines. Taking a merge back moves them to
where they were; taking that back moves them once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database import system
from app.database.automation_tables import comment, follower
from app.database.change_tables import change_moved
from app.definitions.catalog import Entity
from app.records import derived
from app.records.deleting import pointers_to, points_at
from app.records.statements import Statement, json_text, rows_of_json
from app.records.work import Work

_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_RECORD = sa.bindparam("record_id", type_=sa.BigInteger)
_KEEP = sa.bindparam("keep", type_=sa.BigInteger)
_note = Statement(
    sa.insert(change_moved).values(
        change_set=sa.bindparam("change_set", type_=sa.BigInteger),
        kind=sa.bindparam("kind", type_=sa.Text),
        entity=_ENTITY,
        record_id=_RECORD,
        data=sa.cast(sa.bindparam("data", type_=sa.Text), change_moved.c.data.type),
    )
)
_noted = Statement(
    sa.select(change_moved.c.kind, change_moved.c.record_id, change_moved.c.data)
    .where(
        change_moved.c.change_set == sa.bindparam("change_set", type_=sa.BigInteger),
        change_moved.c.entity == _ENTITY,
        change_moved.c.record_id == sa.func.any(_IDS),
    )
    .order_by(change_moved.c.id)
)
_file, _share = system.file, system.share


def _of(table: sa.Table, record: Any = _RECORD) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.entity == _ENTITY, table.c.record_id == record)


_files = Statement(sa.select(_file.c.id, _file.c.field).where(_of(_file)).order_by(_file.c.id))
_comments = Statement(sa.select(comment.c.id).where(_of(comment)).order_by(comment.c.id))
_move_comments = Statement(
    sa.update(comment).where(comment.c.id == sa.func.any(_IDS)).values(record_id=_RECORD)
)
_given = rows_of_json("_rows", {"id": sa.BigInteger(), "field": sa.Text()})
_move_files = Statement(
    sa.update(_file)
    .where(_file.c.id == _given.c.id)
    .values(record_id=_RECORD, field=_given.c.field)
)


def _people(table: sa.Table) -> Statement:
    """Return the statement for who is named beside a record, as JSON keeps it."""
    columns = [
        sa.cast(column, sa.Text).label(column.name)
        if isinstance(column.type, sa.DateTime)
        else column
        for column in table.c
        if column.name not in ("entity", "record_id")
    ]
    return Statement(sa.select(*columns).where(_of(table)))


def _bring(table: sa.Table) -> Statement:
    names = [column.name for column in table.c if column.name not in ("entity", "record_id")]
    rows = rows_of_json("_rows", {name: table.c[name].type for name in names})
    chosen = sa.select(_ENTITY, _RECORD, *(rows.c[name] for name in names))
    put = insert(table).from_select(["entity", "record_id", *names], chosen)
    return Statement(put.on_conflict_do_nothing())


def _drop(table: sa.Table) -> Statement:
    return Statement(sa.delete(table).where(_of(table), table.c.user_id == sa.func.any(_IDS)))


_PEOPLE = {
    "followers": (_people(follower), _bring(follower), _drop(follower)),
    "shares": (_people(_share), _bring(_share), _drop(_share)),
}


def note_merge(work: Work, entity: Entity, keep: int, gone: Iterable[int]) -> None:
    """Note what a merge is about to move; called before anything of it happens."""
    number = work.number(entity.name)
    there = {
        word: {row["user_id"] for row in people.rows(work.connection, _where(number, keep))}
        for word, (people, _, _) in _PEOPLE.items()
    }
    for record_id in gone:
        where = _where(number, record_id)
        data: dict[str, Any] = {
            "keep": keep,
            "files": _files.rows(work.connection, where),
            "comments": [row[0] for row in _comments.run(work.connection, where)],
            "lines": _linking_lines(work, entity, record_id),
        }
        for word, (people, _, _) in _PEOPLE.items():
            rows = people.rows(work.connection, where)
            data[word] = rows
            data[f"given_{word}"] = sorted({row["user_id"] for row in rows} - there[word])
        _write(work, "merge", number, record_id, data)


def _where(entity: int, record_id: int) -> dict[str, int]:
    return {"entity": entity, "record_id": record_id}


def _write(work: Work, kind: str, entity: int, record_id: int, data: Mapping[str, Any]) -> None:
    values = {"change_set": work.change_set, "kind": kind, "data": json_text(dict(data))}
    _note.do(work.connection, {**values, **_where(entity, record_id)})


def _linking_lines(work: Work, entity: Entity, record_id: int) -> list[dict[str, Any]]:
    """Return the rows of lines that name a record: they have no history of their own."""
    found = []
    for pointer in pointers_to(work.release.catalog, entity.name):
        rows = work.rows[pointer.entity.name]
        if rows.has_bin:
            continue
        column = rows.table.c[pointer.field.name]
        condition = points_at(work, pointer, rows.table, entity.name)
        chosen = Statement(sa.select(rows.table.c.id, column.label("value")).where(condition))
        named = chosen.rows(work.connection, {"_ids": [record_id]})
        if named:
            found.append(
                {"entity": pointer.entity.name, "field": pointer.field.name, "rows": named}
            )
    return found


def move_back(
    work: Work, entity: Entity, change_set: int | None, ids: Iterable[int]
) -> list[tuple[int, int]]:
    """Move what a change set moved with records to where it was.

    Returns those that it had moved apart, each with the record it is to be merged into again.
    """
    wanted, again = sorted(ids), []
    if change_set is None or not wanted:
        return []
    number = work.number(entity.name)
    values = {"change_set": change_set, "entity": number, "_ids": wanted}
    for row in _noted.rows(work.connection, values):
        if row["kind"] == "merge":
            _apart(work, number, row["record_id"], row["data"])
        else:
            again.append((row["record_id"], int(row["data"]["keep"])))
    return again


def _apart(work: Work, number: int, record_id: int, data: Mapping[str, Any]) -> None:
    """Give a record that was merged away what was its own."""
    connection, where = work.connection, _where(number, record_id)
    if data["files"]:
        values = {"record_id": record_id, "_rows": json_text(data["files"])}
        _move_files.do(connection, values)
    if data["comments"]:
        _move_comments.do(connection, {"record_id": record_id, "_ids": data["comments"]})
    for word, (_, bring, drop) in _PEOPLE.items():
        bring.do(connection, {**where, "_rows": json_text(data[word])})
        if data[f"given_{word}"]:
            drop.do(connection, {**_where(number, data["keep"]), "_ids": data[f"given_{word}"]})
    for one in data["lines"]:
        _link_lines(work, one["entity"], one["field"], one["rows"])
    if data["shares"]:
        work.shares_changed()
    _write(work, "apart", number, record_id, {"keep": data["keep"]})


def _link_lines(work: Work, name: str, field: str, values: list[dict[str, Any]]) -> None:
    """Have rows of lines name what they named."""
    rows = work.rows[name]
    table = rows.table
    given = rows_of_json("_rows", {"id": sa.BigInteger(), "value": table.c[field].type})
    before = rows.lock(work.connection, [one["id"] for one in values])
    update = (
        sa.update(table)
        .where(table.c.id == given.c.id)
        .values({field: given.c.value, "version": table.c.version + 1})
        .returning(*table.c)
    )
    written = Statement(update).rows(work.connection, {"_rows": json_text(values)})
    derived.touch_many(work, rows.entity, [(before[row["id"]], row) for row in written])
    work.touch(name, *(row["id"] for row in written))
