"""The pages of exports: what is to be taken along, how far it is, the file that waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, redirect, request, send_file
from markupsafe import Markup

from app.errors import TrellisError, text_in
from app.jobs.beginning import begin_export
from app.screens.bulk import ticked
from app.screens.frame import Choice as Item
from app.screens.list_view import Asked
from app.screens.moments import time_tag
from app.screens.navigation import plural
from app.screens.opened_lists import open_list, view_asked
from app.screens.system import size_words
from app.screens.visit import Visit
from app.screens.wording import Wording
from app.texts import Label
from app.transfer.export_run import ExportRun
from app.transfer.exporting import Wanted
from app.transfer.related import related_of
from app.transfer.sheets import FORMS

#: How the forms are called.
_NAMES = {"xlsx": "Excel", "csv": "CSV", "jsonl": "JSON Lines"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be chosen."""

    name: str
    label: str
    on: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """One export as a page shows it."""

    run: ExportRun
    state: str
    #: ok | bad | info | warn
    look: str
    made: Markup
    rows: str
    size: str
    percent: int
    href: str
    problem: str
    expires: str | Markup


def wanted_of(visit: Visit, name: str, arguments: Mapping[str, str]) -> tuple[Wanted, str]:
    """Return a list as it is shown, and what its file is called without the ending."""
    opened = open_list(visit, visit.entity(name), arguments)
    columns = visit.screens.lists.columns_of(visit, opened)
    # Those that were ticked, where some were.
    ids = ticked(arguments.get("ids", ""))
    wanted = Wanted(
        name,
        tuple(column.path for column in columns.columns),
        filter=opened.asked.filter or None,
        view=view_asked(opened),
        search=opened.asked.search or None,
        sort=opened.arrangement.sort or None,
        where=(("id", list(ids)),) if ids else (),
        language=visit.language,
        time_zone=visit.principal.time_zone,
    )
    return wanted, f"{plural(opened.entity, visit.language)} {visit.look.now:%Y-%m-%d}"


def export_list(visit: Visit, name: str, arguments: Mapping[str, str]) -> Response:
    """Return a list as a file; of a long one, the page on which it is begun."""
    wanted, called = wanted_of(visit, name, arguments)
    form = arguments.get("format", "xlsx")
    if visit.core.exports.is_large(visit.principal, wanted, form):
        asked = request.query_string.decode("ascii", "ignore")
        return redirect(f"/crm/{name}/export/new?{asked}&large=yes", 303)  # type: ignore[return-value]
    found = visit.core.exports.open(visit.principal, wanted, form, request.remote_addr)
    return _sent(found, FORMS[form][0], f"{called}.{form}")


