"""Doing one thing with many records of a list: asked in a dialog, told with what was left out.

What is done is one change set, however many records it is; many of them are done by the workers,
and the page of the run shows how far they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from flask import Response, redirect, request

from app.changes.run import Chosen, Run
from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput, Malformed, NotFound, RuleFailed
from app.jobs.beginning import begin_change
from app.records.doings import Doing
from app.records.results import Record
from app.screens import pools
from app.screens.bulk import chosen_of, editable, tagged
from app.screens.buttons import DO, Tried, ask_controls, buttons, press_many
from app.screens.controls import Chosen as Offered
from app.screens.controls import Control
from app.screens.form_state import as_typed, raw_of
from app.screens.kinds import FormLook, kind_of
from app.screens.navigation import in_sentence, plural
from app.screens.opened_lists import OpenedList, open_list
from app.screens.visit import Visit, leave_toast

#: Records are claimed and released one after the other.
MOST_CLAIMED = 500
_Refused = InvalidInput | RuleFailed | Forbidden | Malformed | NotFound


@dataclass(slots=True)
class BulkForm:
    """Everything `bulk_form.html` shows."""

    title: str
    action: str
    do: str
    ids: str
    all: str
    again: str
    fields: Sequence[Offered]
    controls: Sequence[Control]
    #: the field may be emptied as well
    may_empty: bool = False
    refused: str = ""
    #: what the two buttons say, where that is not about changing
    cancel: str = ""
    go: str = ""
    #: the same click a second time does nothing
    key: str = ""


def edit_form(visit: Visit, name: str, refused: str = "") -> Response:
    """Return the dialog that gives one field of many records a value."""
    opened = _opened(visit, name)
    fields = editable(visit, opened.entity)
    field = _named(fields)
    view = _form(opened, "edit", visit.wording.say("Edit a field"), refused)
    view.again = opened.asked.href("bulk/edit")
    view.fields = _offered(visit, fields, field)
    if field is None:
        # Nothing is chosen for somebody who only looks.
        first = Offered("", visit.wording.say("Choose a field"), on=True)
        view.fields = [first, *view.fields]
    else:
        view.controls = [_control(visit, opened.entity, field)]
        view.may_empty = field.required is not True and field.type.name != "boolean"
    return _render(visit, view)


def tag_form(visit: Visit, name: str, refused: str = "") -> Response:
    """Return the dialog that adds words to a field of many records, or takes them out."""
    opened = _opened(visit, name)
    fields = tagged(visit, opened.entity)
    field = _field(fields)
    say = visit.wording.say
    view = _form(opened, "tag", say("Tag"), refused)
    view.again = opened.asked.href("bulk/tag")
    view.fields = _offered(visit, fields, field) if len(fields) > 1 else ()
    view.controls = [_words(field, "add", say("Add")), _words(field, "remove", say("Take out"))]
    for control in view.controls:
        control.options = [
            Offered(one.name, one.label.in_language(visit.language))
            for one in field.options
            if not one.removed
        ]
    return _render(visit, view)


def act_form(visit: Visit, name: str, rule: str, tried: Tried | None = None) -> Response:
    """Return the dialog of what a rule's button asks, once for all the records."""
    opened = _opened(visit, name)
    offered = buttons(visit).on_list(visit.principal, visit.catalog, name)
    one = next((one for one in offered if one.rule == rule), None)
    if one is None:
        raise NotFound
    label = one.label.in_language(visit.language)
    view = _form(opened, f"{DO}{rule}", label, tried.sentence if tried is not None else "")
    view.controls = ask_controls(visit, opened.entity, rule, one.ask, tried)
    view.cancel, view.go = visit.wording.say("Cancel"), label
    view.key = request.form.get("key", "") or uuid4().hex
    return _render(visit, view)


def _opened(visit: Visit, name: str) -> OpenedList:
    return open_list(visit, visit.entity(name), request.args)


def _form(opened: OpenedList, do: str, title: str, refused: str) -> BulkForm:
    said = request.form if request.method == "POST" else request.args
    return BulkForm(
        title,
        opened.asked.href("do"),
        do,
        said.get("ids", ""),
        said.get("all", ""),
        "",
        (),
        (),
        refused=refused,
    )


def _named(fields: Sequence[Field]) -> Field | None:
    """Return the field that was chosen among those there are."""
    said = request.form if request.method == "POST" else request.args
    if not fields:
        raise NotFound
    wanted = said.get("field", "")
    return next((one for one in fields if one.name == wanted), None)


