"""One condition of a filter as it is edited: field, operator, and the control of its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.definitions.catalog import Entity, Field
from app.fields.base import Operator
from app.screens.conditions import PERIODS, Condition, field_of, operators_for, path_label
from app.screens.controls import Chosen, Control, PartInput, first
from app.screens.kinds import FormLook, kind_of
from app.screens.visit import Visit


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as it is edited."""

    number: str
    name: str
    operator: str
    href: str
    fields: Sequence[Chosen]
    operators: Sequence[Chosen]
    value: Control | None


def draw_row(
    visit: Visit, entity: Entity, condition: Condition, number: str, paths: Sequence[Chosen]
) -> Row | None:
    """Return a condition as it is edited; None for what may not be filtered by."""
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
    number: str,
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
