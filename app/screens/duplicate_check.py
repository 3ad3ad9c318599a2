"""Asking by one word whether somebody or something is there already.

What is asked is posted, so that no number or name stands in addresses and logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request

from app.duplicates.checking import Known
from app.errors import Malformed, TooManyRequests
from app.screens.navigation import in_sentence
from app.screens.visit import Visit


@dataclass(frozen=True, slots=True)
class KnownRow:
    """One record that is there; without ``href`` one the visitor may not see."""

    title: str
    href: str
    kind: str
    why: str


@dataclass(slots=True)
class CheckView:
    """Everything `duplicate_check.html` shows."""

    title: str
    text: str = ""
    rows: Sequence[KnownRow] | None = None
    problem: str = ""


def check_page(visit: Visit) -> Response:
    """Return the page with the empty field."""
    return _show(visit, CheckView(visit.wording.say("Is it there already?")))


def check(visit: Visit) -> Response:
    """Return what is there already that has what was typed."""
    text = request.form.get("text", "")[:1_000]
    view = CheckView(visit.wording.say("Is it there already?"), text)
    status = 200
    try:
        found = visit.core.duplicates.checking.check(
            visit.principal, text, origin="screen", address=request.remote_addr
        )
        view.rows = [_row(visit, one) for one in found]
    except (Malformed, TooManyRequests) as problem:
        view.problem, status = visit.words(problem.message), problem.status  # type: ignore[arg-type]
    response = _show(visit, view)
    response.status_code = status
    return response


def _row(visit: Visit, one: Known) -> KnownRow:
    say, language, found = visit.wording.say, visit.language, one.found
    field = visit.catalog.entities[one.asked].fields[found.field]
    name = in_sentence(field.label.in_language(language), language)
    why = (
        say("the same %(field)s", field=name)
        if found.same
        else say("a similar %(field)s", field=name)
    )
    if found.id is None:
        return KnownRow(say("A record you may not see"), "", "", why)
    kind = visit.catalog.entities[found.entity].label.in_language(language)
    title = found.title or f"#{found.id}"
    return KnownRow(title, f"/crm/{found.entity}/{found.id}", kind, why)


def _show(visit: Visit, view: CheckView) -> Response:
    page = visit.page(view.title, "duplicates")
    return visit.render("duplicate_check.html", page=page, view=view)
