"""The pages of an import: the file, its columns, the dry run, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request

from app.errors import InvalidInput, TrellisError, text_in
from app.jobs.beginning import begin_import
from app.screens.visit import Visit
from app.transfer.matching import Match
from app.transfer.plans import changed_plan, link_between
from app.transfer.rows import plain
from app.transfer.runs import Run

#: Rows that the page tries while somebody waits; all of them are checked when they are imported.
TRIED = 1_000
_SHOWN = 50
_MANY_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """One field a column may go to."""

    path: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column of the file."""

    number: int
    heading: str
    example: str
    choices: Sequence[Choice]
    is_left_out: bool
    why: str


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One reason why a row is left out."""

    row: int
    column: str
    value: str
    why: str


def begin_page(visit: Visit, name: str) -> Any:
    """Show where a file is chosen; take the file that was."""
    entity, error = visit.entity(name), ""
    imports = visit.core.imports
    imports.require(visit.principal, name)
    if request.method == "POST":
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            error = visit.wording.say("Choose a file.")
        else:
            try:
                run = imports.add(visit.principal, name, sent.stream, sent.filename)
                return redirect(f"/imports/{run.id}", 303)
            except TrellisError as refused:
                error = text_in(_first(refused), visit.language)
    latest = [run for run in imports.listed(visit.principal) if run.entity == name][:10]
    title = visit.wording.say("Import")
    return visit.render(
        "import_file.html",
        page=visit.page(title, name),
        view={"entity": entity, "label": visit.words(entity.plural or entity.label),
              "error": error, "latest": [(run, _state(visit, run)) for run in latest]},
    )  # fmt: skip


def _first(error: TrellisError) -> Any:
    return next((one for many in error.fields.values() for one in many), error.message)


def run_page(visit: Visit, number: int, error: str = "") -> Response:
    """Show an import: its columns before it begins, then how far it is."""
    run = visit.core.imports.get(visit.principal, number)
    if run.state == "draft":
        return _columns_page(visit, run, error)
    done = run.as_json()["done"]
    total = run.total or 0
    view = _common(visit, run) | {
        "state": _state(visit, run),
        "is_open": run.state in ("waiting", "running"),
        "done": done,
        "total": total,
        "percent": min(100, done * 100 // total) if total else 0,
        "facts": _facts(visit, run.counts),
        "problem": text_in(run.problem, visit.language) if run.problem else "",
    }
    return visit.render("import_run.html", page=_page(visit, run), view=view)


def _columns_page(visit: Visit, run: Run, error: str) -> Response:
    look = visit.core.imports.look(visit.principal, run)
    targets = _targets(visit, run.entity)
    rows = []
    for place, heading in enumerate(look.columns[:_MANY_COLUMNS]):
        path = run.plan.columns.get(heading, "")
        examples = [plain(row.values[place]) for row in look.samples]
        shown = ", ".join(dict.fromkeys(str(one) for one in examples if one is not None))
        rows.append(
            ColumnRow(
                place,
                heading,
                shown[:60] + "…" if len(shown) > 60 else shown,
                [Choice(target, label, target == path) for target, label in targets],
                not path,
                _why(visit, look.matches[place], path),
            )
        )
    keys = {path for key in run.plan.match for path in key}
    told = [Choice(path, label, path in keys) for path, label in targets
            if path in run.plan.columns.values() and _tells(visit, run.entity, path)]  # fmt: skip
    view = _common(visit, run) | {"rows": rows, "told": told, "error": error}
    return visit.render("import_columns.html", page=_page(visit, run), view=view)


def _tells(visit: Visit, entity: str, path: str) -> bool:
    """Return whether a field is fit to tell a record by: it is nobody else's, or looked for."""
    name = path.partition(".")[0]
    found = visit.catalog.entities[entity].fields.get(name)
    return found is not None and found.type.name in (
        "text", "serial", "email", "phone", "phones", "emails", "url", "integer",
    )  # fmt: skip


def _targets(visit: Visit, name: str) -> list[tuple[str, str]]:
    """Return where columns may go: fields the person may write, and second records."""
    found = []
    for entity in visit.catalog.entities.values():
        is_own = entity.name == name
        if not is_own and (
            entity.lines_of or link_between(visit.catalog, entity.name, name) is None
        ):
            continue
        if not is_own and not visit.policy.may("create", entity.name):
            continue
        before = "" if is_own else f"{visit.words(entity.label)}: "
        for one in entity.fields.values():
            is_usual = not one.built_in or one.name in ("owner", "tags")
            if not is_usual or one.removed or one.is_worked_out or one.type.name == "lines":
                continue
            if visit.policy.field_right(entity.name, one.name) != "edit" or not one.type.writable:
                continue
            path = one.name if is_own else f"{entity.name}.{one.name}"
            found.append((path, before + visit.words(one.label)))
            if is_own and one.type.name == "address":
                found += [
                    (f"{path}.{part.name}", f"{visit.words(one.label)}: {visit.words(part.label)}")
                    for part in one.type.parts(one)
                ]
    return found