def _sent(file: Any, type_: str, name: str) -> Response:
    answer = send_file(file, mimetype=type_, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def new_page(visit: Visit, name: str, error: str = "") -> Response:
    """Show what may be taken along of a list; begin what was chosen."""
    arguments = request.args
    form = request.form.get("format") or arguments.get("format", "xlsx")
    wanted, called = wanted_of(visit, name, arguments)
    # A filter that cannot be read is told here, not on a page that offers to export by it.
    visit.core.exports.is_large(visit.principal, wanted, form)
    entity = visit.entity(name)
    related = list(related_of(visit.catalog, visit.policy, entity))
    if request.method == "POST" and not error:
        known = {one.name for one in related}
        if request.form.get("fields") == "all":
            wanted = replace(wanted, fields=None)
        wanted = replace(
            wanted, related=tuple(one for one in request.form.getlist("related") if one in known)
        )
        try:
            run = visit.core.export_runs.begin(
                visit.principal, wanted, form, f"{called}.{form}", request.remote_addr
            )
        except TrellisError as refused:
            return new_page(visit, name, text_in(refused.message, visit.language))
        begin_export(visit.core.settings.redis_url, run.id)
        return redirect(f"/exports/{run.id}", 303)  # type: ignore[return-value]
    chosen = set(request.form.getlist("related"))
    view = {
        "label": visit.words(entity.plural or entity.label),
        "list_href": f"/crm/{name}/",
        "large": arguments.get("large") == "yes",
        "error": error,
        "forms": [Choice(key, label, key == form) for key, label in _NAMES.items()],
        "all": request.form.get("fields") == "all",
        "related": [Choice(one.name, visit.words(one.label), one.name in chosen)
                    for one in related],
        "narrowed": bool(wanted.filter or wanted.search or wanted.where or wanted.view),
    }  # fmt: skip
    return visit.render("export_new.html", page=visit.page(visit.wording.say("Export"), name),
                        view=view)  # fmt: skip


def export_choices(asked: Asked, wording: Wording) -> list[Item]:
    """Return the ways a list may be taken along."""
    more = wording.say("Choose more …")
    return [
        *(Item(form, label, False, icon="download", href=asked.href("export", format=form))
          for form, label in _NAMES.items()),
        Item("new", more, False, icon="table-export", href=asked.href("export/new")),
        Item("mine", wording.say("My exports"), False, icon="history", href="/exports/"),
    ]  # fmt: skip


def listed_page(visit: Visit) -> Response:
    """Show one's latest exports."""
    rows = [_row(visit, run) for run in visit.core.export_runs.listed(visit.principal)]
    title = visit.wording.say("My exports")
    return visit.render("exports.html", page=visit.page(title, ""), view={"rows": rows})


def run_page(visit: Visit, number: int) -> Response:
    """Show how far an export is, and where its file is fetched."""
    run = visit.core.export_runs.get(visit.principal, number)
    page = visit.page(visit.wording.say("Export"), str(run.wanted.get("entity", "")))
    return visit.render("export_run.html", page=page, view={"row": _row(visit, run)})


def begin_everything(visit: Visit) -> Response:
    """Have everything of the installation written, for an administrator."""
    named = f"trellis {visit.look.now:%Y-%m-%d}.zip"
    run = visit.core.export_runs.begin_all(visit.principal, {}, named, request.remote_addr)
    begin_export(visit.core.settings.redis_url, run.id)
    return redirect(f"/exports/{run.id}", 303)  # type: ignore[return-value]


def cancel(visit: Visit, number: int) -> Response:
    """End an export."""
    visit.core.export_runs.cancel(visit.principal, number)
    return redirect(f"/exports/{number}", 303)  # type: ignore[return-value]


def fetch(visit: Visit, number: int) -> Response:
    """Return the file of an export to its asker."""
    run, path = visit.core.export_runs.file(visit.principal, number)
    type_ = FORMS[run.form][0] if run.form in FORMS else "application/zip"
    return _sent(path, type_, run.name)


def _row(visit: Visit, run: ExportRun) -> RunRow:
    look, say = visit.look, visit.wording.say
    states: Mapping[str, Sequence[str]] = {
        "waiting": (say("Waiting for a worker"), "info"),
        "running": (say("Under way"), "info"),
        "done": (say("Done"), "ok"),
        "cancelled": (say("Ended early"), "warn"),
        "failed": (say("Broken off"), "bad"),
        "expired": (say("Removed, being old enough"), "warn"),
    }
    state, shown = states[run.state]
    total = f" / {run.total:,}" if run.total and run.is_open else ""
    expires: str | Markup = ""
    if run.expires_at is not None and run.state == "done":
        expires = time_tag(run.expires_at, look.now, visit.wording, look.zone)
    return RunRow(
        run,
        state,
        shown,
        time_tag(run.made_at, look.now, visit.wording, look.zone),
        f"{run.done:,}{total}",
        size_words(run.size) if run.size is not None else "",
        min(99, run.done * 100 // run.total) if run.total else 0,
        f"/exports/{run.id}/file" if run.state == "done" else "",
        visit.words(Label(run.problem)) if run.problem else "",
        expires,
    )
