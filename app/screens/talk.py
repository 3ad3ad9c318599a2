"""What is said on a record's page: a follow-up, a comment; and who reads along.

Whatever is said answers with a word for the page that is open, which then brings itself up to date;
without a script the page is opened again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, redirect, request

from app.definitions.catalog import Entity
from app.errors import InvalidInput, NotFound, RequestError
from app.records.results import Record
from app.screens.composing import (
    Composer,
    Place,
    bench_on_record,
    composer_of,
    log_of,
    sentence,
    write_log,
)
from app.screens.marks import Mark, mark_of
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class Talk:
    """Everything `talk.html` shows."""

    base: str
    log: Composer | None
    #: where names for ``@`` are found
    mentions: str
    followers: Sequence[Mark] = ()
    follows: bool = False
    #: a task about this record, for who may make one
    task_href: str = ""
    comment: str = ""
    problem: str = ""


def talk_on(visit: Visit, entity: Entity, record: Record, *, may_change: bool) -> Talk:
    """Return what can be said on the page of a record."""
    base = f"/crm/{entity.name}/{record.id}"
    found = visit.records.followers(visit.principal, entity.name, record.id)
    followers = [one["user_id"] for one in found]
    people = visit.core.organisation.snapshot().people
    return Talk(
        base,
        _composer(visit, entity, record, may_change=may_change),
        f"/crm/{entity.name}/pick/owner" if "owner" in entity.fields else "",
        [mark_of(people[one].name) for one in followers if one in people and people[one].name],
        visit.principal.user_id in followers,
        _task_href(visit, entity, record),
    )


def _composer(visit: Visit, entity: Entity, record: Record, *, may_change: bool) -> Composer | None:
    place = _place(visit, entity, record, may_change=may_change)
    if place is None:
        return None
    base = f"/crm/{entity.name}/{record.id}"
    return composer_of(visit, place, f"{base}/log", base)


def _place(visit: Visit, entity: Entity, record: Record, *, may_change: bool) -> Place | None:
    bench = bench_on_record(visit, entity)
    if bench is None:
        return None
    title = title_of(entity, record, visit)
    return Place(entity, bench, "", record.id, title, moves=may_change)


def _task_href(visit: Visit, entity: Entity, record: Record) -> str:
    """Return where something to be done about the record is written down."""
    from urllib.parse import urlencode

    for other in visit.catalog.entities.values():
        benches = [view.bench for view in other.screens.views.values() if view.bench is not None]
        if not any(bench.done for bench in benches) or not visit.policy.may("create", other.name):
            continue
        for one in other.fields.values():
            if one.type.name == "any_link" and entity.name in one.type.targets(one):
                given = {
                    f"{one.name}.entity": entity.name,
                    f"{one.name}.id": record.id,
                    f"{one.name}.id.title": title_of(entity, record, visit),
                }
                return f"/crm/{other.name}/new?{urlencode(given)}"
    return ""


def log_on_record(visit: Visit, name: str, number: str) -> Response:
    """Write what was said and plan the next contact, both or neither."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    rights = visit.records.rights(visit.principal, name, record.id)
    place = _place(visit, entity, record, may_change="update" in rights)
    if place is None:
        raise NotFound
    log = log_of(visit, place)
    try:
        write_log(visit, place, log)
    except RequestError as problem:
        form = composer_of(visit, place, f"/crm/{name}/{record.id}/log")
        form.problem = sentence(visit, problem)
        return _refused(visit, name, number, form.problem, "talk_log.html", form=form)
    label = log.label.in_language(visit.language)
    return told(visit, name, number, visit.wording.say("%(what)s: saved", what=label))


def say_something(visit: Visit, name: str, number: str) -> Response:
    """Keep a comment."""
    visit.entity(name)
    text = request.form.get("text", "")
    try:
        visit.records.comment(visit.principal, name, int(number), text, origin="screen")
    except InvalidInput as problem:
        said = sentence(visit, problem)
        talk = Talk(f"/crm/{name}/{number}", None, "", comment=text, problem=said)
        return _refused(visit, name, number, said, "talk_comment.html", talk=talk)
    return told(visit, name, number, visit.wording.say("Your comment is on the timeline"))


def follow(visit: Visit, name: str, number: str) -> Response:
    """Follow a record, or no more."""
    entity = visit.entity(name)
    follows = request.form.get("do") == "follow"
    visit.records.follow(visit.principal, name, int(number), follows=follows)
    label = entity.label.in_language(visit.language)
    say = visit.wording.say
    text = (
        say("You hear of what happens here: %(thing)s", thing=label)
        if follows
        else say("You no longer follow this")
    )
    return told(visit, name, number, text)


def told(visit: Visit, name: str, number: str, text: str) -> Response:
    """Say what was done: to the page that is open, or on the page that comes."""
    del visit
    if "HX-Request" not in request.headers:
        leave_toast(text)
        return redirect(f"/crm/{name}/{number}", 303)  # type: ignore[return-value]
    answer = Response("", 204)
    # `json` writes ASCII, as headers must be.
    answer.headers["HX-Trigger"] = json.dumps({"record-told": {"text": text}})
    return answer


def _refused(
    visit: Visit, name: str, number: str, said: str, template: str, **shown: object
) -> Response:
    """Say why, beside what was typed."""
    if "HX-Request" not in request.headers:
        from app.screens.record_page import record_page

        return record_page(visit, name, number, refused=said)
    page = visit.page(name, name)
    answer = visit.render(template, page=page, **shown)
    answer.status_code = 422
    return answer
