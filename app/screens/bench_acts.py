"""What is done on the work bench: a follow-up logged, a task ticked, something put off.

Each act writes through the door and gives the bench back as it stands then; a refusal gives the
sentence beside what was typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Response, redirect, request

from app.definitions.catalog import Bench, Entity, Field
from app.errors import Forbidden, InvalidInput, NotFound, RequestError
from app.records.work import Work
from app.screens.bench import bench_of, bench_part, whose_of
from app.screens.controls import Chosen
from app.screens.moments import day
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast

#: When a contact is planned for a day without a time.
_MORNING = time(9)
_SOON = {"tomorrow": 1, "days": 3, "week": 7}


@dataclass(slots=True)
class Composer:
    """The form that logs what was said and plans the next contact."""

    key: str
    title: str
    action: str
    back: str
    text_label: str
    method: str = ""
    method_label: str = ""
    methods: Sequence[Chosen] = ()
    next_label: str = ""
    #: (value, words, the day)
    nexts: Sequence[tuple[str, str, str]] = ()
    text: str = ""
    chosen: str = ""
    picked: str = ""
    most: int = 3000
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The row that is acted upon."""

    entity: Entity
    bench: Bench
    view: str
    number: int
    label: str
    kept: Mapping[str, Any] = field(default_factory=dict)


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


def _show(visit: Visit, form: Composer, status: int = 200) -> Response:
    page = visit.page(form.title, "home")
    template = "bench_log.html" if "HX-Request" in request.headers else "bench_log_page.html"
    answer = visit.render(template, page=page, form=form)
    answer.status_code = status
    return answer


def _log_of(visit: Visit, place: Place) -> Entity:
    """Return the entity that is logged.

    Raises:
        NotFound: nothing is, or not by the visitor.
    """
    entity = visit.catalog.entities.get(place.bench.log or "")
    if entity is None or place.bench.log_link is None or entity.title is None:
        raise NotFound
    if not visit.policy.may("create", entity.name):
        raise Forbidden(visit.policy.why("create", entity.name))
    return entity


def _method_of(entity: Entity) -> Field | None:
    """Return the option asked first: the first choice that must be answered."""
    return next(
        (
            one
            for one in entity.fields.values()
            if one.type.name == "choice" and one.required is True and not one.removed
        ),
        None,
    )


def _next_of(place: Place, log: Entity) -> Field | None:
    """Return the date of the record that a logged one plans."""
    planned = place.bench.later
    here, there = place.entity.fields.get(planned or ""), log.fields.get(planned or "")
    return here if here is not None and there is not None else None


def _composer(visit: Visit, place: Place) -> Composer:
    log = _log_of(visit, place)
    text = log.fields[log.title or ""]
    form = Composer(
        key=f"{place.entity.name}-{place.number}",
        title=visit.wording.say("Log: %(title)s", title=place.label),
        action=f"/bench/log/{place.entity.name}/{place.number}?{request.query_string.decode()}",
        back="/",
        text_label=text.label.in_language(visit.language),
        most=int(text.settings.get("max") or 3000),
    )
    method = _method_of(log)
    if method is not None:
        form.method, form.method_label = method.name, method.label.in_language(visit.language)
        usual = method.default if isinstance(method.default, str) else ""
        sent = request.form.get("method", usual)
        form.methods = [
            Chosen(one.name, one.label.in_language(visit.language), on=one.name == sent)
            for one in method.options
            if not one.removed
        ]
    planned = _next_of(place, log)
    if planned is not None:
        form.next_label = planned.label.in_language(visit.language)
        form.nexts = _nexts(visit)
    form.text = request.form.get("text", "")
    form.chosen, form.picked = request.form.get("next", ""), request.form.get("pick", "")
    return form


def _nexts(visit: Visit) -> list[tuple[str, str, str]]:
    say, today = visit.wording.say, _today(visit)
    words = {"tomorrow": say("Tomorrow"), "days": say("In 3 days"), "week": say("In a week")}
    return [
        (name, words[name], day(today + timedelta(days=ahead), today, visit.wording))
        for name, ahead in _SOON.items()
    ]


def _today(visit: Visit) -> date:
    return visit.look.now.astimezone(visit.look.zone).date()


