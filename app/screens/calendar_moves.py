"""Moving a record to another day of a calendar: an ordinary save of its dates.

What lasts keeps its length, and a time of day stays what it is on the wall. Scripts ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, jsonify, request

from app.errors import NotFound
from app.records.agenda import Source, calendar_source
from app.screens.calendars import is_movable
from app.screens.moments import day as day_words
from app.screens.moved import save_moved, told_why
from app.screens.record_blocks import title_of
from app.screens.taking_back import is_taken_back, take_back, way_of
from app.screens.visit import Visit

_HOURS = 24


def move_day(visit: Visit, name: str, number: str) -> Response:
    """Put a record on another day; what lasts keeps its length, a time of day stays."""
    entity = visit.entity(name)
    source = calendar_source(entity, visit.policy, request.args.get("by") or None)
    if source is None:
        raise NotFound
    if not is_movable(visit, source):
        return told_why(visit.words(visit.policy.why("update", name)), 403)
    fields = [one for one in (entity.title, source.begin, source.end) if one]
    readable = visit.policy.readable(name)
    record = visit.records.get(
        visit.principal, name, number, fields=tuple(one for one in fields if one in readable)
    )
    if is_taken_back():
        done, told = take_back(visit, name, record.id)
        return jsonify(told=told, undo=None) if done else told_why(told, 422)
    try:
        values = _moved(visit, source, record.values)
    except ValueError:
        return told_why(visit.wording.say("Pick a day."), 400)
    if all(values[one] == record.values.get(one) for one in values):
        return jsonify(told="", undo=None)
    raw = {one: None if value is None else value.isoformat() for one, value in values.items()}
    refused = save_moved(visit, name, record.id, raw)
    if refused is not None:
        return refused
    title = title_of(entity, record, visit)
    begin = next(value for value in values.values() if value is not None)
    local = begin.astimezone(visit.look.zone) if isinstance(begin, datetime) else begin
    today = visit.look.now.astimezone(visit.look.zone).date()
    said = day_words(local.date() if isinstance(local, datetime) else local, today, visit.wording)
    if isinstance(local, datetime):
        said = f"{said}, {local:%H:%M}"
    return jsonify(
        told=visit.wording.say("%(title)s: now on %(day)s", title=title, day=said),
        undo=way_of(visit, name, record.id),
    )


def _moved(
    visit: Visit, source: Source, before: Mapping[str, Any]
) -> dict[str, date | datetime | None]:
    """Return the dates as they are to be.

    Raises:
        ValueError: what was sent is no day.
    """
    day = date.fromisoformat(request.form.get("day", ""))
    hour = request.form.get("hour", "")
    begin, end = before.get(source.begin), before.get(source.end) if source.end else None
    anchor = begin if begin is not None else end
    zone = visit.look.zone
    if isinstance(anchor, datetime):
        local = anchor.astimezone(zone)
        was = local.date() if request.form.get("from", "") == "" else _day(request.form["from"])
        target = local.date() + (day - was)
        at = int(hour) if hour.isdecimal() and len(hour) < 3 and int(hour) < _HOURS else local.hour
        wall = local.replace(year=target.year, month=target.month, day=target.day, hour=at)
        shift: timedelta = wall - local
    else:
        sent = request.form.get("from", "")
        shift = day - (_day(sent) if sent or anchor is None else anchor)
    writable = visit.policy.writable(source.entity)
    found: dict[str, date | datetime | None] = {}
    for one, value in ((source.begin, begin), (source.end, end)):
        if one is not None and value is not None and one in writable:
            found[one] = _shifted(value, shift, zone)
    return found


def _shifted(value: Any, shift: timedelta, zone: Any) -> Any:
    """Return a moment moved on the wall clock: ten o'clock stays ten o'clock."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(zone) + shift
        return value + shift
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error


def _day(text: str) -> date:
    return date.fromisoformat(text)
