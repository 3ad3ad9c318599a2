"""Numbers for serial fields: given at the first save, never twice; gaps are possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database import system
from app.definitions.catalog import Entity, Field
from app.fields.serial import Serial, fields_of
from app.records.checking import is_empty
from app.records.drafts import Draft, Problems
from app.records.statements import Statement
from app.records.work import Work
from app.texts import say

_counter = system.counter
_next = insert(_counter).values(
    entity=sa.bindparam("entity"),
    field=sa.bindparam("field"),
    period=sa.bindparam("period"),
    key=sa.bindparam("key"),
    last=sa.bindparam("count"),
)
# Taken on a connection of its own, so that nobody waits for another's commit to get a number. Its
# commit need not be flushed: the record's own, which comes later, flushes both.
_take = Statement(
    _next.on_conflict_do_update(
        index_elements=["entity", "field", "period", "key"],
        set_={"last": _counter.c.last + _next.excluded.last},
    ).returning(_counter.c.last)
)


def give_numbers(work: Work, entity: Entity, values: dict[str, Any]) -> None:
    """Fill the entity's serial fields in *values* that hold nothing yet."""
    for field in work.rows[entity.name].lists.serials:
        if values.get(field.name) is None:
            values[field.name] = _number(work, entity, field, values)


def check_numbers(work: Work, draft: Draft, problems: Problems) -> None:
    """Ask for what the numbers of a new record, or row of lines, are made of."""
    values = draft.after()
    for field in work.rows[draft.entity.name].lists.serials if draft.is_new else ():
        if values.get(field.name) is not None:
            continue
        for path in fields_of(field.settings.get("format") or "{####}"):
            name, _, part = path.partition(".")
            value = values.get(name)
            if is_empty(value.get(part) if part and isinstance(value, Mapping) else value):
                sentence = say(
                    "{label} is needed: it is part of {number}.",
                    "请填写“{label}”：“{number}”中含有它。",
                    label=draft.entity.fields[name].label,
                    number=field.label,
                )
                problems.add(draft.prefix + name, sentence)


def _number(work: Work, entity: Entity, field: Any, values: Mapping[str, Any]) -> str:
    kind: Serial = field.type
    day = work.calendar.day(work.now)
    period, key = kind.counter_key(field, day, values)
    number = take_block(work, entity, field, (period, key), 1)
    return kind.render(field, day, number, values)


def take_block(work: Work, entity: Entity, field: Field, key: tuple[str, str], count: int) -> int:
    """Return the first of *count* numbers in a row; *key* is the period and what is counted."""
    wanted = {
        "entity": work.number(entity.name),
        "field": field.name,
        "period": key[0],
        "key": key[1],
        "count": count,
    }
    assert work.count is not None
    return work.count(_take, wanted) - count + 1
