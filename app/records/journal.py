"""What a write leaves behind: history, the event for listeners, and the row search finds it by.

Written in the transaction of the write itself: if this fails, nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.records.grams import search_row
from app.records.work import Work

_history, _event, _search = system.history, system.event, system.search


def _entry_statement() -> Statement:
    columns = (
        "entity", "record_id", "action", "version", "happened_at", "user_id", "origin", "cause",
        "change_set",
    )  # fmt: skip
    written = (
        sa.insert(_history)
        .values(
            {name: sa.bindparam(name, type_=_history.c[name].type) for name in columns}
            | {
                "before": sa.bindparam("before", type_=JSONB),
                "after": sa.bindparam("after", type_=JSONB),
            }
        )
        .returning(
            _history.c.id,
            _history.c.entity,
            _history.c.record_id,
            _history.c.action,
            _history.c.happened_at,
        )
        .cte("written")
    )
    return Statement(
        sa.insert(_event).from_select(
            ["history_id", "entity", "record_id", "action", "happened_at"],
            sa.select(
                written.c.id,
                written.c.entity,
                written.c.record_id,
                written.c.action,
                written.c.happened_at,
            ),
        )
    )


_entry = _entry_statement()
_names = ("entity", "record_id", "owner", "owner_department", "title", "search", "grams")
_find = insert(_search).values({name: sa.bindparam(name) for name in _names})
_put_search = Statement(
    _find.on_conflict_do_update(
        index_elements=["entity", "record_id"],
        set_={name: _find.excluded[name] for name in _names[2:]},
    )
)
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


def write_entries(work: Work, entity: Entity, entries: Iterable[Entry]) -> None:
    """Write history and events of one entity's records."""
    rows = [
        {
            "entity": work.number(entity.name),
            "record_id": entry.record_id,
            "action": entry.action,
            "version": entry.version,
            "happened_at": work.now,
            "user_id": work.principal.user_id,
            "origin": work.origin,
            "cause": work.cause,
            "change_set": work.change_set,
            "before": Jsonb(entry.before),
            "after": Jsonb(entry.after),
        }
        for entry in entries
    ]
    if len(rows) == 1:
        _entry.run(work.connection, rows[0])
    elif rows:
        _entry.many(work.connection, rows)


def searched_fields(entity: Entity) -> tuple[str, ...]:
    """Return the fields whose text finds a record: the title and what says ``search: yes``."""
    names = [name for name, field in entity.fields.items() if field.search and not field.removed]
    title = [entity.title] if entity.title and entity.title not in names else []
    return (*title, *names)


def write_search_row(work: Work, entity: Entity, record_id: int, row: Mapping[str, Any]) -> None:
    """Make one record findable; *row* holds its values by field."""
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
    _put_search.run(
        work.connection,
        {
            "entity": work.number(entity.name),
            "record_id": record_id,
            "owner": row.get("owner"),
            "owner_department": row.get("owner_department"),
            "title": title,
            "search": text,
            "grams": grams,
        },
    )


def drop_search_rows(work: Work, entity: Entity, ids: Iterable[int]) -> None:
    """Take records out of search."""
    _drop_search.run(work.connection, {"entity": work.number(entity.name), "ids": list(ids)})


def changes_as_json(
    entity: Entity, old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return before and after of the fields among *names* that differ, as the API shows them."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in names:
        was, is_ = old.get(name), new.get(name)
        if was != is_:
            field = entity.fields[name]
            before[name] = field.type.to_json(field, was) if was is not None else None
            after[name] = field.type.to_json(field, is_) if is_ is not None else None
    return before, after
