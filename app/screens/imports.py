"""The pages of an import: the file, its columns, the dry run, and how far it is."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, redirect, request, send_file

from app.errors import InvalidInput, TrellisError, text_in
from app.jobs.beginning import begin_import
from app.screens.import_columns import columns_page, first_sentence
from app.screens.import_samples import alike_of, changed_word, samples_of
from app.screens.visit import Visit
from app.transfer.error_files import write_errors
from app.transfer.import_run import Run
from app.transfer.tallies import Tally

#: Rows that the page tries while somebody waits; all of them are checked when they are imported.
TRIED = 1_000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One reason why a row is left out."""

    row: int
    title: str
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
        return columns_page(visit, run)
    done = run.as_json()["done"]
    total = run.total or 0
    view = common(visit, run) | {
        "state": _state(visit, run),
        "is_open": run.state in ("waiting", "running"),
        "done": done,
        "total": total,
        "percent": min(100, done * 100 // total) if total else 0,
        "facts": _facts(visit, run, run.counts),
        "error": error,
        "duplicates_href": _duplicates_href(visit, run),
        "is_over": run.state in ("done", "cancelled", "failed"),
        "seconds": _seconds(run),
        "problem": text_in(run.problem, visit.language) if run.problem else "",
    }
    template = "import_run_part.html" if "HX-Request" in request.headers else "import_run.html"
    return visit.render(template, page=import_page(visit, run), view=view)


def _duplicates_href(visit: Visit, run: Run) -> str:
    """Return where what an import brought in twice is looked at, by who may merge it."""
    rules = visit.catalog.entities[run.entity].duplicates
    warns = any(not rule.refuse for rule in rules) and run.change_set is not None
    may = warns and visit.policy.may("merge", run.entity)
    return f"/duplicates?entity={run.entity}" if may else ""


def dry_run_page(visit: Visit, number: int) -> Any:
    """Show what would become of the rows."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    if run.state != "draft":
        return redirect(f"/imports/{number}", 303)
    try:
        tally = imports.dry_run(visit.principal, run, TRIED)
    except InvalidInput as error:
        return columns_page(visit, run, first_sentence(visit, error))
    tried = sum(tally.counts.values())
    faulty = tally.counts["faulty"]
    view = common(visit, run) | {
        "facts": _facts(visit, run, {**tally.counts, "others": tally.others}),
        "faults": _fault_rows(visit, run, tally),
        "left": faulty,
        "good": tried - faulty,
        "tried": tried,
        "is_part": tried >= TRIED,
        "bar": _bar(tally.counts),
        "samples": samples_of(visit, run, tally),
        "alike": alike_of(visit, run, tally),
        "rules": run.plan.rules,
    }
    return visit.render("import_dry_run.html", page=import_page(visit, run), view=view)


def dry_run_errors(visit: Visit, number: int) -> Response:
    """Return the rows that would be left out as a file, with the reasons."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    tally = imports.dry_run(visit.principal, run, TRIED)
    faults = ((one.row, one.values, [each.as_json() for each in one.reasons])
              for one in tally.faults)  # fmt: skip
    columns = imports.look(visit.principal, run).columns
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the answer that sends it.
    ending = write_errors(target, run.plan.shape.kind, columns, faults, visit.language)
    target.seek(0)
    stem = run.name.rpartition(".")[0] or run.name
    answer = send_file(target, as_attachment=True, download_name=f"{stem}-left-out.{ending}")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _fault_rows(visit: Visit, run: Run, tally: Tally) -> list[FaultRow]:
    headings = list(visit.core.imports.look(visit.principal, run).columns)
    title = _title_place(visit, run, headings)
    faults = []
    for fault in tally.faults[:_SHOWN]:
        for reason in fault.reasons:
            place = headings.index(reason.column) if reason.column in headings else None
            value = fault.values[place] if place is not None else None
            name = fault.values[title] if title is not None else None
            faults.append(
                FaultRow(
                    fault.row,
                    "" if name is None else str(name)[:60],
                    reason.column or "",
                    "" if value is None else str(value)[:80],
                    reason.sentence.in_language(visit.language),
                )
            )
    return faults


def _title_place(visit: Visit, run: Run, headings: list[str]) -> int | None:
    title = visit.catalog.entities[run.entity].title
    return next(
        (place for place, one in enumerate(headings) if run.plan.columns.get(one) == title), None
    )


def _bar(counts: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the parts of a bar of a thousand: kind, where it begins, how long it is."""
    parts = (
        ("good", counts["created"]),
        ("info", counts["updated"]),
        ("same", counts["unchanged"] + counts["skipped"]),
        ("bad", counts["faulty"]),
    )
    total = sum(count for _, count in parts) or 1
    found, begin = [], 0
    for kind, count in parts:
        if count:
            width = max(4, round(1000 * count / total))
            found.append((kind, begin, max(1, width - 2)))
            begin += width
    return found


def correct_page(visit: Visit, number: int) -> Any:
    """Take a mended file of the rows that were left out, and show its dry run."""
    imports = visit.core.imports
    imports.get(visit.principal, number)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return run_page(visit, number, visit.wording.say("Choose a file."))
    try:
        run = imports.correct(visit.principal, number, sent.stream, sent.filename)
    except TrellisError as refused:
        return run_page(visit, number, first_sentence(visit, refused))
    return redirect(f"/imports/{run.id}/dry-run", 303)


def act(visit: Visit, number: int, what: str) -> Any:
    """Begin, pause or end an import."""
    imports = visit.core.imports
    run = {"start": imports.start, "pause": imports.pause, "cancel": imports.cancel}[what](
        visit.principal, number
    )
    if what == "start":
        begin_import(visit.core.settings.redis_url, run.id)
    return redirect(f"/imports/{number}", 303)


def import_page(visit: Visit, run: Run) -> Any:
    """Return the frame of a page of an import."""
    return visit.page(visit.wording.say("Import"), run.entity)


def common(visit: Visit, run: Run) -> dict[str, Any]:
    """Return what all pages of an import show."""
    entity = visit.catalog.entities[run.entity]
    return {
        "run": run,
        "label": visit.words(entity.plural or entity.label),
        "one": visit.words(entity.label),
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


def _facts(visit: Visit, run: Run, counts: Any) -> list[tuple[str, int, str]]:
    say = visit.wording.say
    entity = visit.catalog.entities[run.entity]
    things = visit.words(entity.plural or entity.label)
    found = [
        (say("New %(things)s", things=things.lower()), counts.get("created", 0), "good"),
        (changed_word(visit, run), counts.get("updated", 0), "info"),
        (say("Already so, or passed over"),
         counts.get("unchanged", 0) + counts.get("skipped", 0), "same"),
        (say("Left out"), counts.get("faulty", 0), "bad"),
    ]  # fmt: skip
    for name, count in (counts.get("others") or {}).items():
        other = visit.catalog.entities.get(name)
        if other is not None:
            others = visit.words(other.plural or other.label).lower()
            found.append((say("New %(things)s", things=others), count, "good"))
    return found


def _seconds(run: Run) -> int | None:
    """Return about how long the rest takes, from how long the rows so far took."""
    done, total = run.as_json()["done"], run.total
    if run.state != "running" or not done or not total or run.started_at is None:
        return None
    spent = (datetime.now(UTC) - run.started_at).total_seconds()
    return max(1, round(spent / int(done) * (total - int(done))))
