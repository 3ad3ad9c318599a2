"""What is done on the work bench: a follow-up logged, a task ticked, something put off.

Each act writes through the door and gives the bench back as it stands then; a refusal gives the
sentence beside what was typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flask import Response, redirect, request

from app.errors import InvalidInput, NotFound, RequestError
from app.screens.bench import bench_href, bench_of, bench_part, whose_of
from app.screens.composing import (
    Composer,
    Place,
    chosen_day,
    composer_of,
    log_of,
    raw_moment,
    sentence,
    today,
    write_log,
)
from app.screens.moments import day
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast


def _place(visit: Visit, name: str, number: int, fields: Sequence[str] = ()) -> Place:
    """Return the row of the address.

    Raises:
        NotFound: there is no such record for the visitor, or it has no place on a bench.
    """
    entity = visit.entity(name)
    view = request.args.get("view", "")
    bench = bench_of(entity, view)
    if bench is None:
        raise NotFound
    readable = visit.policy.readable(name)
    wanted = [one for one in (entity.title, *fields) if one and one in readable]
    record = visit.records.get(visit.principal, name, number, fields=wanted or ("id",))
    return Place(entity, bench, view, record.id, title_of(entity, record, visit), record.values)


# -- a follow-up -----------------------------------------------------------------------------------


def composer(visit: Visit, name: str, number: int) -> Response:
    """Return the form, for its row or as a page of its own."""
    place = _place(visit, name, number)
    return _show(visit, _composer(visit, place))


def _composer(visit: Visit, place: Place) -> Composer:
    address = f"/bench/log/{place.entity.name}/{place.number}"
    return composer_of(visit, place, f"{address}?{request.query_string.decode()}")


def _show(visit: Visit, form: Composer, status: int = 200) -> Response:
    page = visit.page(form.title, "home")
    template = "bench_log.html" if "HX-Request" in request.headers else "bench_log_page.html"
    answer = visit.render(template, page=page, form=form)
    answer.status_code = status
    return answer


def log(visit: Visit, name: str, number: int) -> Response:
    """Write what was said and plan the next contact, both or neither."""
    place = _place(visit, name, number)
    entity = log_of(visit, place)
    try:
        write_log(visit, place, entity)
    except RequestError as problem:
        form = _composer(visit, place)
        form.problem = sentence(visit, problem)
        return _show(visit, form, 422)
    return _done(visit, visit.wording.say("Logged: %(title)s", title=place.label))


# -- ticked, put off -------------------------------------------------------------------------------


def done(visit: Visit, name: str, number: int) -> Response:
    """Make a record what it becomes when it is ticked."""
    entity = visit.entity(name)
    bench = bench_of(entity, request.args.get("view", ""))
    if bench is None or not bench.done:
        raise NotFound
    names = [one for one, _ in bench.done]
    place = _place(visit, name, number, names)
    return _change(
        visit, place, dict(bench.done), visit.wording.say("Done: %(title)s", title=place.label)
    )


def later(visit: Visit, name: str, number: int) -> Response:
    """Move the date of a record."""
    entity = visit.entity(name)
    bench = bench_of(entity, request.args.get("view", ""))
    if bench is None or bench.later is None:
        raise NotFound
    place = _place(visit, name, number, [bench.later])
    try:
        when = chosen_day(visit)
    except InvalidInput as problem:
        return _refused(visit, sentence(visit, problem))
    if when is None:
        return _refused(visit, visit.wording.say("Pick a day."))
    changes = {bench.later: raw_moment(visit, entity.fields[bench.later], when)}
    on = day(when.date() if isinstance(when, datetime) else when, today(visit), visit.wording)
    told = visit.wording.say("%(title)s: later, on %(day)s", title=place.label, day=on)
    return _change(visit, place, changes, told)


def undo(visit: Visit, name: str, number: int) -> Response:
    """Give a record the values it had before it was ticked or put off."""
    place = _place(visit, name, number)
    allowed = {place.bench.later, *(one for one, _ in place.bench.done)}
    values = {one: raw or None for one, raw in request.form.items() if one in allowed}
    if not values:
        raise NotFound
    return _change(
        visit, place, values, visit.wording.say("As it was: %(title)s", title=place.label)
    )


def _change(visit: Visit, place: Place, values: Mapping[str, Any], told: str) -> Response:
    try:
        visit.writer.update(
            visit.principal, place.entity.name, place.number, values, origin="screen"
        )
    except RequestError as problem:
        return _refused(visit, sentence(visit, problem))
    before = {one: _before(place.kept[one]) for one in values if one in place.kept}
    undo_href = f"/bench/undo/{place.entity.name}/{place.number}?{request.query_string.decode()}"
    return _done(visit, told, undo_href if before else "", before)


def _before(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _refused(visit: Visit, sentence: str) -> Response:
    """Say why, and leave the bench as it is."""
    if "HX-Request" not in request.headers:
        return _done(visit, sentence)
    answer = Response("", 200)
    answer.headers["HX-Reswap"] = "none"
    return _told(answer, sentence)


def _done(
    visit: Visit, told: str, undo_href: str = "", before: Mapping[str, str] | None = None
) -> Response:
    """Return the bench as it is now, with a toast."""
    if "HX-Request" not in request.headers:
        leave_toast(told, undo=undo_href, fields=tuple((before or {}).items()))
        return redirect(bench_href(visit, whose_of(visit)), 303)  # type: ignore[return-value]
    more = {"href": undo_href, "fields": before, "label": visit.wording.say("Undo")}
    return _told(bench_part(visit), told, more if undo_href else None)


def _told(answer: Response, text: str, undo_of: Mapping[str, Any] | None = None) -> Response:
    said = {"bench-told": {"text": text, "undo": undo_of}}
    # `json` writes ASCII, as headers must be.
    answer.headers["HX-Trigger"] = json.dumps(said)
    return answer
