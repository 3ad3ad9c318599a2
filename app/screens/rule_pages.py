"""The pages about rules: what each will do and would have done, and why one does not fire here.

Administrators see every rule; on a record, whoever may read it sees why the rules about it do not
fire, as far as the fields that decide may be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from app.access.principal import SYSTEM
from app.automation.backtest import backtest
from app.automation.forecast import DAYS, Coming, forecast
from app.automation.foreseeing import Part, moment_text
from app.automation.index import known_rule
from app.automation.occasions import condition_words, sets_off
from app.automation.whynot import Answer, why_not
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.expressions import Checked
from app.screens.list_view import Tab
from app.screens.record_blocks import title_of
from app.screens.visit import Visit
from app.security.manager import require_admin

#: So many days can be replayed in a page; the command line takes more.
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of the list."""

    name: str
    label: str
    href: str
    about: str
    when: str
    off: bool
    coming: int = 0


@dataclass(frozen=True, slots=True)
class ComingRow:
    """One firing, to come or replayed."""

    at: str
    title: str
    href: str
    to: str
    why: str = ""
    stopped: str = ""


@dataclass(slots=True)
class WhyRow:
    """Why one rule does not fire for a record."""

    rule: str
    href: str
    tone: str
    icon: str
    sentences: Sequence[str]
    parts: Sequence[Part] = ()
    to: str = ""


@dataclass(slots=True)
class RuleView:
    """Everything `rule.html` shows."""

    name: str
    label: str
    when: str
    condition: str
    file: str
    file_href: str
    off: bool
    entities: Sequence[tuple[str, str]] = ()
    coming: Sequence[ComingRow] = ()
    days: int = DAYS
    #: of the backtest
    replay_days: int = 90
    replayed: Sequence[ComingRow] | None = None
    summary: Sequence[str] = ()
    why: WhyRow | None = None
    asked_entity: str = ""
    asked_record: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def rules_page(visit: Visit) -> Response:
    """Return the list of rules, with how often each is due in the days to come."""
    require_admin(visit.principal)
    say = visit.wording.say
    with visit.records.previews.work(SYSTEM) as work:
        counts = forecast(work, visit.core.numbers).counts
    rows = [
        RuleRow(
            rule.name,
            _label(visit, rule),
            f"/setup/rules/{rule.name}",
            say(", ").join(_entity_label(visit, name) for name in rule.entities),
            visit.words(sets_off(rule, visit.catalog)),
            rule.off,
            counts.get(rule.name, 0),
        )
        for rule in visit.catalog.automation.rules.values()
    ]
    view = {"rows": rows, "tabs": setup_tabs(visit, "rules"), "days": DAYS}
    return visit.render("rules.html", page=visit.page(say("Rules"), "setup"), view=view)


def setup_tabs(visit: Visit, part: str) -> list[Tab]:
    """Return the parts of the setup."""
    say = visit.wording.say
    return [
        Tab(say("Files"), "/setup", part == "files"),
        Tab(say("Diagram"), "/setup/diagram", part == "diagram"),
        Tab(say("Versions"), "/setup/versions", part == "versions"),
        Tab(say("Rules"), "/setup/rules", part == "rules"),
        Tab(say("Tests"), "/setup/tests", part == "tests"),
        Tab(say("Ledger"), "/setup/ledger", part == "ledger"),
    ]


def rule_page(visit: Visit, name: str) -> Response:
    """Return one rule: what it will do, what it would have done, why it does not fire."""
    require_admin(visit.principal)
    rule = visit.catalog.automation.rules.get(name)
    if rule is None:
        raise NotFound
    view = _rule_view(visit, rule)
    with visit.records.previews.work(SYSTEM) as work:
        found = forecast(work, visit.core.numbers, only=name)
        view.coming = [_coming_row(visit, one) for one in found.coming]
        days = request.args.get("days", "")
        if days.isdecimal() and len(days) < 5:
            view.replay_days = max(1, min(int(days), MOST_DAYS))
            replayed = backtest(work, name, days=view.replay_days)
            view.replayed = [
                ComingRow(
                    moment_text(one.at, work.calendar),
                    one.title,
                    f"/crm/{one.entity}/{one.record_id}" if one.entity else "",
                    ", ".join(one.to),
                )
                for one in reversed(replayed.firings)
            ]
            view.summary = [visit.words(one) for one in replayed.summary()]
        _ask_why(visit, work, rule, view)
    return visit.render("rule.html", page=visit.page(view.label, "setup"), view=view)


