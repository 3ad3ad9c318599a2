"""What is done with records outside of forms: delete, restore, hand over."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, redirect, request

from app.errors import InvalidInput, NotFound, RuleFailed
from app.screens import pools
from app.screens.buttons import DO, press_many
from app.screens.list_view import Asked
from app.screens.navigation import plural
from app.screens.record_blocks import title_of
from app.screens.record_page import record_page
from app.screens.visit import Visit, leave_toast

#: More than this many at once belongs into an import or the API.
MOST = 500


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
    leave_toast(visit.wording.say("%(title)s was handed to %(name)s", title=title, name=to))
    try:
        visit.records.get(visit.principal, name, number, fields=("id",))
    except NotFound:
        # With the owner the record may have left the visitor's sight.
        return _to(f"/crm/{name}/")
    return _to(f"/crm/{name}/{record.id}")


def _owner() -> int | None:
    text = request.form.get("owner", "")
    return int(text) if text.isdigit() else None


def bulk(visit: Visit, name: str) -> Response:
    """Do one thing with the records that were ticked in a list."""
    entity = visit.entity(name)
    ids = [int(one) for one in request.form.get("ids", "").split(",") if one.isdigit()][:MOST]
    back = Asked.of(name, request.args).href()
    things = plural(entity, visit.language)
    if not ids:
        return _to(back)
    do = request.form.get("do", "")
    if do.startswith(DO):
        press_many(visit, name, ids, do.removeprefix(DO))
        return _to(back)
    if do in ("claim", "release"):
        pools.bulk(visit, entity, do, ids)
        return _to(back)
    say = visit.wording.say
    try:
        if do == "delete":
            visit.writer.delete(visit.principal, name, ids, origin="screen")
            leave_toast(
                say("%(count)s %(things)s are in the recycle bin", count=len(ids), things=things),
                undo=f"/crm/{name}/restore",
                fields=(("ids", ",".join(map(str, ids))),),
            )
        elif do == "transfer" and (owner := _owner()) is not None:
            visit.writer.transfer(visit.principal, name, ids, owner, origin="screen")
            leave_toast(
                say(
                    "%(count)s %(things)s were handed to %(name)s",
                    count=len(ids),
                    things=things,
                    name=request.form.get("owner.title", ""),
                )
            )
        else:
            leave_toast(say("Choose who takes them over."))
    except (InvalidInput, RuleFailed) as problem:
        leave_toast(_sentence(visit, problem))
    return _to(back)


def bulk_restore(visit: Visit, name: str) -> Response:
    """Take back the deletion of several records."""
    visit.entity(name)
    ids = [int(one) for one in request.form.get("ids", "").split(",") if one.isdigit()][:MOST]
    try:
        visit.writer.restore(visit.principal, name, ids, origin="screen")
        leave_toast(visit.wording.say("They are back"))
    except (InvalidInput, RuleFailed) as problem:
        leave_toast(_sentence(visit, problem))
    return _to(f"/crm/{name}/")


def _sentence(visit: Visit, problem: InvalidInput | RuleFailed) -> str:
    """Return everything a refusal says, as one text."""
    said = [visit.words(one) for sentences in problem.fields.values() for one in sentences]  # type: ignore[arg-type]
    return " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]


def _to(address: str, **query: str) -> Response:
    if query:
        address = f"{address}?{urlencode(query)}"
    return redirect(address, 303)  # type: ignore[return-value]