def _chosen_day(visit: Visit) -> date | datetime | None:
    """Return when it is to be, as it was chosen.

    Raises:
        InvalidInput: what was picked is no date.
    """
    said, picked = request.form.get("next", ""), request.form.get("pick", "").strip()
    if said in _SOON:
        return _today(visit) + timedelta(days=_SOON[said])
    if not picked:
        return None
    try:
        moment = datetime.fromisoformat(picked)
    except ValueError as error:
        raise InvalidInput(message=visit.wording.say("Pick a day.")) from error
    return moment.replace(tzinfo=visit.look.zone) if "T" in picked else moment.date()


def _raw(visit: Visit, one: Field, when: date | datetime | None) -> str | None:
    """Return a moment as a field takes it; a day alone means its morning."""
    if when is None:
        return None
    if one.type.name == "date":
        return (when.date() if isinstance(when, datetime) else when).isoformat()
    if not isinstance(when, datetime):
        when = datetime.combine(when, _MORNING, visit.look.zone)
    return when.isoformat()


def log(visit: Visit, name: str, number: int) -> Response:
    """Write what was said and plan the next contact, both or neither."""
    place = _place(visit, name, number)
    entity = _log_of(visit, place)
    try:
        _write_log(visit, place, entity)
    except RequestError as problem:
        form = _composer(visit, place)
        form.problem = _sentence(visit, problem)
        return _show(visit, form, 422)
    return _done(visit, visit.wording.say("Logged: %(title)s", title=place.label))


def _write_log(visit: Visit, place: Place, log: Entity) -> None:
    link, bench = log.fields[place.bench.log_link or ""], place.bench
    method, planned, when = _method_of(log), _next_of(place, log), _chosen_day(visit)
    if not request.form.get("text", "").strip():
        raise InvalidInput(message=visit.wording.say("Write what was said."))
    points = {"entity": place.entity.name, "id": place.number}
    values: dict[str, Any] = {
        link.name: points if link.type.name == "any_link" else place.number,
        log.title or "": request.form.get("text", "").strip() or None,
    }
    if method is not None and request.form.get("method"):
        values[method.name] = request.form["method"]
    if planned is not None and when is not None:
        values[planned.name] = _raw(visit, log.fields[planned.name], when)
    writer = visit.writer

    def step(work: Work) -> None:
        writer.create_in(work, log.name, values, None, strict=True)
        # Contact was made: what was planned is over, whether something new is planned or not.
        if planned is not None and bench.later in visit.policy.writable(place.entity.name):
            change = {planned.name: _raw(visit, planned, when)}
            writer.update_in(work, place.entity.name, place.number, change, None, strict=True)

    visit.records.transact(visit.principal, step, origin="screen")


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
        when = _chosen_day(visit)
    except InvalidInput as problem:
        return _refused(visit, _sentence(visit, problem))
    if when is None:
        return _refused(visit, visit.wording.say("Pick a day."))
    changes = {bench.later: _raw(visit, entity.fields[bench.later], when)}
    on = day(when.date() if isinstance(when, datetime) else when, _today(visit), visit.wording)
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
        return _refused(visit, _sentence(visit, problem))
    before = {one: _before(place.kept[one]) for one in values if one in place.kept}
    undo_href = f"/bench/undo/{place.entity.name}/{place.number}?{request.query_string.decode()}"
    return _done(visit, told, undo_href if before else "", before)


def _before(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _sentence(visit: Visit, problem: RequestError) -> str:
    said = [visit.words(one) for each in problem.fields.values() for one in each]  # type: ignore[arg-type]
    return " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]


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
        address = "/?whose=team" if whose_of(visit) == "team" else "/"
        return redirect(address, 303)  # type: ignore[return-value]
    more = {"href": undo_href, "fields": before, "label": visit.wording.say("Undo")}
    return _told(bench_part(visit), told, more if undo_href else None)


def _told(answer: Response, text: str, undo_of: Mapping[str, Any] | None = None) -> Response:
    said = {"bench-told": {"text": text, "undo": undo_of}}
    # `json` writes ASCII, as headers must be.
    answer.headers["HX-Trigger"] = json.dumps(said)
    return answer
