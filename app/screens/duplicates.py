"""Pairs of records that may be the same thing: merged, or told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, redirect, request

from app.duplicates.desk import MOST, PAGE, PAGES, Pair, Reason
from app.jobs.beginning import begin_scan
from app.screens.merge_act import merges
from app.screens.moments import time_tag
from app.screens.navigation import in_sentence
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair."""

    sides: Sequence[tuple[str, str, str]]
    why: str
    percent: str
    merge_href: str
    apart_href: str


@dataclass(frozen=True, slots=True)
class DuplicatesView:
    """Everything `duplicates.html` shows."""

    title: str
    count: str
    rows: Sequence[PairRow]
    scan: str
    scans: bool
    next_href: str
    previous_href: str


def listed(visit: Visit) -> Response:
    """Return the pairs the visitor may read, the surest first."""
    desk, say = visit.core.duplicates, visit.wording.say
    text = request.args.get("page", "1")
    page = min(int(text), PAGES) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    page = max(page, 1)
    entity = request.args.get("entity") or None
    count = desk.count(visit.principal, entity)
    rows = desk.listed(visit.principal, entity, page)
    more = page * PAGE < count and page < PAGES

    def href(number: int) -> str:
        query = {"page": number} | ({"entity": entity} if entity else {})
        return f"/duplicates?{urlencode(query)}"

    title = say("Duplicates")
    view = DuplicatesView(
        title,
        f"{count:,}" + ("+" if count >= MOST else ""),
        [_row(visit, one) for one in rows],
        _scan(visit),
        visit.policy.is_admin,
        href(page + 1) if more else "",
        href(page - 1) if page > 1 else "",
    )
    return visit.render("duplicates.html", page=visit.page(title, "duplicates"), view=view)


def _row(visit: Visit, one: Pair) -> PairRow:
    catalog, language = visit.catalog, visit.language
    sides = [
        (each.title, f"/crm/{each.entity}/{each.id}",
         catalog.entities[each.entity].label.in_language(language))
        for each in (one.one, one.other)
    ]  # fmt: skip
    same = one.one.entity == one.other.entity
    can = same and merges(visit, catalog.entities[one.one.entity])
    ids = urlencode({"ids": f"{one.one.id},{one.other.id}"}, safe=",")
    # What is written the same sounds the same, and is alike.
    equal = any(reason.kind == "name" for reason in one.reasons)
    told = [each for each in one.reasons if not (equal and each.kind in ("sound", "alike"))]
    why = dict.fromkeys(_why(visit, one, reason) for reason in told)
    return PairRow(
        sides,
        ("、" if language == "zh" else ", ").join(why),
        f"{round(one.score * 100)} %",
        f"/crm/{one.one.entity}/merge?{ids}" if can else "",
        f"/duplicates/{one.id}/apart",
    )


def _why(visit: Visit, pair: Pair, reason: Reason) -> str:
    say, language = visit.wording.say, visit.language
    field = visit.catalog.entities[pair.one.entity].fields[reason.field.partition(".")[0]]
    name = in_sentence(field.label.in_language(language), language)
    if reason.kind == "alike":
        return say("a similar %(field)s", field=name)
    if reason.kind == "sound":
        return say("a %(field)s that sounds the same", field=name)
    if reason.kind == "host":
        return say("the same host in %(field)s", field=name)
    return say("the same %(field)s", field=name)


def _scan(visit: Visit) -> str:
    """Return how the last look through all records stands."""
    say, last = visit.wording.say, visit.core.duplicates.last_scan()
    if last is None:
        return say("All records have not been looked through yet.")
    if last["ended_at"] is None:
        return say("All records are being looked through: %(step)s of %(steps)s.",
                   step=last["step"], steps=last["steps"] or "…")  # fmt: skip
    when = time_tag(last["ended_at"], visit.look.now, visit.wording, visit.look.zone)
    if last["state"] == "failed":
        return say("Looking through all records failed %(when)s.", when=when)
    return say("All records were looked through %(when)s.", when=when)


def apart(visit: Visit, pair: int) -> Response:
    """Remember that two records are two."""
    undo = request.form.get("again") == "yes"
    visit.core.duplicates.keep_apart(visit.principal, pair, apart=not undo)
    if undo:
        leave_toast(visit.wording.say("The pair is shown again."))
    else:
        leave_toast(
            visit.wording.say("They are two; this is remembered."),
            undo=f"/duplicates/{pair}/apart",
            fields=(("again", "yes"),),
        )
    return redirect("/duplicates", 303)  # type: ignore[return-value]


def scan(visit: Visit) -> Response:
    """Have all records looked through."""
    number = visit.core.duplicates.begin(visit.principal)
    begin_scan(visit.core.settings.redis_url, number)
    leave_toast(visit.wording.say("All records are looked through in the background."))
    return redirect("/duplicates", 303)  # type: ignore[return-value]
