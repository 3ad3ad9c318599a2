"""Records that a write's formulas and roll-ups will read, held still until the write is over.

Whoever changes a record looks for those that read it through links. A writer that is just making
such a link is not to be seen yet: so it holds what it is going to read before it reads it. Either
it comes first and is found, or it waits and reads the new value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.records.checking import targets_of
from app.records.drafts import Draft
from app.records.work import Work

Ways = dict[str, dict[int, set[tuple[str, ...]]]]


def hold_what_is_read(work: Work, drafts: Iterable[Draft]) -> None:
    """Hold the records that worked-out fields read through the links that *drafts* change."""
    read_through = work.rows.dependencies.read_through
    todo: Ways = {}
    for draft in drafts:
        for name in work.rows[draft.entity.name].lists.links & draft.changes.keys():
            ways = read_through.get((draft.entity.name, name))
            if not ways or not draft.changed(name):
                continue
            for entity, record_id in targets_of(draft.entity.fields[name], draft.changes[name]):
                todo.setdefault(entity, {}).setdefault(record_id, set()).update(ways)
    while todo:
        todo = _hold(work, todo)


def _hold(work: Work, todo: Ways) -> Ways:
    """Hold one level of records; return what is read behind them."""
    further: Ways = {}
    for name in work.release.catalog.entities:  # one order for everybody who locks
        if name not in todo:
            continue
        rows = work.rows[name]
        # What counts something may have to be written in the end; a lock that is made stronger
        # only then would wait for another that does the same.
        is_counting = name in work.rows.dependencies.roll_ups
        hold = rows.lock if is_counting else rows.hold
        for record_id, row in hold(work.connection, todo[name]).items():
            for way in todo[name][record_id]:
                _follow(work, name, row, way, further)
    return further


def _follow(
    work: Work, entity: str, row: Mapping[str, Any], way: tuple[str, ...], further: Ways
) -> None:
    if not way:
        return
    field = work.rows[entity].entity.fields.get(way[0])
    if field is None or way[0] not in row:
        return
    for target, record_id in targets_of(field, field.type.from_columns(field, row)):
        further.setdefault(target, {}).setdefault(record_id, set()).add(way[1:])
