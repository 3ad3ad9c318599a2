"""What the steps of an approval are called: their own label, else whom they ask, in words."""

from __future__ import annotations

from app.definitions.automation import ApprovalStep, Person
from app.definitions.catalog import Catalog
from app.texts import Label, join, say

_COMMA = say(", ", "、")
_ARROW = Label({"en": " › "})


def step_label(catalog: Catalog, entity: str, step: ApprovalStep, number: int) -> Label:
    """Return what a step is called."""
    if step.label is not None:
        return step.label
    asked = [person_label(catalog, entity, person) for person in step.approver]
    if asked:
        return join(_COMMA, asked)
    return say("step {number}", "第 {number} 步", number=number + 1)


def person_label(catalog: Catalog, entity: str, person: Person) -> Label | str:
    """Return whom an entry names: ``role finance`` is "Finance", ``owner.manager`` its labels."""
    if person.kind == "role" and person.name in catalog.roles:
        return catalog.roles[person.name].label
    if person.kind == "chosen" and person.name in catalog.roles:
        label = catalog.roles[person.name].label
        return say("{role}, chosen", "{role}（由提交人选择）", role=label)
    if person.kind == "head":
        path = person.text.removeprefix("head of").strip()
        return say("head of {place}", "{place}负责人", place=_path_label(catalog, entity, path))
    if person.kind == "path":
        return _path_label(catalog, entity, person.text)
    return person.name or person.text


def _path_label(catalog: Catalog, entity: str, path: str) -> Label | str:
    """Return the labels of a path's fields; the path itself where it is more than one."""
    labels: list[Label | str] = []
    here = catalog.entities.get(entity)
    for name in path.split("."):
        field = here.fields.get(name) if here is not None else None
        if field is None:
            return path
        labels.append(field.label)
        targets = field.type.targets(field)
        here = catalog.entities.get(targets[0]) if targets else None
    return join(_ARROW, labels)
