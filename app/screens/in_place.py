"""One field of a record, changed where it is read: on its page, or in the cell of a list.

The control is the form's own and the save the same: rights, checks and the version the reader had
hold as they do there; what others changed in other fields meanwhile stays. A script gets JSON (the
value as it is shown, the version, a word with a way back); without one the page is opened again.
Two who changed the same field choose as in a form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, redirect, request

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput, NotFound, RuleFailed
from app.records.conflicts import RecordConflict
from app.records.results import Record
from app.screens.cells import EMPTY, show_value
from app.screens.columns import is_edited_in_place
from app.screens.conflicts import conflict_page
from app.screens.controls import Control, Typed, first
from app.screens.drawing import Drawing
from app.screens.form_state import VERSION, as_typed, merged, raw_of, typed_of
from app.screens.forms import draw_field, sentences
from app.screens.kinds import FormLook
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class InPlace:
    """Everything `in_place.html` shows."""

    action: str
    label: str
    control: Control
    version: str
    #: what it was, as it is shown
    was: str
    #: values beside it that the control asks for
    beside: Sequence[tuple[str, str]] = ()
    problem: str = ""
    #: Enter begins a line of its own
    long: bool = False


def may_be_edited(visit: Visit, entity: Entity, field: Field) -> bool:
    """Return whether a field has a control of its own outside of a form, for who may change it."""
    return is_edited_in_place(visit.policy, entity, field)


def open_field(visit: Visit, name: str, number: str, field: str) -> Response:
    """Return the control of one field with what it holds."""
    entity, one, record = _place(visit, name, number, field)
    if not _by_script():
        return redirect(f"/crm/{name}/{record.id}", 302)  # type: ignore[return-value]
    return _show(visit, entity, one, record, {}, ())


def save_field(visit: Visit, name: str, number: str, field: str) -> Response:
    """Write one field."""
    entity, one, record = _place(visit, name, number, field)
    typed = as_typed(request.form)
    version = first(typed, VERSION)
    before = _typed(visit, entity, one, record)
    try:
        raw = raw_of(visit.catalog, entity, [field], typed)
        since = int(version) if version.isdigit() else None
        written = _write(visit, name, record.id, raw, since)
    except (InvalidInput, RuleFailed) as problem:
        said = sentences(problem.fields, visit)
        elsewhere = [each for key, all_ in said.items() if key != field for each in all_]
        if not said:
            elsewhere = [visit.words(problem.message)]  # type: ignore[arg-type]
        if not _by_script():
            from app.screens.record_page import record_page

            told = " ".join([*said.get(field, ()), *elsewhere])
            return record_page(visit, name, number, refused=told)
        return _show(visit, entity, one, record, typed, said.get(field, ()), " ".join(elsewhere))
    except RecordConflict as conflict:
        if not _by_script():
            return conflict_page(visit, entity, record, conflict, typed)
        # The script sends the form again by itself, and gets the page that asks.
        return _conflict(visit, conflict)
    return _saved(visit, entity, one, written, before)


def _write(
    visit: Visit, name: str, number: int, raw: Mapping[str, Any], version: int | None
) -> Any:
    """Write the field; what others changed elsewhere meanwhile stays beside it."""

    def write(since: int | None) -> Any:
        return visit.writer.update(
            visit.principal, name, number, raw, version=since, origin="screen", strict=False
        )

    try:
        return write(version)
    except RecordConflict as conflict:
        if any(one["clash"] for one in conflict.differing.values()):
            raise
        return write(conflict.version)


def _place(visit: Visit, name: str, number: str, field: str) -> tuple[Entity, Field, Record]:
    """Return what is to be changed.

    Raises:
        NotFound: there is no such record or field for the visitor.
        Forbidden: it may not be changed.
    """
    entity = visit.entity(name)
    one = entity.fields.get(field)
    if one is None or one.removed or not visit.policy.is_readable(name, field):
        raise NotFound
    record = visit.records.get(visit.principal, name, number)
    rights = visit.records.rights(visit.principal, name, record.id)
    if "update" not in rights or not may_be_edited(visit, entity, one):
        raise Forbidden(visit.policy.why("update", name))
    return entity, one, record


def _by_script() -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _look(visit: Visit, entity: Entity, offered: Mapping[str, frozenset[str]]) -> FormLook:
    return FormLook(visit.catalog, entity.name, visit.wording, visit.look.zone, offered)


def _typed(visit: Visit, entity: Entity, one: Field, record: Record) -> Typed:
    return typed_of(visit.catalog, entity, [one.name], record, _look(visit, entity, {}))


def _show(
    visit: Visit,
    entity: Entity,
    one: Field,
    record: Record,
    typed: Typed,
    errors: Sequence[str],
    problem: str = "",
) -> Response:
    preview = visit.previews.ask(visit.principal, entity.name, {}, record.id)
    look = _look(visit, entity, preview.offered)
    beside = _beside(entity, one, record)
    held = typed_of(visit.catalog, entity, [one.name, *beside], record, look)
    shown = merged(held, {key: values for key, values in typed.items() if _is_of(key, one.name)})
    drawing = Drawing(visit, entity, look, preview, shown, {one.name: errors}, record)
    control = draw_field(drawing, one)
    if control.control == "locked":
        raise Forbidden(control.why)  # type: ignore[arg-type]
    control.id = f"e-{one.name}"
    html = show_value(entity, one.name, record, visit.look, masked=one.name in record.masked)
    view = InPlace(
        f"/crm/{entity.name}/{record.id}/field/{one.name}",
        control.label,
        control,
        str(record.version or ""),
        "" if html == EMPTY else html,
        [
            (key, value)
            for key, values in held.items()
            if not _is_of(key, one.name)
            for value in values
        ],
        problem,
        control.control == "longtext",
    )
    answer = visit.render("in_place.html", view=view, csrf=visit.csrf)
    if errors or problem:
        answer.status_code = 422
    return answer


def _is_of(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def _beside(entity: Entity, one: Field, record: Record) -> list[str]:
    """Return the fields whose values a picker's `where`, or an amount's currency, asks for."""
    asked: dict[str, None] = {}
    condition = one.conditions.get("where")
    for path in getattr(condition, "names", ()):
        root, _, rest = path.partition(".")
        name = rest.partition(".")[0] if root == "record" else ""
        if name in entity.fields and name in record.values and name != one.name:
            asked[name] = None
    return [name for name in asked if entity.fields[name].type.writable]


def _saved(visit: Visit, entity: Entity, one: Field, written: Any, before: Typed) -> Response:
    label = one.label.in_language(visit.language)
    text = visit.wording.say("%(field)s was saved", field=label)
    said = [visit.words(each) for each in written.warnings]
    text = " ".join([text, *said])
    action = f"/crm/{entity.name}/{written.id}/field/{one.name}"
    back = tuple((key, value) for key, values in before.items() for value in values)
    if not _by_script():
        if written.changed:
            leave_toast(text, undo=action, fields=back)
        return redirect(f"/crm/{entity.name}/{written.id}", 303)  # type: ignore[return-value]
    try:
        record = visit.records.get(visit.principal, entity.name, written.id)
    except NotFound:
        # With the change it may have left the visitor's sight.
        return jsonify({"gone": f"/crm/{entity.name}/"})
    masked = one.name in record.masked
    html = show_value(entity, one.name, record, visit.look, masked=masked)
    undo = {"href": action, "fields": back, "label": visit.wording.say("Undo")}
    return jsonify(
        {
            "html": str(html),
            "version": record.version,
            "told": text if written.changed else "",
            "undo": undo if written.changed else None,
        }
    )


def _conflict(visit: Visit, conflict: RecordConflict) -> Response:
    answer = jsonify({"message": visit.words(conflict.message), "version": conflict.version})  # type: ignore[arg-type]
    answer.status_code = 409
    return answer
