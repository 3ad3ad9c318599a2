"""Which columns a list shows, in which order, how wide and how high: kept for each person.

In a view of one's own it is the view that changes; in any other list it is how one looks at it.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Response, redirect, request

from app.errors import InvalidInput
from app.records.arrangements import Arrangement, read_arrangement
from app.records.view_drafts import Draft
from app.screens.columns import is_listable
from app.screens.conditions import path_label
from app.screens.controls import Chosen
from app.screens.opened_lists import OpenedList, open_list
from app.screens.visit import Visit, leave_toast


def column_panel(visit: Visit, name: str) -> Response:
    """Return every column there may be, those that are shown first and in their order."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    shown = [column.path for column in visit.screens.lists.columns_of(visit, opened).columns]
    rest = [
        one
        for one in visit.policy.readable(name)
        if one not in shown and is_listable(entity.fields[one])
    ]
    rest.sort(key=lambda path: path_label(entity, path, visit.language))
    choices = [
        Chosen(path, path_label(entity, path, visit.language), path in shown)
        for path in (*shown, *rest)
    ]
    return visit.render(
        "columns.html",
        action=opened.asked.href("arrange"),
        choices=choices,
        csrf=visit.csrf,
    )


def arrange(visit: Visit, name: str) -> Response:
    """Keep the columns, widths or height of rows that somebody chose."""
    entity = visit.entity(name)
    opened = open_list(visit, entity, request.args)
    form = request.form
    readable = set(visit.policy.readable(name))
    now = _kept(visit, opened)
    try:
        if "reset" in form:
            now = replace(now, columns=(), widths={})
        if "column" in form and "reset" not in form:
            columns = [one for one in form.getlist("column") if one.partition(".")[0] in readable]
            now = _read(now, columns=columns[:30])
        if "widths" in form:
            now = _read(now, widths=_widths(form["widths"]))
        if "density" in form:
            now = _read(now, density=form["density"])
    except InvalidInput as problem:
        if request.headers.get("X-Requested-With"):
            raise
        sentences = [visit.words(one) for them in problem.fields.values() for one in them]  # type: ignore[arg-type]
        leave_toast(" ".join(sentences))
        return redirect(opened.asked.href(), 303)  # type: ignore[return-value]
    _keep(visit, opened, now)
    if request.headers.get("X-Requested-With"):
        return Response(status=204)
    return redirect(opened.asked.href(), 303)  # type: ignore[return-value]


def _is_own(visit: Visit, opened: OpenedList) -> bool:
    return opened.own is not None and opened.own.user_id == visit.principal.user_id


def _kept(visit: Visit, opened: OpenedList) -> Arrangement:
    """Return what is kept already: of one's own view, or of how one looks at a list."""
    if opened.own is not None and _is_own(visit, opened):
        return opened.own.settings
    store = visit.records.views.views
    kept: Arrangement = store.choice(visit.principal, opened.entity.name, opened.name)
    return kept


def _keep(visit: Visit, opened: OpenedList, now: Arrangement) -> None:
    store, own = visit.records.views.views, opened.own
    if own is not None and _is_own(visit, opened):
        draft = Draft(own.name, now, own.roles, own.users)
        store.update(visit.principal, visit.policy, opened.entity.name, own, draft)
    else:
        store.choose(visit.principal, opened.entity.name, opened.name, now)


def _read(now: Arrangement, **changed: object) -> Arrangement:
    return read_arrangement({**now.as_json(), **changed})


def _widths(text: str) -> dict[str, int]:
    """Read ``name:180,level:64``."""
    found = {}
    for pair in text[:4_000].split(","):
        path, _, width = pair.partition(":")
        if path and width.isascii() and width.isdigit() and len(width) < 5:
            found[path] = int(width)
    return found
