"""Undoing from a page: a change set, chosen records of it, one line of a history; how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, redirect, request

from app.changes.run import Run
from app.definitions.catalog import Entity
from app.errors import InvalidInput, NotFound, TrellisError
from app.jobs.beginning import begin_change
from app.screens.bulk_acts import sentence_of
from app.screens.change_words import outcome
from app.screens.timeline import show_json, titles_for
from app.screens.visit import Visit, leave_toast
from app.texts import say

_SKIPPED = 100


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def undo(visit: Visit, number: int) -> Response:
    """Take a change set back: all of it, or the records that were ticked."""
    chosen = request.form.getlist("record")
    only: dict[str, list[int]] | None = None
    if request.form.get("what") == "chosen":
        only = {}
        for key in chosen:
            name, _, text = key.partition(":")
            if _is_number(text):
                only.setdefault(name, []).append(int(text))
    try:
        if only == {}:
            sentence = say("Choose the records first.", "请先选择记录。")
            raise InvalidInput({"only": [sentence]})
        run = visit.core.changes.undo(visit.principal, number, only=only, origin="screen")
    except InvalidInput as problem:
        leave_toast(_first(visit, problem))
        return _to(f"/changes/{number}")
    return _told(visit, run, _back(f"/changes/{number}"))


def undo_line(visit: Visit, name: str, number: int) -> Response:
    """Take back what one line of a record's history did."""
    visit.entity(name)
    text = request.form.get("line", "")
    if not _is_number(text):
        raise NotFound
    run = visit.core.changes.undo_line(visit.principal, name, number, int(text), origin="screen")
    return _told(visit, run, _back(f"/crm/{name}/{number}"))


def _told(visit: Visit, run: Run, back: str) -> Response:
    """Say what became of an undo, with a way to take that back; a long one has a page."""
    if run.is_open:
        begin_change(visit.core.settings.redis_url, run.id)
    if run.is_open or run.count("skipped") or run.problem is not None:
        back = f"/changes/runs/{run.id}"
    undo = f"/changes/{run.change_set}/undo" if run.change_set is not None else ""
    if not run.is_open:
        leave_toast(outcome(visit, run), undo=undo, fields=(("back", back),))
    return _to(back)


def _back(otherwise: str) -> str:
    """Return the page somebody came from, if it is one of ours."""
    back = request.form.get("back", "")
    is_ours = back.startswith(("/crm/", "/changes", "/day")) and "\\" not in back
    return back if is_ours and len(back) < 500 else otherwise


def _to(href: str) -> Response:
    return redirect(href, 303)  # type: ignore[return-value]


def _first(visit: Visit, problem: TrellisError) -> str:
    sentence = next((one for many in problem.fields.values() for one in many), problem.message)
    return visit.words(sentence)  # type: ignore[arg-type]


def run_page(visit: Visit, number: int) -> Response:
    """Return how far a change of many records is, and which stayed as they are, with why."""
    run: Run = visit.core.changes.get(visit.principal, number)
    is_undo = run.kind == "undo"
    entity = visit.catalog.entities.get(run.entity or "")
    skipped = [] if run.is_open else visit.core.changes.skipped(
        visit.principal, number, limit=_SKIPPED
    )  # fmt: skip
    words = {
        "heading": say("Undo", "撤销") if is_undo else say("Change of many records", "批量更改"),
        "changes": say("Changes", "变更"),
        "left": say("Stay as they are", "保持不变"),
        "record": say("Record", "记录"),
        "why": say("Why", "原因"),
        "end": say("End it here", "到此为止"),
        "see": say("See what was undone", "查看撤销内容")
        if is_undo
        else say("See what was changed", "查看更改内容"),
        "going": say(
            "{done} of {total} so far. You may leave this page; it goes on.",
            "已处理 {done} / {total}。可以离开此页面，操作会继续。",
            done=f"{run.mark:,}",
            total=f"{run.total:,}",
        ),
    }
    view = {
        "run": run,
        "words": {name: visit.words(label) for name, label in words.items()},
        "sentence": outcome(visit, run) if entity is None else sentence_of(visit, entity, run),
        "skipped": _skipped(visit, skipped),
        "more": max(run.count("skipped") - len(skipped), 0),
    }
    page = visit.page(visit.words(words["heading"]), "changes")
    return visit.render("change_run.html", page=page, view=view)


def _skipped(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return records that were left as they are; titles are asked once for each entity."""
    found = []
    for name in dict.fromkeys(row["entity"] for row in rows):
        mine = [row for row in rows if row["entity"] == name]
        entity = visit.catalog.entities.get(name)
        values = [
            (each["field"], each[when])
            for row in mine
            for each in row["reasons"]
            for when in ("before", "now")
            if each["field"] is not None and when in each
        ]
        titles = titles_for(visit, entity, values) if entity is not None else {}
        found += [_left(visit, entity, row, titles) for row in mine]
    return found


def _left(
    visit: Visit,
    entity: Entity | None,
    one: Mapping[str, Any],
    titles: Mapping[tuple[str, int], str | None],
) -> dict[str, Any]:
    reasons = []
    for each in one["reasons"]:
        field = entity.fields.get(each["field"] or "") if entity is not None else None
        told = {"say": visit.words(each["say"]), "was": "", "now": ""}
        if entity is not None and field is not None and "now" in each:
            told["was"] = show_json(visit, entity, field, each["before"], titles)
            told["now"] = show_json(visit, entity, field, each["now"], titles)
        reasons.append(told)
    return {
        "title": one["title"] or f"#{one['id']}",
        "href": f"/crm/{one['entity']}/{one['id']}" if one["title"] is not None else "",
        "reasons": reasons,
    }


def cancel(visit: Visit, number: int) -> Response:
    """End an undo; what it did stays."""
    visit.core.changes.cancel(visit.principal, number)
    return _to(f"/changes/runs/{number}")


def way_back(visit: Visit, entity: str, number: int) -> dict[str, Any]:
    """Return what a toast needs so that one's last change of a record can be taken back."""
    found = visit.core.changes.last_line(visit.principal, entity, number)
    if found is None:
        return {}
    line, change_set = found
    if change_set is not None:
        back = (("back", f"/crm/{entity}/{number}"),)
        return {"undo": f"/changes/{change_set}/undo", "fields": back}
    return {"undo": f"/changes/undo/{entity}/{number}", "fields": (("line", str(line)),)}
