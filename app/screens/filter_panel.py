"""The filter of a list: rows of field, operator and value, the expression they make, the count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, Malformed
from app.fields.base import Operator
from app.screens.conditions import (
    PERIODS,
    Condition,
    field_of,
    find_operator,
    operators_for,
    path_label,
    read_filter,
    write_filter,
)
from app.screens.controls import Chosen, Control, PartInput, first
from app.screens.form_state import as_typed
from app.screens.kinds import FormLook, kind_of
from app.screens.list_view import Asked
from app.screens.lists import count_words
from app.screens.navigation import in_sentence, plural
from app.screens.visit import Visit

#: So many conditions are laid out before anybody adds one.
_READY = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as it is edited."""

    number: int
    name: str
    operator: str
    href: str
    fields: Sequence[Chosen]
    operators: Sequence[Chosen]
    value: Control | None


def panel(visit: Visit, name: str) -> Response:
    """Return the panel for the filter of the address, what is usual in this list at hand."""
    entity = visit.entity(name)
    asked = Asked.of(name, request.args)
    conditions, rest = read_filter(entity, asked.filter)
    paths = _paths(visit, entity)
    used = {one.path for one in conditions}
    waiting = [
        Condition(path, _asking(entity, path))
        for path in entity.screens.filters
        if path not in used and _asking(entity, path)
    ]
    rows = [
        row
        for number, one in enumerate([*conditions, *waiting[: max(_READY - len(conditions), 0)]])
        if (row := _row(visit, entity, one, number, paths)) is not None
    ]
    return visit.render(
        "filter.html",
        rows=rows,
        action=asked.href("filter/apply", filter=""),
        preview=asked.href("filter/preview", filter=""),
        add=f"/crm/{name}/filter/row?add=1",
        things=in_sentence(plural(entity, visit.language), visit.language),
        kept=[("rest", part) for part in rest],
        csrf=visit.csrf,
        **_state(visit, asked, asked.filter),
    )


def _asking(entity: Entity, path: str) -> str:
    """Return the first operator that asks for a value: the others would filter at once."""
    offered = operators_for(entity, path)
    return next((one.name for one in offered if one.value != "none"), "")


def row(visit: Visit, name: str) -> Response:
    """Return one row anew: another field was chosen, or another operator, or a row was added."""
    entity = visit.entity(name)
    paths = _paths(visit, entity)
    typed = {key: request.args.getlist(key) for key in request.args}
    number = first(typed, "r")
    if "add" in request.args or not number.isdigit():
        fresh = visit.look.now.microsecond + 1000
        made = _row(visit, entity, Condition(paths[0].name, ""), fresh, paths)
    else:
        condition = Condition(first(typed, f"f-{number}"), first(typed, f"op-{number}"))
        made = _row(visit, entity, condition, int(number), paths)
        made = made or _row(visit, entity, Condition(paths[0].name, ""), int(number), paths)
    return visit.render("filter_row_only.html", row=made)


def preview(visit: Visit, name: str) -> Response:
    """Return the expression of what is chosen, and how many records it lets through."""
    entity = visit.entity(name)
    asked = Asked.of(name, request.args)
    text = _posted(entity)
    return visit.render("filter_state_only.html", **_state(visit, asked, text))


def apply(visit: Visit, name: str) -> Response:
    """Go to the list with what was chosen."""
    entity = visit.entity(name)
    asked = Asked.of(name, request.args)
    return redirect(asked.href(filter=_posted(entity)), 303)  # type: ignore[return-value]


def _state(visit: Visit, asked: Asked, text: str) -> dict[str, Any]:
    problem = count = ""
    try:
        found = visit.records.count(
            visit.principal,
            asked.entity,
            filter=text or None,
            view=asked.view or None,
            search=asked.search or None,
            mode="capped",
        )
        number = 1 if found.number == 1 and not found.capped else 2
        count = visit.wording.count(
            "%(count)s record", "%(count)s records", number, count=count_words(found)
        )
    except (Malformed, Forbidden) as refused:
        problem = visit.words(refused.message)  # type: ignore[arg-type]
    return {
        "expression": text,
        "problem": problem,
        "count": count,
        "clear": asked.href(filter=""),
    }


def _posted(entity: Entity) -> str:
    typed = as_typed(request.form)
    conditions = [
        Condition(
            first(typed, f"f-{number}"),
            first(typed, f"op-{number}"),
            tuple(_typed_values(entity, typed, number)),
        )
        for number in typed.get("r", ())
    ]
    parts = [write_filter(entity, conditions), *typed.get("rest", ())]
    return " and ".join(part for part in parts if part)


