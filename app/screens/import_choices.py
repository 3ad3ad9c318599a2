"""What somebody chooses on the page of an import's columns.

It is kept at once and the page shown anew, so that the first rows are seen as they will be before
anything is tried.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import redirect, request

from app.definitions.import_words import RULES
from app.definitions.imports import LEFT_OUT
from app.errors import InvalidInput, TrellisError
from app.screens.import_columns import (
    MANY_COLUMNS,
    ORDERS,
    STEPS,
    columns_page,
    first_sentence,
    raw_of,
)
from app.screens.visit import Visit
from app.transfer.plans import Plan, changed_plan, column_of


def choose(visit: Visit, number: int) -> Any:
    """Take where the columns go; show the page again, or go on to the dry run."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    headings = imports.look(visit.principal, run).columns
    form = request.form
    columns = dict(run.plan.columns)
    ways = dict(run.plan.ways)
    for place, heading in enumerate(headings[:MANY_COLUMNS]):
        columns[heading] = form.get(f"column-{place}", columns.get(heading, "")) or LEFT_OUT
        before = run.plan.columns.get(heading, LEFT_OUT)
        if columns[heading] != before:
            ways.pop(heading, None)
        elif form.get(f"way-{place}"):
            ways[heading] = _way(visit, run.plan, heading, place)
    said = {
        "columns": {one: {"field": path, **ways.get(one, {})} for one, path in columns.items()},
        "match": [[path] for path in form.getlist("match") if path in columns.values()],
        "mode": form.get("mode", run.plan.mode),
        "rules": form.get("rules", "off") if form.get("rules") in RULES else "run",
        "all_or_nothing": bool(form.get("all_or_nothing")),
        "always": {key[7:]: value for key, value in form.items()
                   if key.startswith("always-") and value.strip()},
    }  # fmt: skip
    is_look = form.get("then") == "look"
    if is_look and not said["match"]:
        # While somebody still chooses, what is not told yet is no mistake.
        said["mode"] = "create"
    attempted = replace(run.plan, columns=columns)
    try:
        attempted = changed_plan(visit.catalog, run.plan, said)
        run = imports.change(visit.principal, number, attempted)
    except InvalidInput as error:
        return columns_page(visit, run, first_sentence(visit, error), attempted)
    if is_look:
        return columns_page(visit, run, plan=replace(run.plan, mode=form.get("mode", "create")))
    return redirect(f"/imports/{number}/dry-run", 303)


def _way(visit: Visit, plan: Plan, heading: str, place: int) -> dict[str, Any]:
    """Return how a column is read, as far as it differs from what is usual for it."""
    form = request.form
    bare = replace(plan, ways={})
    usual = column_of(visit.catalog, bare, heading)
    way: dict[str, Any] = {}
    steps = [step for step in STEPS if step in form.getlist(f"clean-{place}")]
    order = form.get(f"order-{place}", "")
    last = [step for step in usual.clean if step not in STEPS]
    if last and order in ORDERS:
        last = [order if step == "date" else step for step in last]
    if set(steps + last) != set(usual.clean):
        way["clean"] = steps + last
    chosen = {
        source: becomes
        for source, becomes in zip(
            form.getlist(f"from-{place}"), form.getlist(f"to-{place}"), strict=False
        )
        if becomes
    }
    kept = {**usual.map, **chosen}
    if kept != dict(usual.map):
        way["map"] = kept
    for name in ("default", "split"):
        value = form.get(f"{name}-{place}", "")
        if value != (raw_of(usual.default) if name == "default" else usual.split or ""):
            way[name] = value
    take = form.get(f"take-{place}", "1")
    if way.get("split") or usual.split:
        way["take"] = take if take == "all" else int(take) if take.lstrip("-").isdigit() else 1
    joined = [one for one in form.getlist(f"join-{place}") if one]
    if joined != list(usual.join):
        way["join"] = joined
    passed = [one.strip() for one in form.get(f"skip-{place}", "").split(",") if one.strip()]
    if passed != list(usual.skip_if):
        way["skip_if"] = passed
    if f"can-make-{place}" in form and bool(form.get(f"make-{place}")) != usual.create:
        way["create"] = bool(form.get(f"make-{place}"))
    return way


def reshape(visit: Visit, number: int) -> Any:
    """Read the file otherwise, and show the columns it has then."""
    imports = visit.core.imports
    run = imports.get(visit.principal, number)
    keys = ("member", "sheet", "encoding", "delimiter", "quote")
    said = {name: request.form[name] for name in keys if request.form.get(name)}
    if "header" in request.form:
        said["header"] = request.form["header"] or "none"
    if said.get("member") != run.plan.shape.member:
        # Another file has sheets and headings of its own.
        said = {"member": said["member"]} if said.get("member") else said
    elif said.get("sheet") != run.plan.shape.sheet:
        said.pop("header", None)
    try:
        imports.reshape(visit.principal, number, said)
    except TrellisError as error:
        return columns_page(visit, run, first_sentence(visit, error))
    return redirect(f"/imports/{number}", 303)
