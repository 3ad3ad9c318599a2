"""Cards of a board that are moved: which columns take one, what that asks for, and doing it.

A move is an ordinary save of one field with what the move asked for, so that everything that holds
for it elsewhere holds here. Scripts ask for it; they are answered with what changes on the page.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput, NotFound, RuleFailed
from app.records.conflicts import RecordConflict
from app.records.moves import Possible
from app.records.results import Record
from app.screens.boards import NONE, Board, heads
from app.screens.form_state import as_typed, raw_of
from app.screens.forms import sentences
from app.screens.looks import asked_of, lane_fields
from app.screens.moving import MoveDialog, Refused, move_dialog
from app.screens.record_blocks import title_of
from app.screens.taking_back import is_taken_back, take_back, way_of
from app.screens.visit import Visit


def _field(visit: Visit, entity: Entity, name: str) -> Field:
    """Return the field a board goes by.

    Raises:
        NotFound: there is none of that name the visitor may read.
    """
    found = next((one for one in lane_fields(entity, visit.policy) if one.name == name), None)
    if found is None:
        raise NotFound
    return found


def lanes(visit: Visit, name: str, number: str) -> Response:
    """Tell of each column whether a card may go there, what that asks for, or why not."""
    entity = visit.entity(name)
    field = _field(visit, entity, request.args.get("by", ""))
    record = visit.records.get(visit.principal, name, number, fields=(field.name,))
    return jsonify(lanes=_lanes(visit, entity, field, record))


def _lanes(visit: Visit, entity: Entity, field: Field, record: Record) -> dict[str, Any]:
    now = record.get(field.name)
    names = [one.name for one in field.options if not one.removed and one.name != now]
    if field.type.name == "stage":
        found = visit.previews.moves(visit.principal, entity.name, record.id)
        moves = {one.to: one for one in found if one.field == field.name}
        return {each: _by_move(visit, entity, field, moves.get(each), each) for each in names}
    why = _locked(visit, entity, field, record)
    offered = names
    if not why:
        preview = visit.previews.ask(visit.principal, entity.name, {}, record.id)
        if field.name in preview.locked:
            why = visit.wording.say(
                "%(field)s is locked now.", field=field.label.in_language(visit.language)
            )
        offered = [one for one in names if one in preview.offered.get(field.name, names)]
    not_now = visit.wording.say("Not offered for this record.")
    found_lanes = {
        each: {
            "ok": not why and each in offered,
            "why": why or ("" if each in offered else not_now),
        }
        for each in names
    }
    if now is not None and field.required is not True:
        found_lanes[NONE] = {"ok": not why, "why": why}
    return found_lanes


def _locked(visit: Visit, entity: Entity, field: Field, record: Record) -> str:
    """Return why a choice of a record cannot be changed by the visitor at all."""
    policy = visit.policy
    if "update" not in visit.records.rights(visit.principal, entity.name, record.id):
        return visit.words(policy.why("update", entity.name))
    if field.name not in policy.writable(entity.name):
        return visit.wording.say(
            "Your role may read %(field)s, but not change it.",
            field=field.label.in_language(visit.language),
        )
    return ""


def _by_move(
    visit: Visit, entity: Entity, field: Field, move: Possible | None, to: str
) -> dict[str, Any]:
    if move is None:
        return {"ok": False, "why": _only_from(visit, entity, field, to)}
    if move.why is not None:
        return {"ok": False, "why": visit.words(move.why)}
    asks = [entity.fields[one].label.in_language(visit.language) for one in move.missing]
    return {"ok": True, "why": "", "asks": ", ".join(asks)}


def _only_from(visit: Visit, entity: Entity, field: Field, to: str) -> str:
    """Return from where a stage may be reached: no move leads there from where the card is."""
    labels = {one.name: one.label.in_language(visit.language) for one in field.options}
    sources: dict[str, None] = {}
    for lifecycle in visit.catalog.automation.lifecycles_of(entity.name, field.name):
        for move in lifecycle.moves or ():
            if to in move.to:
                sources.update(dict.fromkeys(move.from_))
    ends = {one.name for one in field.options if one.final}
    # That an end is opened again is not the usual way.
    sources = {one: None for one in sources if one not in ends} or sources
    if not sources:
        return visit.wording.say("No move leads here.")
    named = "、" if visit.language == "zh" else ", "
    return visit.wording.say(
        "Only from %(stages)s", stages=named.join(labels.get(one, one) for one in sources)
    )


def move_card(visit: Visit, name: str, number: str) -> Response:
    """Put a card into another column, with what was filled in for it."""
    entity = visit.entity(name)
    board = Board(visit, entity, asked_of(visit, entity, request.args), request.form.get("by", ""))
    field, to = _field(visit, entity, request.form.get("by", "")), request.form.get("to", "")
    before = visit.records.get(
        visit.principal, name, number, fields=(*board.cards.fields, field.name)
    )
    if is_taken_back():
        done, told = take_back(visit, name, before.id)
        return _moved(visit, entity, board, before, told) if done else _told(told, 422)
    if to != NONE and to not in {one.name for one in field.options}:
        raise NotFound
    typed = as_typed(request.form)
    writable = set(visit.policy.writable(name)) - {field.name}
    names = [each for each in entity.fields if each in writable and each in request.form]
    version = request.form.get("version", "")
    try:
        # What the move asks for is asked before anything is written.
        dialog = _asked_first(visit, entity, before, field, to)
        if dialog is not None:
            return _asks(visit, entity, before, field, dialog)
        visit.writer.update(
            visit.principal,
            name,
            before.id,
            {**raw_of(visit.catalog, entity, names, typed), field.name: None if to == NONE else to},
            version=int(version) if version.isdigit() else None,
            origin="screen",
            strict=False,
        )
    except RecordConflict:
        said = visit.wording.say("Somebody changed it meanwhile. Reload the page and try again.")
        return _told(said, 409)
    except (InvalidInput, RuleFailed) as problem:
        return _refused(visit, entity, before, field, to, problem)
    labels = {one.name: one.label.in_language(visit.language) for one in field.options}
    told = visit.wording.say(
        "%(title)s: now %(stage)s",
        title=title_of(entity, before, visit),
        stage=labels.get(to) or visit.wording.say("no value"),
    )
    return _moved(visit, entity, board, before, told)


def _asked_first(
    visit: Visit, entity: Entity, record: Record, field: Field, to: str
) -> MoveDialog | None:
    if "asked" in request.form or to == NONE or field.type.name != "stage":
        return None
    return move_dialog(visit, entity, record, field, to, None)


def _asks(
    visit: Visit, entity: Entity, record: Record, field: Field, dialog: MoveDialog
) -> Response:
    view = {
        "path": {"href": f"/crm/{entity.name}/{record.id}/lane"},
        "version": "" if record.version is None else record.version,
        "by": field.name,
    }
    html = visit.screens.renderer.render(
        "board_dialog.html", visit.language, page={"csrf": visit.csrf}, view=view, dialog=dialog
    )
    # A question is no failure: nothing was refused yet, or what was can be put right here.
    return jsonify(dialog=html)


def _refused(
    visit: Visit,
    entity: Entity,
    record: Record,
    field: Field,
    to: str,
    problem: InvalidInput | RuleFailed,
) -> Response:
    """Ask again where something can be filled in, else say why not."""
    errors = sentences(problem.fields, visit)
    said = [each for all_ in errors.values() for each in all_]
    told = " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]
    dialog = None
    if to != NONE:
        dialog = move_dialog(visit, entity, record, field, to, Refused(to, errors))
    if dialog is None or not dialog.controls:
        return _told(told, 422)
    return _asks(visit, entity, record, field, dialog)


def _told(sentence: str, status: int) -> Response:
    answer = jsonify(told=sentence)
    answer.status_code = status
    return answer


def _moved(visit: Visit, entity: Entity, board: Board, before: Record, told: str) -> Response:
    """Answer with the card as it is now, the heads of the columns, and the way back."""
    fields = (*board.cards.fields, board.by.name)
    try:
        now = visit.records.get(visit.principal, entity.name, before.id, fields=fields)
    except (NotFound, Forbidden):
        # With the move it may have left the visitor's sight.
        card, lane = "", ""
    else:
        lane = str(now.get(board.by.name) or NONE)
        card = str(board.cards.card(now, lane))
    said: dict[str, Any] = {
        "told": told,
        "card": card,
        "to": lane,
        **heads(board),
        "undo": None if is_taken_back() else way_of(visit, entity.name, before.id),
    }
    return jsonify(said)
