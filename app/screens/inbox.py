"""The inbox: what was told to the visitor, and what becomes of it.

Pages that are open hear of new messages by server-sent events that end at once: the browser comes
again by itself, so nobody keeps a thread of the web server (docs/decisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Response, redirect, request
from markupsafe import Markup

from app.automation.ledger import label_of
from app.notifications import inbox, preferences
from app.notifications.quiet import digest_at
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.named import titles_of
from app.screens.sign_in import safe_next
from app.screens.visit import Visit, leave_toast

_PAGE = 50
#: Milliseconds after which an open page asks again.
PULSE = 4_000
_ICONS = {
    "rule": "bolt",
    "approval": "checkup-list",
    "mention": "message-2",
    "record": "arrows-right-left",
    "system": "info-circle",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One message in the list."""

    id: int
    icon: str
    text: str
    when: Markup
    unread: bool
    #: the record it is about, as far as the visitor may read it
    title: str = ""
    kind: str = ""
    href: str = ""
    rule: str = ""
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """The messages of one day."""

    label: str
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class InboxView:
    """Everything `inbox.html` shows."""

    tabs: Sequence[Tab]
    days: Sequence[Day]
    unread: int
    newest: int
    query: str
    only_unread: bool
    unread_href: str
    snoozes: Sequence[tuple[str, str]]
    more_href: str = ""


def inbox_page(visit: Visit) -> Response:
    """Return the inbox, or the list alone for a page that is open."""
    page = visit.page(visit.wording.say("Inbox"), "inbox")
    view = _view(visit)
    if request.headers.get("HX-Target") == "inbox-list":
        return visit.render("inbox_list.html", page=page, view=view)
    return visit.render("inbox.html", page=page, view=view)


def _view(visit: Visit) -> InboxView:
    kind = request.args.get("kind", "")
    kind = kind if kind in inbox.KINDS else ""
    only_unread = request.args.get("show") == "unread"
    now, me = visit.look.now, _me(visit)
    with visit.core.pools.read.connection() as connection:
        found = inbox.list_messages(
            connection,
            me,
            now,
            unread=only_unread,
            kind=kind or None,
            after=_after(request.args.get("after", "")),
            limit=_PAGE,
        )
        counts = inbox.unread_by_kind(connection, me, now)
        muted = preferences.read_choices(connection).get(me, preferences.USUAL).muted
    shown, more = found[:_PAGE], ""
    asked = {"kind": kind, "show": "unread" if only_unread else ""}
    if len(found) > _PAGE:
        last = shown[-1]
        more = _href(**asked, after=f"{last.shown_at.timestamp():.6f}-{last.id}")
    items = _items(visit, shown, muted)
    return InboxView(
        tabs=_tabs(visit, kind, only_unread, counts),
        days=_days(visit, shown, items),
        unread=sum(counts.values()),
        newest=max((one.id for one in shown), default=0),
        query=_href(**asked),
        only_unread=only_unread,
        unread_href=_href(kind=kind, show="" if only_unread else "unread"),
        snoozes=_snoozes(visit),
        more_href=more,
    )


def _href(**values: str) -> str:
    query = urlencode({name: value for name, value in values.items() if value})
    return f"/inbox?{query}" if query else "/inbox"


