"""The ledger as people read it: of one record, and for administrators by rule and person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from markupsafe import Markup

from app.automation.ledger import CAUSES, STATES, Ledger, Line
from app.definitions.catalog import Entity
from app.errors import Forbidden
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.named import titles_of
from app.screens.record_blocks import title_of
from app.screens.rule_pages import setup_tabs
from app.screens.visit import Visit

_PAGE = 25
_COLORS = {
    "due": "gray",
    "waiting": "yellow",
    "done": "green",
    "skipped": "gray",
    "failed": "red",
    "dropped": "gray",
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """What became of one step."""

    number: str
    action: str
    state: str
    color: str
    note: str
    href: str


@dataclass(frozen=True, slots=True)
class FiringRow:
    """One time a rule met a record."""

    id: int
    rule: str
    label: str
    rule_href: str
    cause: str
    who: str
    when: Markup
    due: Markup | str
    next: Markup | str
    state: str
    color: str
    reason: str
    version: str
    steps: Sequence[StepRow]
    record_href: str = ""
    record: str = ""


def ledger(visit: Visit) -> Ledger:
    """Return the ledger."""
    core: Any = visit.core
    return Ledger(core.records, core.numbers, core.pools)


def has_ledger(visit: Visit, entity: Entity) -> bool:
    """Return whether rules may have met records of an entity, for who may read their history."""
    if not visit.policy.may("history", entity.name):
        return False
    automation = visit.catalog.automation
    return (
        any(entity.name in rule.entities for rule in automation.rules.values())
        or bool(automation.pools_of(entity.name))
        or bool(automation.approvals_of(entity.name))
    )


def record_firings(visit: Visit, name: str, number: str) -> Response:
    """Return what rules did about a record: a part of its page, or a page of its own."""
    entity = visit.entity(name)
    before = _before()
    lines = ledger(visit).of_record(
        visit.principal, name, int(number), limit=_PAGE + 1, before=before
    )
    more = ""
    if len(lines) > _PAGE:
        more = f"/crm/{name}/{number}/automation?before={lines[_PAGE - 1].id}"
    rows = [firing_row(visit, line) for line in lines[:_PAGE]]
    if "HX-Request" in request.headers:
        return visit.render("firings_part.html", rows=rows, more_href=more, with_record=False)
    record = visit.records.get(visit.principal, name, number)
    title = title_of(entity, record, visit)
    page = visit.page(f"{visit.wording.say('Automation')}: {title}", name)
    view = {"title": title, "href": f"/crm/{name}/{number}", "tabs": [], "about": "", "parts": []}
    return visit.render(
        "firings.html", page=page, view=view, rows=rows, more_href=more, with_record=False
    )


def firings_page(visit: Visit) -> Response:
    """Return what rules did anywhere, for administrators."""
    if not visit.principal.is_admin:
        raise Forbidden
    rule, state = request.args.get("rule", ""), request.args.get("state", "")
    user = request.args.get("user", "")
    state = state if state in STATES else ""
    lines = ledger(visit).everywhere(
        visit.principal,
        visit.core.live.release,
        rule=rule or None,
        user_id=int(user) if user.isdigit() and len(user) < 19 else None,
        state=state or None,
        limit=_PAGE + 1,
        before=_before(),
    )
    kept = {key: value for key, value in (("rule", rule), ("user", user)) if value}

    def href(**more: object) -> str:
        query = urlencode({**kept, **more})
        return f"/setup/ledger?{query}" if query else "/setup/ledger"

    tabs = [Tab(visit.wording.say("All"), href(), on=not state)]
    tabs += [
        Tab(visit.words(label), href(state=name), on=state == name)
        for name, label in STATES.items()
    ]
    more = ""
    if len(lines) > _PAGE:
        more = href(before=lines[_PAGE - 1].id, **({"state": state} if state else {}))
    titles = titles_of(visit, ((line.entity, line.record_id) for line in lines[:_PAGE]))
    rows = [firing_row(visit, line, titles) for line in lines[:_PAGE]]
    about = ""
    if rule:
        about = rows[0].label if rows else rule
    elif user.isdigit():
        about = _name_of(visit, int(user))
    title = visit.wording.say("Ledger")
    view = {
        "title": "",
        "parts": setup_tabs(visit, "ledger"),
        "tabs": tabs,
        "about": about,
    }
    return visit.render(
        "firings.html",
        page=visit.page(f"{title}: {about}" if about else title, "setup"),
        view=view,
        rows=rows,
        more_href=more,
        with_record=True,
    )


def firing_row(
    visit: Visit, line: Line, titles: Mapping[tuple[str, int], str] | None = None
) -> FiringRow:
    """Return a firing as the page shows it.

    Args:
        titles: of the records, where the page is about more than one.
    """
    say, look = visit.wording.say, visit.look

    def moment(value: Any) -> Markup | str:
        return time_tag(value, look.now, visit.wording, look.zone) if value is not None else ""

    record, record_href = "", ""
    if titles is not None and line.entity is not None and line.record_id is not None:
        entity = visit.catalog.entities.get(line.entity)
        label = visit.words(entity.label) if entity is not None else line.entity
        title = titles.get((line.entity, line.record_id), "")
        # One that is in the bin, or gone for good, is told by its number.
        record = f"{label} {title}" if title else f"{label} #{line.record_id}"
        record_href = f"/crm/{line.entity}/{line.record_id}" if title else ""
    return FiringRow(
        id=line.id,
        rule=line.rule,
        label=visit.words(line.label),
        rule_href=f"/setup/ledger?rule={line.rule}" if visit.principal.is_admin else "",
        cause=visit.words(CAUSES.get(line.cause, line.cause)),
        who=_name_of(visit, line.user_id) if line.user_id is not None else say("The system"),
        when=time_tag(line.happened_at, look.now, visit.wording, look.zone),
        due=moment(line.due_at),
        next=moment(line.next_at),
        state=visit.words(STATES.get(line.state, line.state)),
        color=_COLORS.get(line.state, "gray"),
        reason=visit.words(line.reason) if line.reason is not None else "",
        version=line.version,
        steps=[
            StepRow(
                step.number,
                step.action,
                visit.words(STATES.get(step.state, step.state)),
                _COLORS.get(step.state, "gray"),
                visit.words(step.note) if step.note is not None else "",
                f"/crm/{step.made[0]}/{step.made[1]}" if step.made else "",
            )
            for step in line.steps
        ],
        record_href=record_href,
        record=record,
    )


def _name_of(visit: Visit, user_id: int) -> str:
    person = visit.core.organisation.snapshot().people.get(user_id)
    return person.name if person is not None and person.name else f"#{user_id}"


def _before() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isdigit() and len(text) < 19 else None
