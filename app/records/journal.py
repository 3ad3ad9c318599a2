"""What a write leaves behind: history, the event for listeners, and the row search finds it by.

Written in the transaction of the write itself: if this fails, nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database import system
from app.definitions.catalog import Entity, Field
from app.records.grams import search_row
from app.records.statements import Statement, json_text, rows_of_json
from app.records.work import Work

_history, _event, _search = system.history, system.event, system.search


_columns = (
    "entity", "record_id", "action", "version", "happened_at", "user_id", "origin", "cause",
    "change_set", "before", "after",
)  # fmt: skip


def _entry_statement(*others: sa.CTE) -> Statement:
    """Return the statement for a line of history and its event, and for what goes with them."""
    names = {name: sa.bindparam(name, type_=_history.c[name].type) for name in _columns}
    told = ("entity", "record_id", "action", "happened_at")
    written = (
        sa.insert(_history)
        .values(names)
        .returning(_history.c.id, *(_history.c[name] for name in told))
        .cte("written")
    )
    chosen = sa.select(written.c.id, *(written.c[name] for name in told))
    event = sa.insert(_event).from_select(["history_id", *told], chosen)
    return Statement(event.add_cte(*others))


_entry = _entry_statement()
_names = ("entity", "record_id", "owner", "owner_department", "title", "search", "grams")
_find = insert(_search).values(
    {name: sa.bindparam(f"_{name}", type_=_search.c[name].type) for name in _names}
)
_found = _find.on_conflict_do_update(
    index_elements=["entity", "record_id"],
    set_={name: _find.excluded[name] for name in _names[2:]},
)
_put_search = Statement(_found)
#: So many lines and more are written in one statement.
_MANY = 10
#: Columns of a line that differ from record to record.
_OF_EACH = ("record_id", "action", "version", "cause", "before", "after")


def _many_entries_statement() -> Statement:
    """Return the statement for many lines of one entity, and for their events."""
    lines = rows_of_json("_lines", {name: _history.c[name].type for name in _OF_EACH})
    alike = [name for name in _columns if name not in _OF_EACH]
    chosen = sa.select(
        *(sa.cast(sa.bindparam(name, type_=_history.c[name].type), _history.c[name].type)
          for name in alike),
        *(lines.c[name] for name in _OF_EACH),
    )  # fmt: skip
    told = ("entity", "record_id", "action", "happened_at")
    written = (
        sa.insert(_history)
        .from_select([*alike, *_OF_EACH], chosen)
        .returning(_history.c.id, *(_history.c[name] for name in told))
        .cte("written")
    )
    event = sa.insert(_event).from_select(
        ["history_id", *told], sa.select(written.c.id, *(written.c[name] for name in told))
    )
    return Statement(event)


_many_entries = _many_entries_statement()
_many_search_rows = rows_of_json("_rows", {name: _search.c[name].type for name in _names})
_find_many = insert(_search).from_select(
    list(_names), sa.select(*(_many_search_rows.c[name] for name in _names))
)
_put_many = Statement(
    _find_many.on_conflict_do_update(
        index_elements=["entity", "record_id"],
        set_={name: _find_many.excluded[name] for name in _names[2:]},
    )
)
#: Both at once, as nearly every save needs them.
_entry_and_search = _entry_statement(_found.returning(_search.c.record_id).cte("found"))
_drop_search = Statement(
    sa.delete(_search).where(
        _search.c.entity == sa.bindparam("entity"),
        _search.c.record_id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))),
    )
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a record's history, about to be written. Values are the API's JSON."""

    record_id: int
    action: str
    version: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    #: the rules that had a part in it, where the work itself is nobody's
    cause: str | None = None


def write_entries(work: Work, entity: Entity, entries: Iterable[Entry]) -> None:
    """Write history and events of one entity's records."""
    rows = list(entries)
    if len(rows) >= _MANY:
        _write_many(work, entity, rows)
    elif len(rows) == 1:
        _entry.hold(work.connection, _entry_values(work, entity, rows[0]))
    elif rows:
        _entry.many(work.connection, [_entry_values(work, entity, one) for one in rows])


def _write_many(work: Work, entity: Entity, entries: list[Entry]) -> None:
    """Write many lines in one statement."""
    alike = {name: value for name, value in _entry_values(work, entity, entries[0]).items()
             if name not in _OF_EACH}  # fmt: skip
    told = [
        {
            "record_id": one.record_id,
            "action": one.action,
            "version": one.version,
            "cause": one.cause or work.cause,
            "before": one.before,
            "after": one.after,
        }
        for one in entries
    ]
    _many_entries.do(work.connection, {**alike, "_lines": json_text(told)})


def write_entry_and_search_row(
    work: Work, entity: Entity, entry: Entry, row: Mapping[str, Any]
) -> None:
    """Write a line of history, its event, and make the record findable, in one statement."""
    values = _entry_values(work, entity, entry)
    found = _search_values(work, entity, entry.record_id, row)
    _entry_and_search.hold(work.connection, {**values, **found})


def _entry_values(work: Work, entity: Entity, entry: Entry) -> dict[str, Any]:
    return {
        "entity": work.number(entity.name),
        "record_id": entry.record_id,
        "action": entry.action,
        "version": entry.version,
        "happened_at": work.now,
        "user_id": work.user_id,
        "origin": work.origin,
        "cause": entry.cause or work.cause,
        "change_set": work.change_set,
        "before": json_text(entry.before),
        "after": json_text(entry.after),
    }


def searched_fields(entity: Entity) -> tuple[str, ...]:
    """Return the fields whose text finds a record: the title and what says ``search: yes``."""
    names = [name for name, field in entity.fields.items() if field.search and not field.removed]
    title = [entity.title] if entity.title and entity.title not in names else []
    return (*title, *names)


def write_search_row(work: Work, entity: Entity, record_id: int, row: Mapping[str, Any]) -> None:
    """Make one record findable; *row* holds its values by field."""
    _put_search.run(work.connection, _search_values(work, entity, record_id, row))


def write_search_rows(work: Work, entity: Entity, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Make many records findable in one statement; *rows* holds values by field for each id."""
    if not rows:
        return
    found = [
        {
            name.removeprefix("_"): value
            for name, value in _search_values(work, entity, *one).items()
        }
        for one in rows.items()
    ]
    _put_many.do(work.connection, {"_rows": json_text(found)})


def _search_values(
    work: Work, entity: Entity, record_id: int, row: Mapping[str, Any]
) -> dict[str, Any]:
    title_field = entity.fields.get(entity.title or "")
    title = (
        title_field.type.display(title_field, row.get(title_field.name), "en")
        if title_field
        else f"#{record_id}"
    )
    others = [
        entity.fields[name].type.search_text(entity.fields[name], row.get(name))
        for name in searched_fields(entity)
        if name != entity.title
    ]
    title, text, grams = search_row(title, others)
    return {
        "_entity": work.number(entity.name),
        "_record_id": record_id,
        "_owner": row.get("owner"),
        "_owner_department": row.get("owner_department"),
        "_title": title,
        "_search": text,
        "_grams": grams,
    }


def drop_search_rows(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Take records out of search."""
    _drop_search.run(work.connection, {"entity": work.number(entity.name), "ids": list(ids)})


def changes_as_json(
    fields: Iterable[Field], old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return before and after of those of *fields* that differ, as the API shows them."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for field in fields:
        name = field.name
        was, is_ = old.get(name), new.get(name)
        if was != is_:
            before[name] = field.type.to_json(field, was) if was is not None else None
            after[name] = field.type.to_json(field, is_) if is_ is not None else None
    return before, after