def _rule_view(visit: Visit, rule: RuleDefinition) -> RuleView:
    place = rule.place
    texts = dict.fromkeys(one.text for one in rule.if_.values())
    entity = visit.catalog.entities.get(rule.entities[0]) if rule.entities else None
    return RuleView(
        rule.name,
        _label(visit, rule),
        visit.words(sets_off(rule, visit.catalog)),
        " / ".join(visit.words(condition_words(text, visit.catalog, entity)) for text in texts),
        f"{place.file}:{place.line}" if place else rule.file,
        f"/setup?file={place.file}#L{place.line}" if place else "",
        rule.off,
        [(name, _entity_label(visit, name)) for name in rule.entities],
    )


def _ask_why(visit: Visit, work: Any, rule: RuleDefinition, view: RuleView) -> None:
    view.asked_entity = request.args.get("entity", rule.entities[0] if rule.entities else "")
    view.asked_record = request.args.get("record", "")
    number = view.asked_record
    if not number.isdecimal() or len(number) > 18 or view.asked_entity not in rule.entities:
        return
    try:
        answer = why_not(work, visit.core.numbers, rule.name, view.asked_entity, int(number))
    except NotFound:
        said = visit.wording.say("There is no such record.")
        view.why = WhyRow(rule.name, "", "warn", "alert-triangle", [said])
        return
    view.why = _why_row(visit, rule, answer, visit.catalog.entities[view.asked_entity])


def record_rules_page(visit: Visit, name: str, number: str) -> Response:
    """Return why the rules about a record's kind do, or do not, fire for it."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    title = title_of(entity, record, visit)
    rows = []
    with visit.records.previews.work(SYSTEM) as work:
        for rule in visit.catalog.automation.rules.values():
            if name not in rule.entities or rule.off:
                continue
            answer = why_not(work, visit.core.numbers, rule.name, name, record.id)
            rows.append(_why_row(visit, rule, _as_may_be_told(visit, rule, entity, answer), entity))
    view = {"title": title, "href": f"/crm/{name}/{record.id}", "rows": rows}
    page = visit.page(f"{visit.wording.say('Rules')}: {title}", name)
    return visit.render("why.html", page=page, view=view)


def _as_may_be_told(
    visit: Visit, rule: RuleDefinition, entity: Entity, answer: Answer
) -> Answer | None:
    """Return an answer; None where a field decides that the visitor may not read."""
    known = known_rule(rule, entity.name)
    asked = [one for one in (known.if_, known.when.due, known.when.base) if one is not None]
    if visit.principal.is_admin or all(_is_readable(visit, entity, one) for one in asked):
        return answer
    return None


def _is_readable(visit: Visit, entity: Entity, expression: Checked) -> bool:
    if expression.asks_other_records and not visit.principal.is_admin:
        return False
    for path in expression.names:
        first, _, rest = path.removeprefix("record.").partition(".")
        if first in ("old", "record"):
            first = rest.partition(".")[0]
        if first in entity.fields and not visit.policy.is_readable(entity.name, first):
            return False
    return True


_TONES = {
    "will": ("info", "clock"),
    "stopped": ("warn", "clock-pause"),
    "fired": ("ok", "circle-check"),
    "event": ("info", "bolt"),
}


def _why_row(visit: Visit, rule: RuleDefinition, answer: Answer | None, entity: Entity) -> WhyRow:
    href = f"/setup/rules/{rule.name}" if visit.principal.is_admin else ""
    if answer is None:
        said = visit.wording.say("What decides here are fields you may not read.")
        return WhyRow(_label(visit, rule), href, "info", "lock", [said])
    tone, icon = _TONES[answer.state]
    return WhyRow(
        _label(visit, rule),
        href,
        tone,
        icon,
        [visit.words(one) for one in answer.sentences],
        [
            Part(visit.words(condition_words(one.text, visit.catalog, entity)), one.is_met)
            for one in answer.parts
        ],
        ", ".join(answer.to),
    )


def _coming_row(visit: Visit, one: Coming) -> ComingRow:
    calendar = visit.catalog.app.business_calendar
    stopped = ""
    if one.stopped_by:
        stopped = visit.wording.say("skipped now: %(parts)s", parts="; ".join(one.stopped_by))
    return ComingRow(
        moment_text(one.at, calendar),
        one.title,
        f"/crm/{one.entity}/{one.record_id}" if one.entity else "",
        ", ".join(one.to),
        visit.words(one.why),
        stopped,
    )


def _label(visit: Visit, rule: RuleDefinition) -> str:
    return visit.words(rule.label) if rule.label is not None else rule.name


def _entity_label(visit: Visit, name: str) -> str:
    return visit.catalog.entities[name].label.in_language(visit.language)


def about_record(rules: Iterable[RuleDefinition], entity: str) -> bool:
    """Return whether any rule in force is about records of an entity."""
    return any(entity in rule.entities and not rule.off for rule in rules)