def _after(text: str) -> tuple[datetime, int] | None:
    """Read where a page begins."""
    moment, _, number = text.partition("-")
    try:
        at = datetime.fromtimestamp(float(moment), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return (at, int(number)) if number.isdigit() and len(number) < 19 else None


def _tabs(visit: Visit, kind: str, only_unread: bool, counts: dict[str, int]) -> list[Tab]:
    say = visit.wording.say
    labels = {
        "": say("All"),
        "rule": say("Reminders"),
        "approval": say("Approvals"),
        "mention": say("Mentions"),
        "record": say("Records"),
        "system": say("System"),
    }
    show = "unread" if only_unread else ""
    numbers = {**counts, "": sum(counts.values())}
    return [
        Tab(
            label,
            _href(kind=name, show=show),
            name == kind,
            count=str(numbers[name]) if numbers.get(name) else None,
        )
        for name, label in labels.items()
    ]


def _items(visit: Visit, messages: Sequence[inbox.Message], muted: frozenset[int]) -> list[Item]:
    names = visit.core.live.release.names
    titles = titles_of(visit, ((names.get(one.entity or 0), one.record_id) for one in messages))
    items = []
    for one in messages:
        entity = visit.core.live.release.names.get(one.entity or 0, "")
        title = titles.get((entity, one.record_id or 0))
        items.append(
            Item(
                id=one.id,
                icon=_ICONS.get(one.kind, "info-circle"),
                text=one.text,
                when=time_tag(one.shown_at, visit.look.now, visit.wording, visit.look.zone),
                unread=one.read_at is None,
                title=title or (visit.wording.say("Open") if one.path else ""),
                kind=visit.catalog.entities[entity].label.in_language(visit.language)
                if title is not None
                else "",
                href=f"/crm/{entity}/{one.record_id}" if title is not None else one.path or "",
                rule=visit.words(label_of(visit.catalog, one.rule_name)) if one.rule_name else "",
                muted=one.rule in muted,
            )
        )
    return items


def _days(visit: Visit, messages: Sequence[inbox.Message], items: Sequence[Item]) -> list[Day]:
    say, look = visit.wording.say, visit.look
    today = look.now.astimezone(look.zone).date()
    labels = {0: say("Today"), 1: say("Yesterday")}
    days: dict[str, list[Item]] = {}
    for one, item in zip(messages, items, strict=True):
        ago = (today - one.shown_at.astimezone(look.zone).date()).days
        days.setdefault(labels.get(max(ago, 0), say("Earlier")), []).append(item)
    return [Day(label, inside) for label, inside in days.items()]


def _snoozes(visit: Visit) -> list[tuple[str, str]]:
    say = visit.wording.say
    return [
        ("hour", say("In an hour")),
        ("tomorrow", say("Tomorrow")),
        ("week", say("Next week")),
    ]


def _me(visit: Visit) -> int:
    number = visit.principal.user_id
    assert number is not None
    return number


# -- acts ----------------------------------------------------------------------------------------


def act(visit: Visit, number: int, what: str) -> Response:
    """Do something with one message: read, unread, snooze, mute, unmute."""
    me, now = _me(visit), visit.look.now
    with visit.core.pools.write.connection() as connection:
        if what == "read":
            inbox.mark_read(connection, me, [number], now)
        elif what == "unread":
            inbox.mark_unread(connection, me, [number], now)
        elif what == "snooze":
            until = _until(visit)
            inbox.snooze(connection, me, [number], until)
        elif what in ("mute", "unmute"):
            rule = inbox.rule_of(connection, me, number)
            if rule is not None:
                change = preferences.mute_rule if what == "mute" else preferences.unmute_rule
                change(connection, me, rule)
    visit.screens.hearing.heard(str(me))
    if what == "snooze":
        leave_toast(visit.wording.say("It comes again later"))
    elif what == "mute":
        leave_toast(
            visit.wording.say("You hear no more of this rule"), undo=f"/inbox/{number}/unmute"
        )
    return _back()


def read_all(visit: Visit) -> Response:
    """Mark all read that the page showed or that are older."""
    newest = request.form.get("newest", "")
    me = _me(visit)
    with visit.core.pools.write.connection() as connection:
        if newest.isdigit() and len(newest) < 19:
            inbox.mark_all_read(connection, me, int(newest), visit.look.now)
    visit.screens.hearing.heard(str(me))
    return _back()


def _until(visit: Visit) -> datetime:
    app, now = visit.catalog.app, visit.look.now
    choice = request.form.get("until", "hour")
    if choice == "tomorrow":
        calendar = app.business_calendar
        opens = calendar.hours[0][0] if calendar.hours else None
        day = calendar.day(now) + timedelta(days=1)
        if opens is not None:
            return calendar.moment(datetime.combine(day, opens))
        return calendar.midnight(day)
    if choice == "week":
        return digest_at(app, now, "weekly")
    return now + timedelta(hours=1)


def _back() -> Response:
    if "X-Requested-With" in request.headers:
        return Response("", 204)
    return redirect(safe_next(request.form.get("next", "/inbox")), 303)  # type: ignore[return-value]


def pulse(visit: Visit) -> Response:
    """Return how many messages are unread, as an event; the browser comes again for the next."""
    number = visit.screens.hearing.unread(_me(visit))
    words = visit.wording.count("%(number)s unread", "%(number)s unread", number)
    shown = f"{inbox.MOST_COUNTED - 1}+" if number >= inbox.MOST_COUNTED else str(number)
    body = f"retry: {PULSE}\nevent: unread\ndata: {number}|{shown}|{words}\n\n"
    response = Response(body, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
