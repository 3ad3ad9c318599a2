"""Buttons of rules: on a record's page with what they ask, and over the ticked rows of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from flask import Response, redirect, request

from app.automation.buttons import Offered, Pressed, buttons_of
from app.automation.refused_buttons import ButtonsOfRecords, Refused
from app.automation.steps import Steps
from app.changes.run import Chosen as Records
from app.changes.run import Run
from app.definitions.automation import Input
from app.definitions.catalog import Entity
from app.errors import InvalidInput, NotFound, Reject, RuleFailed
from app.expressions import Checked
from app.records.results import Record
from app.screens.controls import Chosen, Control
from app.screens.form_state import as_typed
from app.screens.forms import sentences
from app.screens.kinds import ABSENT, FormLook, kind_of
from app.screens.list_view import Act, Asked
from app.screens.pickers import OFFERED, Offer, marked
from app.screens.visit import Visit, leave_toast
from app.screens.why import Met, Why, written_at

#: What stands before a rule's name where a list says what is to be done.
DO = "rule:"


@dataclass(frozen=True, slots=True)
class ButtonView:
    """One button, with the dialog it opens where it asks for something."""

    rule: str
    label: str
    id: str
    href: str
    #: the same click a second time does nothing
    key: str
    #: what its pickers ask about: `where` may depend on the record
    record: int = 0
    controls: Sequence[Control] = ()
    #: it is asked again, after a refusal
    shown: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A button that was refused: what was said about it."""

    rule: str
    sentence: str
    errors: Mapping[str, Sequence[str]]


def buttons(visit: Visit) -> ButtonsOfRecords:
    """Return what people may set off."""
    core: Any = visit.core
    return ButtonsOfRecords(core.records, Steps(core.engine.steps.actions), core.numbers)


def record_buttons(
    visit: Visit, entity: Entity, record: Record, tried: Tried | None = None
) -> tuple[list[ButtonView], list[Why]]:
    """Return the buttons of a record's page, and why others cannot be pressed now."""
    if not buttons_of(visit.catalog, entity.name):
        return [], []
    offered, refused = buttons(visit).look(visit.principal, entity.name, record.id)
    base = f"/crm/{entity.name}/{record.id}/act"
    views = [
        _view(visit, entity, one, record.id, f"{base}/{one.rule}", tried)
        for one in offered
        if one.place == "record"
    ]
    whys = [_why(visit, one) for one in refused if one.button.place == "record"]
    return views, whys


def _why(visit: Visit, one: Refused) -> Why:
    """Return why a button cannot be pressed."""
    place, href = written_at(visit, one.place)
    label = one.button.label.in_language(visit.language)
    say = visit.wording.say
    rule = visit.catalog.automation.rules[one.button.rule]
    return Why(
        f"why-act-{one.button.rule}",
        label,
        () if one.parts else [say("Not possible for this record as it is now.")],
        [Met(part.text, bool(part.is_met), is_code=True) for part in one.parts],
        say("Rule %(name)s", name=visit.words(rule.label or rule.name)),
        place,
        href,
    )


def _view(
    visit: Visit, entity: Entity, one: Offered, record: int, href: str, tried: Tried | None
) -> ButtonView:
    mine = tried if tried is not None and tried.rule == one.rule else None
    key = request.form.get("key", "") if mine is not None else ""
    return ButtonView(
        one.rule,
        one.label.in_language(visit.language),
        f"act-{one.rule}",
        href,
        key or uuid4().hex,
        record,
        ask_controls(visit, entity, one.rule, one.ask, mine),
        shown=mine is not None and bool(one.ask),
        refused=mine.sentence if mine is not None else "",
    )


def ask_controls(
    visit: Visit, entity: Entity, rule: str, ask: Sequence[Input], tried: Tried | None
) -> list[Control]:
    """Return the form of what a button asks for; *tried* is what was typed and refused."""
    return [_control(visit, entity, rule, asked, tried) for asked in ask]


def _control(visit: Visit, entity: Entity, rule: str, asked: Input, tried: Tried | None) -> Control:
    look = FormLook(visit.catalog, entity.name, visit.wording, visit.look.zone, {})
    kind, field = kind_of(asked.field), asked.field
    given = {} if field.default is None or tried is not None else _default(asked)
    record = Record(entity.name, 0, given, {})
    typed = as_typed(request.form) if tried is not None else kind.typed(field, record, look)
    control = Control(
        "text",
        asked.name,
        asked.label.in_language(visit.language),
        id=f"ask-{rule}-{asked.name}",
        required=asked.required,
        errors=tried.errors.get(asked.name, ()) if tried is not None else (),
        help=field.help.in_language(visit.language) if field.help else "",
        placeholder=field.placeholder.in_language(visit.language) if field.placeholder else "",
        span=12,
    )
    kind.fill(control, field, typed, look)
    if field.type.targets(field):
        control.search = f"/crm/{entity.name}/act/{rule}/pick/{asked.name}"
        control.chosen = control.chosen or [Chosen("")]
    return control


def _default(asked: Input) -> dict[str, Any]:
    """Return what the form begins with; what is left open is worked out when it is pressed."""
    plain = asked.field.type.name in ("text", "longtext", "choice", "boolean", "integer", "rating")
    return {asked.name: asked.field.default} if plain and not _is_worked_out(asked) else {}


