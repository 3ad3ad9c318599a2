"""Whom a record is shared with: the page that says so, giving a share and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, redirect, request
from markupsafe import Markup

from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, NotFound
from app.records.results import Record
from app.screens.controls import Chosen, Control
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.pickers import person_control
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast
from app.texts import say as both

#: No number of a person is longer than what the database counts to.
_DIGITS = 18
_A_DAY = both("Choose today or a later day.", "请选择今天或以后的日期。")


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One person the record is shared with."""

    person: Mark
    right: str
    until: str | Markup
    by: str
    over: bool
    href: str


@dataclass(frozen=True, slots=True)
class SharesView:
    """Everything `shares.html` shows."""

    title: str
    href: str
    action: str
    rows: Sequence[ShareRow]
    controls: Sequence[Control]
    refused: str = ""


def shares_page(visit: Visit, name: str, number: str, refused: str = "") -> Response:
    """Return the people a record is shared with, and a form to share it with one more."""
    entity, record = _shareable(visit, name, number)
    title = title_of(entity, record, visit)
    base = f"/crm/{name}/{record.id}"
    view = SharesView(
        title,
        base,
        f"{base}/share",
        _rows(visit, name, record.id),
        _controls(visit, entity),
        refused,
    )
    page = visit.page(f"{visit.wording.say('Share')}: {title}", name)
    response = visit.render("shares.html", page=page, view=view)
    if refused:
        response.status_code = 422
    return response


def share(visit: Visit, name: str, number: str) -> Response:
    """Share a record with a person; a second time replaces what was said before."""
    _, record = _shareable(visit, name, number)
    person = request.form.get("owner", "")
    if not person.isdecimal() or len(person) > _DIGITS:
        said = visit.wording.say("Choose a person.")
        return shares_page(visit, name, number, refused=said)
    try:
        visit.writer.share(
            visit.principal,
            name,
            record.id,
            [int(person)],
            may_edit=request.form.get("right") == "edit",
            until=_end_of(visit, request.form.get("until", "")),
        )
    except InvalidInput as problem:
        said = " ".join(
            visit.words(one)  # type: ignore[arg-type]
            for sentences in problem.fields.values()
            for one in sentences
        )
        return shares_page(visit, name, number, refused=said)
    to = request.form.get("owner.title", "")
    leave_toast(visit.wording.say("Shared with %(name)s", name=to))
    return redirect(f"/crm/{name}/{record.id}/share", 303)  # type: ignore[return-value]


def unshare(visit: Visit, name: str, number: str, person: int) -> Response:
    """Take a record back from a person."""
    _, record = _shareable(visit, name, number)
    if person >= 10**_DIGITS:
        raise NotFound
    visit.writer.unshare(visit.principal, name, record.id, [person])
    leave_toast(
        visit.wording.say("It is no longer shared with %(name)s", name=_name(visit, person))
    )
    return redirect(f"/crm/{name}/{record.id}/share", 303)  # type: ignore[return-value]


def _shareable(visit: Visit, name: str, number: str) -> tuple[Entity, Record]:
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    if "share" not in visit.records.rights(visit.principal, name, record.id):
        raise Forbidden(visit.policy.why("share", name))
    return entity, record


def _name(visit: Visit, person: int | None) -> str:
    people = visit.core.organisation.snapshot().people
    one = people.get(person) if person is not None else None
    return one.name if one is not None and one.name else visit.wording.say("The system")


def _rows(visit: Visit, name: str, number: int) -> list[ShareRow]:
    say, look = visit.wording.say, visit.look
    rows = []
    for one in visit.writer.team(visit.principal, name, number):
        until: datetime | None = one["until"]
        over = until is not None and until <= look.now
        words: str | Markup = say("for good")
        if until is not None:
            # What is kept is the first moment it no longer holds.
            words = time_tag(until - timedelta(seconds=1), look.now, visit.wording, look.zone)
        rows.append(
            ShareRow(
                mark_of(_name(visit, one["user_id"])),
                say("May edit") if one["may_edit"] else say("May read"),
                words,
                _name(visit, one["shared_by"]),
                over,
                f"/crm/{name}/{number}/share/{one['user_id']}",
            )
        )
    return rows


def _controls(visit: Visit, entity: Entity) -> list[Control]:
    say = visit.wording.say
    person = person_control("owner", say("Person"), entity.name)
    person.span = 4
    person.chosen = [Chosen(request.form.get("owner", ""), request.form.get("owner.title", ""))]
    chosen = "edit" if request.form.get("right") == "edit" else "read"
    right = Control(
        "choice",
        "right",
        say("Right"),
        id="f-right",
        required=True,
        span=4,
        value=chosen,
        options=[
            Chosen("read", say("May read"), on=chosen == "read"),
            Chosen("edit", say("May edit"), on=chosen == "edit"),
        ],
    )
    until = Control(
        "text",
        "until",
        say("Until"),
        id="f-until",
        input_type="date",
        value=request.form.get("until", ""),
        span=4,
        help=say("Left empty: for good"),
    )
    return [person, right, until]


def _end_of(visit: Visit, text: str) -> datetime | None:
    """Return the end of a day on the visitor's clock."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=visit.look.zone)
        end = day + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise InvalidInput({"until": [_A_DAY]}) from error
    if end <= visit.look.now:
        raise InvalidInput({"until": [_A_DAY]})
    return end