def _field(fields: Sequence[Field]) -> Field:
    return _named(fields) or fields[0]


def _offered(visit: Visit, fields: Sequence[Field], field: Field | None) -> list[Offered]:
    return [
        Offered(one.name, one.label.in_language(visit.language), one is field) for one in fields
    ]


def _control(visit: Visit, entity: Entity, field: Field) -> Control:
    look = FormLook(visit.catalog, entity.name, visit.wording, visit.look.zone, {})
    kind = kind_of(field)
    typed = (
        as_typed(request.form)
        if request.method == "POST"
        else kind.typed(field, Record(entity.name, 0, {}, {}), look)
    )
    control = Control(
        "text", field.name, field.label.in_language(visit.language), id="bulk-value", span=12
    )
    kind.fill(control, field, typed, look)
    if field.type.targets(field):
        control.search = f"/crm/{entity.name}/pick/{field.name}"
        control.chosen = control.chosen or ([] if control.many else [Offered("")])
    control.required = False
    return control


def _words(field: Field, name: str, label: str) -> Control:
    kind = "choices" if field.options else "tags"
    value = request.form.get(name, "") if kind == "tags" else ""
    return Control(kind, name, label, id=f"bulk-{name}", input_name=name, value=value, span=12)


def _render(visit: Visit, view: BulkForm) -> Response:
    response = visit.render("bulk_form.html", view=view, csrf=visit.csrf)
    if view.refused:
        response.status_code = 422
    return response


# -- doing it --------------------------------------------------------------------------------------


def bulk(visit: Visit, name: str) -> Response:
    """Do one thing with the records that were ticked in a list, or with all of it."""
    opened = _opened(visit, name)
    entity, do = opened.entity, request.form.get("do", "")
    chosen = chosen_of(opened, request.form)
    back = opened.asked.href()
    if chosen.ids is not None and not chosen.ids:
        return _go(back)
    if chosen.ids is None and opened.missing:
        # Without the view it would be the whole list.
        leave_toast(visit.wording.say("The view is not there any more; nothing was changed."))
        return _go(back)
    if do.startswith(DO):
        return _press(visit, entity, chosen, do.removeprefix(DO), back)
    if do in ("claim", "release"):
        pools.bulk(visit, entity, do, _numbers(visit, entity, chosen))
        return _go(back)
    try:
        run = _begin(visit, entity, chosen, _doing(visit, entity, do))
    except (InvalidInput, RuleFailed, Forbidden, Malformed) as problem:
        said = _said(visit, problem)
        if do == "edit":
            return edit_form(visit, name, said)
        if do == "tag":
            return tag_form(visit, name, said)
        leave_toast(said)
        return _go(back)
    if run.is_open:
        return _go(f"/changes/runs/{run.id}")
    tell(visit, entity, run, back)
    return _go(back)


def _press(visit: Visit, entity: Entity, chosen: Chosen, rule: str, back: str) -> Response:
    """Press a button for the chosen records; what was filled in wrongly is asked again."""
    try:
        found = press_many(visit, entity.name, chosen, rule)
    except (InvalidInput, Forbidden, Malformed, NotFound) as problem:
        leave_toast(_said(visit, problem))
        return _go(back)
    if isinstance(found, Tried):
        return act_form(visit, entity.name, rule, found)
    if found.is_open:
        begin_change(visit.core.settings.redis_url, found.id)
        return _go(f"/changes/runs/{found.id}")
    tell(visit, entity, found, back)
    return _go(back)


def _begin(visit: Visit, entity: Entity, chosen: Chosen, doing: Doing) -> Run:
    run: Run = visit.core.changes.bulk(visit.principal, entity.name, chosen, doing, origin="screen")
    if run.is_open:
        begin_change(visit.core.settings.redis_url, run.id)
    return run