def _why(visit: Visit, match: Match, path: str) -> str:
    say = visit.wording.say
    if not path:
        return say("left out")
    if match.path != path:
        return say("chosen")
    return {
        "name": say("same name"),
        "label": say("same label"),
        "former": say("a usual name of it"),
        "alike": say("a similar label"),
        "content": say("by what is in it"),
    }.get(match.by, say("chosen"))


def choose(visit: Visit, number: int) -> Any:
    """Take where the columns go, and show the dry run."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    headings = imports.look(visit.principal, run).columns
    form = request.form
    columns = {
        heading: form.get(f"column-{place}", run.plan.columns.get(heading, ""))
        for place, heading in enumerate(headings)
    }
    said = {
        "columns": columns,
        "match": [[path] for path in form.getlist("match") if path in columns.values()],
        "mode": form.get("mode", "create"),
        "rules": "run" if form.get("rules") else "off",
    }
    try:
        imports.change(visit.principal, number, changed_plan(visit.catalog, run.plan, said))
    except InvalidInput as error:
        return run_page(visit, number, text_in(_first(error), visit.language))
    return redirect(f"/imports/{number}/dry-run", 303)


def dry_run_page(visit: Visit, number: int) -> Any:
    """Show what would become of the rows."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    if run.state != "draft":
        return redirect(f"/imports/{number}", 303)
    tally = imports.dry_run(visit.principal, run, TRIED)
    headings = list(imports.look(visit.principal, run).columns)
    faults = []
    for fault in tally.faults[:_SHOWN]:
        for reason in fault.reasons:
            place = headings.index(reason.column) if reason.column in headings else None
            value = fault.values[place] if place is not None else None
            faults.append(
                FaultRow(
                    fault.row,
                    reason.column or "",
                    "" if value is None else str(value)[:80],
                    reason.sentence.in_language(visit.language),
                )
            )
    tried = sum(tally.counts.values())
    view = _common(visit, run) | {
        "facts": _facts(visit, {**tally.counts, "others": tally.others}),
        "faults": faults,
        "left": tally.counts["faulty"],
        "good": tried - tally.counts["faulty"],
        "tried": tried,
        "is_part": tried >= TRIED,
    }
    return visit.render("import_dry_run.html", page=_page(visit, run), view=view)


def act(visit: Visit, number: int, what: str) -> Any:
    """Begin, pause or end an import."""
    imports = visit.core.imports
    run = {"start": imports.start, "pause": imports.pause, "cancel": imports.cancel}[what](
        visit.principal, number
    )
    if what == "start":
        begin_import(visit.core.settings.redis_url, run.id)
    return redirect(f"/imports/{number}", 303)


def _page(visit: Visit, run: Run) -> Any:
    return visit.page(visit.wording.say("Import"), run.entity)


def _common(visit: Visit, run: Run) -> dict[str, Any]:
    entity = visit.catalog.entities[run.entity]
    return {
        "run": run,
        "label": visit.words(entity.plural or entity.label),
        "list_href": f"/crm/{run.entity}/",
    }


def _state(visit: Visit, run: Run) -> str:
    say = visit.wording.say
    return {
        "draft": say("Not begun"),
        "waiting": say("Waiting for a worker"),
        "running": say("Under way"),
        "paused": say("Paused"),
        "cancelled": say("Ended early"),
        "done": say("Done"),
        "failed": say("Broken off"),
    }[run.state]


def _facts(visit: Visit, counts: Any) -> list[tuple[str, int, str]]:
    say = visit.wording.say
    found = [
        (say("New"), counts.get("created", 0), "good"),
        (say("Changed"), counts.get("updated", 0), ""),
        (say("Already so"), counts.get("unchanged", 0) + counts.get("skipped", 0), ""),
        (say("Left out"), counts.get("faulty", 0), "bad"),
    ]
    for name, count in (counts.get("others") or {}).items():
        entity = visit.catalog.entities.get(name)
        if entity is not None:
            found.append((visit.words(entity.plural or entity.label), count, ""))
    return found
