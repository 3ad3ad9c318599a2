"""Taking back, from where one is, what one just did to a record: for boards, calendars and trees.

It is the undo of change sets; pages that go on by scripts are told in a sentence what came of it.
"""

from __future__ import annotations

from flask import request

from app.errors import NotFound
from app.screens.change_words import outcome
from app.screens.visit import Visit

_WAYS = ("set", "line")


def way_of(visit: Visit, entity: str, number: int) -> dict[str, str] | None:
    """Return what a script sends to take back one's last change of a record; None: no way."""
    found = visit.core.changes.last_line(visit.principal, entity, number)
    if found is None:
        return None
    line, change_set = found
    return {"set": str(change_set)} if change_set is not None else {"line": str(line)}


def is_taken_back() -> bool:
    """Whether this request takes something back."""
    return any(name in request.form for name in _WAYS)


def take_back(visit: Visit, entity: str, number: int) -> tuple[bool, str]:
    """Take a change of a record back; return whether that was done, and a sentence about it.

    Raises:
        NotFound: there is no such change for the visitor.
    """
    changes, way = visit.core.changes, next(name for name in _WAYS if name in request.form)
    text = request.form[way]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound
    if way == "set":
        only = {entity: [number]}
        run = changes.undo(visit.principal, int(text), only=only, origin="screen")
    else:
        run = changes.undo_line(visit.principal, entity, number, int(text), origin="screen")
    skipped = changes.skipped(visit.principal, run.id, limit=1) if run.count("skipped") else []
    reasons = [visit.words(one["say"]) for each in skipped for one in each["reasons"]]
    return not run.count("skipped"), " ".join(reasons) or outcome(visit, run)
