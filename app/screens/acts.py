"""What is done with records outside of forms: delete, restore, hand over."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, redirect, request

from app.errors import InvalidInput, NotFound, RuleFailed
from app.screens.change_undo import way_back
from app.screens.record_blocks import title_of
from app.screens.record_page import record_page
from app.screens.visit import Visit, leave_toast


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isdigit() else None


def delete(visit: Visit, name: str, number: str) -> Response:
    """Put a record into the bin and offer to take that back."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    title = title_of(entity, record, visit)
    try:
        count = visit.writer.delete(
            visit.principal, name, record.id, version=_version(), origin="screen"
        )
    except (InvalidInput, RuleFailed) as problem:
        return record_page(visit, name, number, refused=_sentence(visit, problem))
    text = visit.wording.say("%(title)s is in the recycle bin", title=title)
    if count > 1:
        text = visit.wording.say(
            "%(title)s and %(count)s more are in the recycle bin", title=title, count=count - 1
        )
    leave_toast(text, undo=f"/crm/{name}/{record.id}/restore", fields=())
    return _to(f"/crm/{name}/")


def restore(visit: Visit, name: str, number: str) -> Response:
    """Take a record out of the bin, with what went along."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number, in_bin=True)
    try:
        visit.writer.restore(visit.principal, name, record.id, origin="screen")
    except (InvalidInput, RuleFailed) as problem:
        return record_page(visit, name, number, refused=_sentence(visit, problem))
    title = title_of(entity, record, visit)
    leave_toast(visit.wording.say("%(title)s is back", title=title))
    return _to(f"/crm/{name}/{record.id}")


def transfer(visit: Visit, name: str, number: str) -> Response:
    """Hand one record over."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    owner = _owner()
    if owner is None:
        refused = visit.wording.say("Choose who takes it over.")
        return record_page(visit, name, number, refused=refused)
    try:
        visit.writer.transfer(visit.principal, name, [record.id], owner, origin="screen")
    except (InvalidInput, RuleFailed) as problem:
        return record_page(visit, name, number, refused=_sentence(visit, problem))
    to = request.form.get("owner.title", "")
    title = title_of(entity, record, visit)
    told = visit.wording.say("%(title)s was handed to %(name)s", title=title, name=to)
    leave_toast(told, **way_back(visit, name, record.id))
    try:
        visit.records.get(visit.principal, name, number, fields=("id",))
    except NotFound:
        # With the owner the record may have left the visitor's sight.
        return _to(f"/crm/{name}/")
    return _to(f"/crm/{name}/{record.id}")


def _owner() -> int | None:
    text = request.form.get("owner", "")
    return int(text) if text.isdigit() else None


def _sentence(visit: Visit, problem: InvalidInput | RuleFailed) -> str:
    """Return everything a refusal says, as one text."""
    said = [visit.words(one) for sentences in problem.fields.values() for one in sentences]  # type: ignore[arg-type]
    return " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]


def _to(address: str, **query: str) -> Response:
    if query:
        address = f"{address}?{urlencode(query)}"
    return redirect(address, 303)  # type: ignore[return-value]