def _doing(visit: Visit, entity: Entity, do: str) -> Doing:
    """Return what is asked for.

    Raises:
        InvalidInput: something is missing.
    """
    say = visit.wording.say
    if do == "delete":
        return Doing("delete")
    if do == "transfer":
        owner = request.form.get("owner", "")
        if not owner.isascii() or not owner.isdigit() or len(owner) > 18:
            raise InvalidInput(message=say("Choose who takes them over."))
        return Doing("transfer", owner=int(owner))
    if do == "edit":
        return _edit(visit, entity)
    if do == "tag":
        field = _field(tagged(visit, entity))
        add, remove = _listed(field, "add"), _listed(field, "remove")
        if not add and not remove:
            raise InvalidInput(message=say("Say what to add or to take out."))
        return Doing(
            "update",
            add={field.name: add} if add else {},
            remove={field.name: remove} if remove else {},
            strict=False,
        )
    raise InvalidInput(message=say("Choose what to do with them."))


def _edit(visit: Visit, entity: Entity) -> Doing:
    say = visit.wording.say
    field = _named(editable(visit, entity))
    if field is None:
        raise InvalidInput(message=say("Choose the field to change."))
    if request.form.get("_empty") == "yes":
        return Doing("update", values={field.name: None}, strict=False)
    values = raw_of(visit.catalog, entity, [field.name], as_typed(request.form))
    if values.get(field.name) in (None, "", [], {}):
        raise InvalidInput(message=say("Give a value, or say that the field is to be emptied."))
    return Doing("update", values=values, strict=False)


def _listed(field: Field, name: str) -> list[str]:
    found = request.form.getlist(name)
    if not field.options:
        text = ",".join(found).replace("，", ",").replace("、", ",")
        found = [one.strip() for one in text.split(",")]
    return [one for one in dict.fromkeys(found) if one]


def _numbers(visit: Visit, entity: Entity, chosen: Chosen) -> list[int]:
    """Return the records one by one, for what is done to one after the other."""
    if chosen.ids is not None:
        return list(chosen.ids[:MOST_CLAIMED])
    found: list[int] = visit.records.matching(
        visit.principal,
        entity.name,
        filter=chosen.filter,
        view=chosen.view,
        search=chosen.search,
        most=MOST_CLAIMED,
    )
    return found


def tell(visit: Visit, entity: Entity, run: Run, back: str) -> None:
    """Say what became of the records, with the way back."""
    undo = {}
    if run.change_set is not None and run.count("changed"):
        undo = {"undo": f"/changes/{run.change_set}/undo", "fields": (("back", back),)}
    more = {}
    if run.count("skipped"):
        more = {
            "href": f"/changes/runs/{run.id}",
            "link": visit.wording.say("Which?"),
        }
    leave_toast(sentence_of(visit, entity, run), **undo, **more)


def sentence_of(visit: Visit, entity: Entity, run: Run) -> str:
    """Return what became of the records, in a sentence."""
    wording = visit.wording
    things = in_sentence(plural(entity, visit.language), visit.language)
    done = run.count("changed")
    if run.kind == "button":
        words = wording.say("Done for %(done)s of %(all)s", done=f"{done:,}", all=f"{run.total:,}")
        return _with_rest(visit, run, words)
    values = {"count": f"{done:,}", "things": things}
    name = request.form.get("owner.title", "")
    if run.kind == "transfer" and name:
        words = wording.say("%(count)s %(things)s were handed to %(name)s", name=name, **values)
        return _with_rest(visit, run, words)
    said = {
        "delete": wording.say("%(count)s %(things)s are in the recycle bin", **values),
        "transfer": wording.say("%(count)s %(things)s were handed over", **values),
    }.get(run.kind, wording.say("%(count)s %(things)s were changed", **values))
    return _with_rest(visit, run, said)


def _with_rest(visit: Visit, run: Run, said: str) -> str:
    wording, left = visit.wording, run.count("skipped")
    parts = [said]
    if run.count("unchanged"):
        same = f"{run.count('unchanged'):,}"
        parts.append(wording.say("%(count)s were so already", count=same))
    if left:
        parts.append(wording.say("%(count)s were left out", count=f"{left:,}"))
    if run.problem is not None:
        parts.append(visit.words(run.problem))
    return ("；" if visit.language == "zh" else "; ").join(parts)


def _said(visit: Visit, problem: _Refused) -> str:
    found = [one for them in problem.fields.values() for one in them]
    return " ".join(visit.words(one) for one in dict.fromkeys(found or [problem.message]))  # type: ignore[arg-type]


def _go(address: str) -> Response:
    """Lead the browser on, also out of a dialog that was sent in the background."""
    if request.headers.get("X-Requested-With"):
        return Response(status=204, headers={"X-Go": address})
    return redirect(address, 303)  # type: ignore[return-value]
