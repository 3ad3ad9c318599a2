"""The composer: what was said is written down and the next contact planned, both or neither.

Used on the work bench, where a view says what is logged, and on the page of a record. Nothing here
draws a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import request

from app.access.sources import is_any_link
from app.definitions.catalog import Bench, Entity, Field
from app.errors import Forbidden, InvalidInput, NotFound, RequestError
from app.records.streams import written_about
from app.records.work import Work
from app.screens.bench import bench_of
from app.screens.controls import Chosen
from app.screens.moments import day
from app.screens.visit import Visit

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
    label: str = ""
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
    """The record that is acted upon, and how."""

    entity: Entity
    bench: Bench
    view: str
    number: int
    label: str
    kept: Mapping[str, Any] = field(default_factory=dict)
    #: what is planned is moved on the record as well, where it may be changed
    moves: bool = True


def bench_on_record(visit: Visit, entity: Entity) -> Bench | None:
    """Return how something is logged on a record's page; None where nothing is.

    It is what its own views log, or else what those of other entities do, where that may be about
    this one as well.
    """
    own = bench_of(entity, "")
    if own is not None and own.log is not None and own.log_link is not None:
        return own if visit.policy.may("create", own.log) else None
    logged: dict[str, str | None] = {}
    for one in visit.catalog.entities.values():
        for view in one.screens.views.values():
            if view.bench is not None and view.bench.log is not None:
                logged[view.bench.log] = view.bench.later or logged.get(view.bench.log)
    for about in written_about(visit.catalog, visit.policy, entity.name):
        if about.entity in logged and visit.policy.may("create", about.entity):
            fields = visit.catalog.entities[about.entity].fields
            link = next(name for name in about.links if is_any_link(fields[name]))
            later = logged[about.entity]
            return Bench(of="owner", log=about.entity, log_link=link, later=later)
    return None


def log_of(visit: Visit, place: Place) -> Entity:
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


def method_of(entity: Entity) -> Field | None:
    """Return the option asked first: the first choice that must be answered."""
    return next(
        (
            one
            for one in entity.fields.values()
            if one.type.name == "choice" and one.required is True and not one.removed
        ),
        None,
    )


def next_of(place: Place, log: Entity) -> Field | None:
    """Return the date of what is logged that plans the next contact."""
    return log.fields.get(place.bench.later or "")


def composer_of(visit: Visit, place: Place, action: str, back: str = "/") -> Composer:
    """Return the form as it was typed so far."""
    log = log_of(visit, place)
    text = log.fields[log.title or ""]
    form = Composer(
        key=f"{place.entity.name}-{place.number}",
        title=visit.wording.say("Log: %(title)s", title=place.label),
        action=action,
        back=back,
        label=log.label.in_language(visit.language),
        text_label=text.label.in_language(visit.language),
        most=int(text.settings.get("max") or 3000),
    )
    method = method_of(log)
    if method is not None:
        form.method, form.method_label = method.name, method.label.in_language(visit.language)
        usual = method.default if isinstance(method.default, str) else ""
        sent = request.form.get("method", usual)
        form.methods = [
            Chosen(one.name, one.label.in_language(visit.language), on=one.name == sent)
            for one in method.options
            if not one.removed
        ]
    planned = next_of(place, log)
    if planned is not None:
        form.next_label = planned.label.in_language(visit.language)
        form.nexts = _nexts(visit)
    form.text = request.form.get("text", "")
    form.chosen, form.picked = request.form.get("next", ""), request.form.get("pick", "")
    return form


def _nexts(visit: Visit) -> list[tuple[str, str, str]]:
    say, now = visit.wording.say, today(visit)
    words = {"tomorrow": say("Tomorrow"), "days": say("In 3 days"), "week": say("In a week")}
    return [
        (name, words[name], day(now + timedelta(days=ahead), now, visit.wording))
        for name, ahead in _SOON.items()
    ]


def today(visit: Visit) -> date:
    """Return the day it is where the visitor is."""
    return visit.look.now.astimezone(visit.look.zone).date()


def chosen_day(visit: Visit) -> date | datetime | None:
    """Return when it is to be, as it was chosen.

    Raises:
        InvalidInput: what was picked is no date.
    """
    said, picked = request.form.get("next", ""), request.form.get("pick", "").strip()
    if said in _SOON:
        return today(visit) + timedelta(days=_SOON[said])
    if not picked:
        return None
    try:
        moment = datetime.fromisoformat(picked)
    except ValueError as error:
        raise InvalidInput(message=visit.wording.say("Pick a day.")) from error
    return moment.replace(tzinfo=visit.look.zone) if "T" in picked else moment.date()


def raw_moment(visit: Visit, one: Field, when: date | datetime | None) -> str | None:
    """Return a moment as a field takes it; a day alone means its morning."""
    if when is None:
        return None
    if one.type.name == "date":
        return (when.date() if isinstance(when, datetime) else when).isoformat()
    if not isinstance(when, datetime):
        when = datetime.combine(when, _MORNING, visit.look.zone)
    return when.isoformat()


def write_log(visit: Visit, place: Place, log: Entity) -> None:
    """Write what was posted, and move the record's own date, in one transaction.

    Raises:
        RequestError: something of it is refused; nothing is written.
    """
    link, bench = log.fields[place.bench.log_link or ""], place.bench
    method, planned, when = method_of(log), next_of(place, log), chosen_day(visit)
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
        values[planned.name] = raw_moment(visit, log.fields[planned.name], when)
    writer = visit.writer

    def step(work: Work) -> None:
        writer.create_in(work, log.name, values, None, strict=True)
        # Contact was made: what was planned is over, whether something new is planned or not.
        writable = visit.policy.writable(place.entity.name) if place.moves else ()
        if planned is not None and bench.later in writable:
            own = place.entity.fields[planned.name]
            change = {own.name: raw_moment(visit, own, when)}
            writer.update_in(work, place.entity.name, place.number, change, None, strict=True)

    visit.records.transact(visit.principal, step, origin="screen")


def sentence(visit: Visit, problem: RequestError) -> str:
    """Return everything that was said against it, in the language of the page."""
    said = [visit.words(one) for each in problem.fields.values() for one in each]  # type: ignore[arg-type]
    return " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]
