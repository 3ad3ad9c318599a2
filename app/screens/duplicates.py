"""Records that may be the same thing, pairs that hang together as one: merged, or told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, redirect, request

from app.duplicates.desk import PAGE, PAGES, Group, Pair, Reason, Side
from app.jobs.beginning import begin_scan
from app.screens.merge_act import merges
from app.screens.moments import time_tag
from app.screens.navigation import in_sentence
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class SideRow:
    """One record."""

    title: str
    href: str
    kind: str
    #: as the form names it
    key: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """What may be one thing."""

    sides: Sequence[SideRow]
    #: pairs as the form names them: their number, and the records
    pairs: Sequence[str]
    why: str
    percent: str
    merges: bool


@dataclass(frozen=True, slots=True)
class DuplicatesView:
    """Everything `duplicates.html` shows."""

    title: str
    count: str
    rows: Sequence[GroupRow]
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
    rows, count = desk.groups(visit.principal, entity, page)
    more = page * PAGE < count and page < PAGES

    def href(number: int) -> str:
        query = {"page": number} | ({"entity": entity} if entity else {})
        return f"/duplicates?{urlencode(query)}"

    title = say("Duplicates")
    view = DuplicatesView(
        title,
        f"{count:,}",
        [_row(visit, one) for one in rows],
        _scan(visit),
        visit.policy.is_admin,
        href(page + 1) if more else "",
        href(page - 1) if page > 1 else "",
    )
    return visit.render("duplicates.html", page=visit.page(title, "duplicates"), view=view)


def _row(visit: Visit, group: Group) -> GroupRow:
    catalog, language = visit.catalog, visit.language
    sides = [
        SideRow(
            each.title,
            f"/crm/{each.entity}/{each.id}",
            catalog.entities[each.entity].label.in_language(language),
            _key(each),
        )
        for each in group.sides
    ]
    counts = Counter(each.entity for each in group.sides)
    why: dict[str, None] = {}
    for one in group.pairs:
        # What is written the same sounds the same, and is alike.
        equal = any(reason.kind == "name" for reason in one.reasons)
        told = [each for each in one.reasons if not (equal and each.kind in ("sound", "alike"))]
        why |= dict.fromkeys(_why(visit, one, reason) for reason in told)
    return GroupRow(
        sides,
        [f"{one.id},{_key(one.one)},{_key(one.other)}" for one in group.pairs],
        ("、" if language == "zh" else ", ").join(why),
        f"{round(group.score * 100)} %",
        any(count > 1 and merges(visit, catalog.entities[name]) for name, count in counts.items()),
    )


def _key(side: Side) -> str:
    return f"{side.entity}:{side.id}"


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


def merge(visit: Visit) -> Response:
    """Put the ticked records of a group side by side."""
    ticks = [one.partition(":") for one in request.form.getlist("of")]
    kinds = {name for name, _, _ in ticks}
    ids = [number for _, _, number in ticks if number.isascii() and number.isdigit()]
    if len(kinds) != 1 or len(ids) < 2 or not kinds <= visit.catalog.entities.keys():
        leave_toast(visit.wording.say("Tick two or more records of one kind."))
        return redirect("/duplicates", 303)  # type: ignore[return-value]
    asked = urlencode({"ids": ",".join(ids)}, safe=",")
    return redirect(f"/crm/{kinds.pop()}/merge?{asked}", 303)  # type: ignore[return-value]


def all_apart(visit: Visit) -> Response:
    """Remember that the ticked records of a group are as many."""
    ticked = set(request.form.getlist("of"))
    said = [one.split(",") for one in request.form.getlist("pair")]
    pairs = [
        int(parts[0])
        for parts in said
        if len(parts) == 3 and _is_number(parts[0]) and set(parts[1:]) <= ticked
    ]
    if not pairs:
        leave_toast(visit.wording.say("Tick the records that are not the same."))
        return redirect("/duplicates", 303)  # type: ignore[return-value]
    return apart(visit, *pairs)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def apart(visit: Visit, *pairs: int) -> Response:
    """Remember that the records of pairs are two, or forget it."""
    undo = request.form.get("again") == "yes"
    visit.core.duplicates.keep_apart(visit.principal, *pairs, apart=not undo)
    if undo:
        leave_toast(visit.wording.say("They are shown again."))
    else:
        leave_toast(
            visit.wording.say("They are not the same; this is remembered."),
            undo="/duplicates/together",
            fields=(("again", "yes"), *(("number", str(one)) for one in pairs)),
        )
    return redirect("/duplicates", 303)  # type: ignore[return-value]


def together(visit: Visit) -> Response:
    """Forget that the records of some pairs are two."""
    return apart(visit, *(int(one) for one in request.form.getlist("number") if _is_number(one)))


def scan(visit: Visit) -> Response:
    """Have all records looked through."""
    number = visit.core.duplicates.begin(visit.principal)
    begin_scan(visit.core.settings.redis_url, number)
    leave_toast(visit.wording.say("All records are looked through in the background."))
    return redirect("/duplicates", 303)  # type: ignore[return-value]