def _typed_values(entity: Entity, typed: Mapping[str, Sequence[str]], number: str) -> list[str]:
    """Return the values of a row, whatever control they were typed into."""
    path, name = first(typed, f"f-{number}"), f"v-{number}"
    field = field_of(entity, path)
    operator = find_operator(entity, path, first(typed, f"op-{number}"))
    if field is None or operator is None:
        return []
    if operator.value == "two":
        return [first(typed, name), first(typed, f"{name}-2")]
    return [one for one in typed.get(name, ()) if one]


def _paths(visit: Visit, entity: Entity) -> list[Chosen]:
    """Return what a list may be filtered by: fields, and the parts of addresses."""
    found = []
    for name in entity.fields:
        if field_of(entity, name) is None or not visit.policy.is_readable(entity.name, name):
            continue
        found.append(Chosen(name, path_label(entity, name, visit.language)))
    named = {one.name for one in found}
    for path in entity.screens.filters:
        first_name = path.partition(".")[0]
        if path not in named and visit.policy.is_readable(entity.name, first_name):
            found.append(Chosen(path, path_label(entity, path, visit.language)))
    return sorted(found, key=lambda one: one.label)


def _row(
    visit: Visit, entity: Entity, condition: Condition, number: int, paths: Sequence[Chosen]
) -> Row | None:
    if condition.path not in {one.name for one in paths}:
        return None
    field = field_of(entity, condition.path)
    if field is None:
        return None
    offered = operators_for(entity, condition.path)
    operator = next((one for one in offered if one.name == condition.operator), offered[0])
    language = visit.language
    return Row(
        number,
        condition.path,
        operator.name,
        f"/crm/{entity.name}/filter/row",
        paths,
        [Chosen(one.name, one.label.in_language(language)) for one in offered],
        _value(visit, entity, field, operator, condition, number),
    )


def _value(
    visit: Visit,
    entity: Entity,
    field: Field,
    operator: Operator,
    condition: Condition,
    number: int,
) -> Control | None:
    """Return the control a value is typed into: the field's own wherever that makes sense."""
    if operator.value == "none" or not operator.takes_value:
        return None
    name, label = f"v-{number}", path_label(entity, condition.path, visit.language)
    control = Control("text", name, label, bare=True, value=", ".join(condition.values[:1]))
    if operator.value == "period":
        control.control = "choice"
        control.options = [
            Chosen(one, words.in_language(visit.language), one in condition.values)
            for one, words in PERIODS
        ]
        return control
    if operator.value == "number":
        control.mode = "numeric"
        return control
    if "." in condition.path:
        return control
    if operator.value == "many" and field.options:
        control.control = "picks"
        control.options = [
            Chosen(o.name, o.label.in_language(visit.language), o.name in condition.values)
            for o in field.options
            if not o.removed or o.name in condition.values
        ]
        return control
    look = FormLook(visit.catalog, entity.name, visit.wording, visit.look.zone, {})
    typed: dict[str, Sequence[str]] = {name: list(condition.values)}
    targets = field.type.targets(field)
    if targets:
        return _link_value(visit, entity, field, operator, condition, control)
    kind_of(field).fill(control, field, typed, look)
    if operator.value == "two":
        last = condition.values[-1] if condition.values else ""
        control.control = "two"
        control.parts = [PartInput("", "", first(typed, name)), PartInput("-2", "", last)]
    elif control.control in ("boolean", "many", "parts", "tags", "choices", "longtext"):
        control.control = "choice" if field.options else "text"
    control.required = False
    return control


def _link_value(
    visit: Visit,
    entity: Entity,
    field: Field,
    operator: Operator,
    condition: Condition,
    control: Control,
) -> Control:
    target = field.type.targets(field)[0]
    ids = [int(one) for one in condition.values if one.isdigit()]
    titles = visit.records.titles(visit.principal, target, ids) if ids else {}
    control.search = f"/crm/{entity.name}/pick/{field.name}"
    control.chosen = [Chosen(str(n), titles.get(n) or f"#{n}") for n in ids]
    if operator.value == "many":
        control.control, control.many = "links", True
    else:
        control.control = "link"
        control.chosen = control.chosen[:1] or [Chosen("")]
    return control
