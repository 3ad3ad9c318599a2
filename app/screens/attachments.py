"""Files on a record: the block of its page, attaching one, taking one off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, redirect, request

from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput
from app.records.attaching import Attachment
from app.records.results import Record
from app.screens.controls import FileItem
from app.screens.pages import size_words
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class Files:
    """Files attached to a record."""

    items: Sequence[FileItem]
    upload_href: str = ""


def attachment_block(
    visit: Visit, entity: Entity, record: Record, *, may_change: bool
) -> Files | None:
    """Return the files of a record; None where there is none and nobody may attach one."""
    found = visit.records.attachments(visit.principal, entity.name, record.id)
    if not found and not may_change:
        return None
    base = f"/crm/{entity.name}/{record.id}/attachments"
    items = [_item(one, base if may_change else "") for one in found]
    return Files(items, base if may_change else "")


def attach(visit: Visit, name: str, number: int) -> Response:
    """Put one uploaded file on a record; the answer is its row, or what is wrong with it."""
    entity = visit.entity(name)
    # Before anything is kept: nobody fills the disk through a record that is not theirs.
    if "update" not in visit.records.rights(visit.principal, name, number):
        raise Forbidden(visit.policy.why("update", entity.name))
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return Response("", 400)
    try:
        kept = visit.writer.add_file(visit.principal, sent.stream, sent.filename)
        found = visit.writer.attach(visit.principal, name, number, [kept.id], origin="screen")
    except InvalidInput as problem:
        sentence = next(iter(problem.fields.values()))[0] if problem.fields else problem.message
        answer = visit.render("file_refused.html", sentence=visit.words(sentence))  # type: ignore[arg-type]
        answer.status_code = 422
        return answer
    one = next(each for each in found if each.id == kept.id)
    item = _item(one, f"/crm/{name}/{number}/attachments")
    return visit.render("file_row_only.html", file=item, csrf=visit.csrf)


def detach(visit: Visit, name: str, number: int, file: int) -> Response:
    """Take a file off a record."""
    visit.writer.detach(visit.principal, name, number, file, origin="screen")
    leave_toast(visit.wording.say("The file is off this record"))
    return redirect(f"/crm/{name}/{number}#files", 303)  # type: ignore[return-value]


def _item(one: Attachment, base: str) -> FileItem:
    return FileItem(
        str(one.id),
        one.name,
        size_words(one.size),
        f"/files/{one.id}",
        image=one.type.startswith("image/"),
        off_href=f"{base}/{one.id}/off" if base else "",
    )
