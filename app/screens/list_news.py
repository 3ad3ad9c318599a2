"""What others changed in a list that is open: which of its rows, and how many beside them.

The stream ends after one event, as the inbox's does; the browser comes again by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Response, request

from app.screens.bulk import actions_for
from app.screens.opened_lists import open_list, read_page
from app.screens.visit import Visit

#: Milliseconds until the browser comes again.
PULSE = 4_000
#: Changes are told again for so long: their transactions end in any order.
_OVERLAP = timedelta(seconds=30)
_MOST_ROWS = 100
_MOST_TOLD = 300


def pulse(visit: Visit, name: str) -> Response:
    """Return what changed since the last time: ``number:record`` of shown rows, then of others."""
    entity = visit.entity(name)
    now = visit.core.clock.now()
    # The browser says where it stopped; a page that was not looked at says so itself.
    said = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    since = _moment(said, now)
    number = visit.core.live.release.numbers.get(entity.name, 0)
    me = visit.principal.user_id
    changes = [
        one for one in visit.records.news.since(number, since - _OVERLAP) if one.user_id != me
    ][-_MOST_TOLD:]
    shown = set(_ids("shown"))
    here = [one for one in changes if one.record_id in shown]
    beside = [one for one in changes if one.record_id not in shown]
    if beside:
        readable = visit.records.titles(visit.principal, name, {one.record_id for one in beside})
        beside = [one for one in beside if one.record_id in readable]
    data = "|".join(
        ",".join(f"{one.id}:{one.record_id}" for one in changed) for changed in (here, beside)
    )
    stamp = int(now.timestamp() * 1000)
    body = f"retry: {PULSE}\nid: {stamp}\nevent: rows\ndata: {data}\n\n"
    response = Response(body, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _moment(text: str, now: datetime) -> datetime:
    if text.isascii() and text.isdigit() and len(text) < 15:
        return datetime.fromtimestamp(int(text) / 1000, tz=UTC)
    return now


def _ids(name: str) -> list[int]:
    found = request.args.get(name, "").split(",")
    return [int(one) for one in found if one.isascii() and one.isdigit() and len(one) < 19]


def rows(visit: Visit, name: str) -> Response:
    """Return some rows of a list anew; those that are no longer in it are left out."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    columns = visit.screens.lists.columns_of(visit, opened)
    wanted = _ids("ids")[:_MOST_ROWS]
    if not wanted:
        return visit.render("list_more.html", view={"rows": ""})
    among = f"id in ({', '.join(map(str, wanted))},)"
    text = f"({opened.asked.filter}) and {among}" if opened.asked.filter else among
    page = read_page(visit, opened, columns.fields, filter=text, limit=len(wanted))
    ticked = bool(actions_for(visit, opened))
    html = columns.rows(page.rows, visit.look, ticked=ticked)
    return visit.render("list_more.html", view={"rows": html})