def _is_worked_out(asked: Input) -> bool:
    return isinstance(asked.field.default, Checked)


def press(visit: Visit, name: str, number: str, rule: str) -> Response:
    """Set a rule off on one record and go where it leads."""
    from app.screens.record_page import record_page

    visit.entity(name)
    record_id = int(number)
    try:
        pressed = buttons(visit).press(
            visit.principal,
            name,
            record_id,
            rule,
            _raw(visit, name, rule),
            key=_key(visit),
            strict=False,
            origin="screen",
        )
    except (InvalidInput, RuleFailed) as problem:
        errors = {} if isinstance(problem, Reject) else sentences(problem.fields, visit)
        said = visit.words(problem.message)  # type: ignore[arg-type]
        tried = Tried(rule, said, errors)
        return record_page(visit, name, number, refused=said, pressing=tried)
    return _go_on(visit, name, record_id, rule, pressed)


def _go_on(visit: Visit, name: str, record_id: int, rule: str, pressed: Pressed) -> Response:
    definition = visit.catalog.automation.rules[rule]
    when = definition.of(name)[0]
    label = visit.words(when.label or definition.label or rule)
    notes = " ".join(dict.fromkeys(visit.words(note) for note in pressed.notes))
    leave_toast(f"{label}: {notes}" if notes else visit.wording.say("%(what)s: done", what=label))
    if pressed.open is not None:
        return _to(f"/crm/{pressed.open[0]}/{pressed.open[1]}")
    try:
        visit.records.get(visit.principal, name, record_id, fields=("id",))
    except NotFound:
        # With the rule the record may have left the visitor's sight.
        return _to(f"/crm/{name}/")
    return _to(f"/crm/{name}/{record_id}")


def _key(visit: Visit) -> str | None:
    key = request.form.get("key", "")[:64]
    return f"{visit.principal.user_id}:{key}" if key else None


def _raw(visit: Visit, entity: str, rule: str) -> dict[str, Any]:
    """Return what was typed into a button's form."""
    definition = visit.catalog.automation.rules.get(rule)
    if definition is None or entity not in definition.entities:
        return {}
    typed = as_typed(request.form)
    raw = {}
    for asked in definition.of(entity)[0].ask:
        value = kind_of(asked.field).raw(asked.field, asked.name, typed)
        if value is not ABSENT:
            raw[asked.name] = value
    return raw


def pick(visit: Visit, name: str, rule: str, asked_name: str) -> Response:
    """Return the records a button's form offers for what is typed."""
    entity = visit.entity(name)
    definition = visit.catalog.automation.rules.get(rule)
    if definition is None or name not in definition.entities:
        raise NotFound
    asked = next((one for one in definition.of(name)[0].ask if one.name == asked_name), None)
    targets = asked.field.type.targets(asked.field) if asked is not None else ()
    if asked is None or not targets or not visit.policy.may("read", targets[0]):
        raise NotFound
    words = request.form.get("_q", "").strip()[:200]
    values = _values_at_hand(visit, entity)
    found = visit.records.offer(visit.principal, name, asked.field, words, values, limit=OFFERED)
    offers = []
    for one in found:
        text = str(one["title"] or f"#{one['id']}")
        offers.append(Offer(one["id"], text, marked(text, words)))
    none = visit.wording.say("Nothing found that you may choose")
    return visit.render(
        "picker_options.html", options=offers, nothing=none, new_href="", new_label=""
    )


def _values_at_hand(visit: Visit, entity: Entity) -> dict[str, Any]:
    """Return the record a form is about, the first of those ticked in a list, as a form has it."""
    said = request.form.get("record") or request.form.get("ids", "").partition(",")[0]
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        return {}
    try:
        found = orjson.loads(visit.records.get_json(visit.principal, entity.name, int(said)).row)
    except NotFound:
        return {}
    return {
        name: str(value["id"]) if isinstance(value, dict) and "id" in value else value
        for name, value in found.items()
    }


def list_actions(visit: Visit, entity: Entity, asked: Asked) -> list[Act]:
    """Return what may be done with ticked rows: buttons with ``place: list``."""
    if not buttons_of(visit.catalog, entity.name):
        return []
    found = []
    for one in buttons(visit).on_list(visit.principal, visit.catalog, entity.name):
        asks = asked.href(f"bulk/act/{one.rule}") if one.ask else ""
        label = one.label.in_language(visit.language)
        found.append(Act(label, icon="bolt", name=f"{DO}{one.rule}", asks=asks))
    return found


def press_many(visit: Visit, name: str, chosen: Records, rule: str) -> Run | Tried:
    """Set a rule off on every chosen row, as one change set; return the run.

    What was filled in once is told to each. Where it is wrong nothing is done, and what is wrong
    comes back.

    Raises:
        InvalidInput: nothing is chosen, or too much.
    """
    try:
        run: Run = visit.core.changes.press(
            visit.principal, name, chosen, rule, _raw(visit, name, rule),
            key=_key(visit), strict=False, origin="screen",
        )  # fmt: skip
    except InvalidInput as wrong:
        if "ids" in wrong.fields:
            raise
        return Tried(rule, visit.words(wrong.message), sentences(wrong.fields, visit))  # type: ignore[arg-type]
    return run


def _to(href: str) -> Response:
    return redirect(href, 303)  # type: ignore[return-value]
